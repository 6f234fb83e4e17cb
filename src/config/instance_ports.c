/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Checks ports, and tells lists of them apart: two instances with equal ones cost as much as one.
 */
#include "instance_ports.h"

#include <errno.h>
#include <stdlib.h>

const char *instance_port_error(int err)
{
	switch (err) {
	case -ERANGE:
		return "is no port";
	case -EDOM:
		return "ends before it begins";
	case -E2BIG:
		return "is one too many";
	default:
		return "is not valid";
	}
}

int instance_add_port(struct instance *instance, struct mistakes *mistakes, const char *text)
{
	char quoted[QUOTED_TEXT];
	struct port_range range;
	int err = ports_parse(text, &range);

	if (!err && !instance->ports)
		instance->ports = calloc(1, sizeof(*instance->ports));
	if (!err && !instance->ports)
		return -ENOMEM;
	if (!err)
		err = ports_add(instance->ports, &range);
	mistake_quote(text, quoted);
	if (err == -E2BIG)
		mistake(mistakes,
			"%s %s; accepted: up to %d ports and ranges, those that touch counted once",
			quoted, instance_port_error(err), PORTS_MAX);
	else if (err)
		mistake(mistakes, "%s %s; accepted: " ACCEPTED_PORT, quoted,
			instance_port_error(err));
	return 0;
}

int instance_set_ports(struct instance *instance, const struct ports *ports)
{
	if (!ports->count)
		return 0;
	instance->ports = malloc(sizeof(*instance->ports));
	if (!instance->ports)
		return -ENOMEM;
	*instance->ports = *ports;
	return 0;
}

void instance_number_ports(const struct config *config, struct mistakes *mistakes)
{
	struct instance *last = &config->instances[config->instances_count - 1];
	unsigned int lists = 0;

	if (!last->ports)
		return;
	for (const struct instance *at = config->instances; at < last; at++) {
		if (!at->ports)
			continue;
		if (ports_equal(at->ports, last->ports)) {
			last->ports_list = at->ports_list;
			return;
		}
		lists = at->ports_list >= lists ? at->ports_list + 1 : lists;
	}
	last->ports_list = lists;
	if (lists >= PORT_LISTS_MAX) {
		last->ports_list = PORT_LISTS_MAX - 1;
		mistake(mistakes,
			"are one list too many; accepted: up to %d lists that differ, over all "
			"instances",
			PORT_LISTS_MAX);
	}
}
