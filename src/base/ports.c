/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Keeps ranges of ports sorted and apart, so that equal lists look the same however they were
 * written. */
#include "ports.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

static int parse_port(const char *text, size_t length, __u16 *port)
{
	unsigned int value = 0;

	if (!length || strspn(text, "0123456789") < length || (*text == '0' && length > 1))
		return -EINVAL;
	for (size_t i = 0; i < length && value <= 65535; i++)
		value = 10 * value + (unsigned int)(text[i] - '0');
	if (!value || value > 65535)
		return -ERANGE;
	*port = (__u16)value;
	return 0;
}

int ports_parse(const char *text, struct port_range *range)
{
	size_t length = strcspn(text, "-");
	const char *second = text[length] ? text + length + 1 : text;
	int err = parse_port(text, length, &range->first);
	int other = parse_port(second, second == text ? length : strlen(second), &range->last);

	if (err == -EINVAL || other == -EINVAL)
		return -EINVAL;
	if (err || other)
		return -ERANGE;
	return range->last < range->first ? -EDOM : 0;
}

/* Are there no ports between them that belong to neither? */
static bool touch(const struct port_range *a, const struct port_range *b)
{
	return a->first <= b->last + 1 && b->first <= a->last + 1;
}

int ports_add(struct ports *ports, const struct port_range *range)
{
	struct port_range sum = *range;
	unsigned int from = 0, to;

	while (from < ports->count && ports->at[from].last + 1 < range->first)
		from++;
	for (to = from; to < ports->count && touch(&ports->at[to], range); to++) {
		if (ports->at[to].first < sum.first)
			sum.first = ports->at[to].first;
		if (ports->at[to].last > sum.last)
			sum.last = ports->at[to].last;
	}
	if (from == to && ports->count == PORTS_MAX)
		return -E2BIG;
	memmove(&ports->at[from + 1], &ports->at[to], (ports->count - to) * sizeof(sum));
	ports->at[from] = sum;
	ports->count = ports->count + 1 - (to - from);
	return 0;
}

bool ports_have(const struct ports *ports, __u16 port)
{
	unsigned int low = 0, high = ports->count;

	while (low < high) {
		unsigned int middle = (low + high) / 2;

		if (ports->at[middle].last < port)
			low = middle + 1;
		else
			high = middle;
	}
	return low < ports->count && ports->at[low].first <= port;
}

bool ports_equal(const struct ports *a, const struct ports *b)
{
	return a->count == b->count && !memcmp(a->at, b->at, a->count * sizeof(a->at[0]));
}
