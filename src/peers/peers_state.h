/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the parts of the peers share: peers.c (the table, and questions to it), peers_hosts.c
 * (names, as the resolver finds them, and kept addresses). */
#ifndef METRO_PEERS_STATE_H
#define METRO_PEERS_STATE_H

#include "peer_names.h"
#include "peers.h"
#include "peers_table.h"

struct peers {
	const struct config *config;
	__u32 *ifindices; /* by instance; 0: no such interface now; see peers_number */
	bool *resting;    /* by instance */
	bool *told_local; /* by instance */
	struct peer_names names;
	size_t kept_count;        /* kept addresses, counted per instance */
	bool changed;             /* hosts or file numbers changed since the table was made */
	struct peers_table table; /* all peers, also those of resting instances */
	const struct peer **measured;
	size_t measured_count;
};

/* Of an instance, the number of its interface, one way: 0 if it does not measure that way, or there
 * is no such interface now. */
static inline __u32 peers_number(const struct peers *peers, size_t instance, enum way way)
{
	__u32 ifindex = peers->ifindices[instance];
	unsigned int ways = direction_ways(peers->config->instances[instance].direction);

	return ifindex && ways & way ? interface_number(ifindex, way) : 0;
}

/* ---- peers.c ---- */

/* Makes the table from what is known now. After -ENOMEM the old one stays. */
int peers_rebuild(struct peers *peers);

/* ---- peers_hosts.c ---- */

/* Copies from the table to the hosts what walks over the flows have seen since the last time. */
void peers_note_flows(struct peers *peers);

/* Call this when a table is made. */
void peers_count_kept(struct peers *peers);

#endif
