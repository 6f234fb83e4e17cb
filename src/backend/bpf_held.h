/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the maps of peers hold, in order: so a change writes only what differs. */
#ifndef METRO_BPF_HELD_H
#define METRO_BPF_HELD_H

#include "bpf_ports.h"

struct held_peer {
	__u32 set;
	__u32 group; /* of ports (bpf_ports.h) */
	struct prefix prefix;
};

/* By set and prefix; each once. Zeroed memory holds none. */
struct held_peers {
	struct held_peer *at;
	size_t count;
	size_t hosts; /* of them, addresses */
};

/* Lists what is to be measured on interfaces now. Returns 0, or -ENOMEM and held is empty. */
int held_peers_list(struct held_peers *held, const struct peers *peers,
		    const struct port_groups *groups);
void held_peers_clear(struct held_peers *held);

/* One peer before and after a change, NULL where it is not there. */
typedef int (*held_peer_fn)(void *arg, struct held_peer *before, const struct held_peer *after);

/* Calls fn for each that is not in both with the same group, in order, until it returns other than
 * 0. Returns that, or 0. */
int held_peers_compare(const struct held_peers *before, const struct held_peers *after,
		       held_peer_fn fn, void *arg);

/* The sets that interfaces have. Zeroed memory holds none. */
struct held_interfaces {
	struct peers_interface *at;
	size_t count;
};

/* Returns 0, or -ENOMEM and held is empty. */
int held_interfaces_list(struct held_interfaces *held, const struct peers *peers);
void held_interfaces_clear(struct held_interfaces *held);

bool held_interfaces_have(const struct held_interfaces *held, __u32 number);

#endif
