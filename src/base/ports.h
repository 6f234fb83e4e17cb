/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A list of TCP ports as people write them: single ones, and ranges such as 8000-8999. */
#ifndef METRO_PORTS_H
#define METRO_PORTS_H

#include <linux/types.h>
#include <stdbool.h>

#define PORTS_MAX 256 /* ranges in one list */

/* Both ends belong to it, 1 .. 65535; a single port is a range of one. */
struct port_range {
	__u16 first;
	__u16 last;
};

/* In rising order, with ports between each two ranges that are in none. Zeroed memory is empty. */
struct ports {
	unsigned int count;
	struct port_range at[PORTS_MAX];
};

/* Reads PORT or PORT-PORT, in plain decimal. Returns 0; -EINVAL: it is neither; -ERANGE: a port is
 * not from 1 to 65535; -EDOM: the range ends before it begins. */
int ports_parse(const char *text, struct port_range *range);

/* Adds a range; those that overlap or touch become one. Returns 0, or -E2BIG and nothing has
 * changed. */
int ports_add(struct ports *ports, const struct port_range *range);

bool ports_have(const struct ports *ports, __u16 port);
bool ports_equal(const struct ports *a, const struct ports *b);

#endif
