/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Groups of ports, as the BPF programs know them (peer_key.h): each combination of lists for which
 * there are peers is one. */
#ifndef METRO_BPF_PORTS_H
#define METRO_BPF_PORTS_H

#include <stddef.h>

#include "peer_filter.h"
#include "peers.h"

struct port_group {
	__u64 lists;
	__u32 number;
	bool kept; /* from the groups before */
};

/* Those of the present peers. Zeroed memory has none. */
struct port_groups {
	struct port_group *at;
	size_t count;
	__u32 last;     /* number: those that follow get higher ones, as long as there are any */
	size_t entries; /* that they take in the map of addresses */
	struct port_span *spans; /* which ports are in which lists */
	size_t spans_count;
};

/* Finds the groups of these peers. Those that are in before, with the same ports, keep their
 * numbers, and others get numbers that none there has. Returns 0, or -ENOMEM and groups is empty.
 */
int port_groups_make(struct port_groups *groups, const struct port_groups *before,
		     const struct peers *peers);
void port_groups_clear(struct port_groups *groups);

/* Takes the groups of others, too, as groups of no lists: their numbers are not given to others,
 * and their ports stay until these groups are dropped. Returns 0, or -ENOMEM and some are missing.
 */
int port_groups_hold(struct port_groups *groups, const struct port_groups *others);

/* The number of the group that a peer has, 0: all ports. */
__u32 port_groups_of(const struct port_groups *groups, const struct peers *peers,
		     const struct peer *peer);

/* Says in the map of addresses which ports are in which group; without those kept, unless all.
 * Returns 0 or -errno. */
int port_groups_fill(const struct port_groups *groups, int map, bool all);

/* Takes out of it the groups that others do not have. */
void port_groups_drop(const struct port_groups *groups, const struct port_groups *others, int map);

/* Which ports pass the filter in front of all. */
void port_groups_filter(struct peer_filter *filter, const struct peers *peers);

#endif
