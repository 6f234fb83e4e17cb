/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the parts of the peers share: peers.c (the table, and what to measure), peers_labels.c
 * (what to call it), peers_hosts.c (names, as the resolver finds them, and kept addresses). */
#ifndef METRO_PEERS_STATE_H
#define METRO_PEERS_STATE_H

#include "peer_names.h"
#include "peers.h"
#include "peers_ports.h"
#include "peers_table.h"

struct peers {
	const struct config *config;
	__u32 *files;     /* by instance: number of the capture file, or 0 */
	bool *resting;    /* by instance */
	bool *told_local; /* by instance */
	bool *loopback;   /* by instance: it measures the loopback interface */
	struct peers_sets sets;
	struct peers_ports ports;
	struct peer_names names;
	size_t kept_count;        /* kept addresses, counted per instance */
	bool changed;             /* hosts or file numbers changed since the table was made */
	struct peers_table table; /* all peers, also those of resting instances */
	const struct peer **measured;
	size_t measured_count;
};

/* ---- peers.c ---- */

/* Makes the table from what is known now. After -ENOMEM the old one stays. */
int peers_rebuild(struct peers *peers);

/* So many entries an instance may need. */
size_t peers_room_of(const struct peers *peers, const struct instance *instance);

/* ---- peers_links.c ---- */

void peers_note_loopback(struct peers *peers, const struct links *links);

/* ---- peers_hosts.c ---- */

/* Copies from the table to the hosts what walks over the flows have seen since the last time. */
void peers_note_flows(struct peers *peers);

/* Call this when a table is made. */
void peers_count_kept(struct peers *peers);

#endif
