/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Lays all lists of ports over each other, and cuts them into spans that are in the same lists. */
#include "peers_ports.h"

#include <errno.h>
#include <stdlib.h>

static int compare(const void *a, const void *b)
{
	const struct port_span *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

/* Where lists begin and end, as spans whose lists are those that change there. Ranges of one list
 * do not touch. */
static size_t collect_ends(struct port_span *ends, const struct config *config)
{
	__u64 had = 0;
	size_t count = 0;

	for (size_t i = 0; i < config->instances_count; i++) {
		const struct ports *ports = config->instances[i].ports;
		__u64 list = instance_port_lists(&config->instances[i]);

		if (!ports || had & list)
			continue;
		had |= list;
		for (unsigned int k = 0; k < ports->count; k++) {
			ends[count++] = (struct port_span){ports->at[k].first, list};
			ends[count++] = (struct port_span){ports->at[k].last + 1u, list};
		}
	}
	return count;
}

/* Makes spans of sorted ends. Returns how many they are. */
static size_t add_up(struct port_span *ends, size_t count)
{
	__u64 lists = 0;
	size_t spans = 0;

	for (size_t i = 0; i < count; i++) {
		lists ^= ends[i].lists;
		if (i + 1 == count || ends[i + 1].first != ends[i].first)
			ends[spans++] = (struct port_span){ends[i].first, lists};
	}
	return spans;
}

int peers_ports_make(struct peers_ports *ports, const struct config *config)
{
	bool any = false;

	*ports = (struct peers_ports){};
	for (size_t i = 0; i < config->instances_count; i++) {
		any |= config->instances[i].ports != NULL;
		if (config->instances[i].tag_port)
			ports->tagged |= instance_port_lists(&config->instances[i]);
	}
	if (!any)
		return 0;
	ports->spans = calloc(2 * PORTS_MAX * PORT_LISTS_MAX, sizeof(*ports->spans));
	if (!ports->spans)
		return -ENOMEM;
	ports->count = collect_ends(ports->spans, config);
	qsort(ports->spans, ports->count, sizeof(*ports->spans), compare);
	ports->count = add_up(ports->spans, ports->count);
	return 0;
}

void peers_ports_clear(struct peers_ports *ports)
{
	free(ports->spans);
	*ports = (struct peers_ports){};
}

__u64 peers_ports_of(const struct peers_ports *ports, __u16 port)
{
	size_t low = 0, high = ports->count; /* the first span beyond it is among these */

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (ports->spans[middle].first <= port)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? ports->spans[low - 1].lists : 0;
}

__u64 peers_ports_of_flow(const struct peers_ports *ports, const struct flow_key *key)
{
	if (!ports->count)
		return 0;
	return peers_ports_of(ports, key->local_port) | peers_ports_of(ports, key->peer_port);
}
