/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * All network interfaces of this network namespace at one moment. Taking one is cheap enough for
 * every burst of changes: 1 ms for 200 interfaces, 4 ms for 1000.
 */
#ifndef METRO_LINKS_H
#define METRO_LINKS_H

#include "interface.h"

#include <stddef.h>

struct link {
	struct interface interface;
	char kind[INTERFACE_KIND]; /* as `ip link add type` has it; "" for hardware */
	unsigned int flags;        /* IFF_UP, IFF_LOOPBACK .. */
	unsigned int master;       /* index of the bond, bridge or VRF that it is in; 0: none */
	unsigned int lower;   /* index of what it lies on (VLAN, macvlan, tunnel), or of a veth's
				 other end; 0: none */
	int lower_netns;      /* id of the network namespace where that is; -1: here */
	bool is_default;      /* a default route goes through it */
	const char *altnames; /* one behind the other, each with its final 0, and "" at the end */
};

struct links {
	struct link *at; /* by index */
	size_t count;
	bool whole;  /* false: they changed while they were read, and some may be missing */
	char *names; /* what the links' altnames point to */
};

/* Reads them, and, if asked for, which have default routes: for that the kernel lists all of its
 * routes. Returns 0, or -errno with no links; either way links_free ends it. */
int links_read(struct links *links, bool default_routes);
void links_free(struct links *links);

/* The link of this index, or NULL. */
const struct link *links_find(const struct links *links, unsigned int ifindex);

/* The link that has the name, be it an alternative one, or NULL. */
const struct link *links_named(const struct links *links, const char *name);

/* The next of the link's names behind this one, which must be one of them; NULL asks for the first.
 * NULL: there are no more. */
const char *link_next_name(const struct link *link, const char *name);

#endif
