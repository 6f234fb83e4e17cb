/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The engine over a table in user space: what the libpcap backends run packets through. */
#ifndef METRO_FLOW_TABLE_H
#define METRO_FLOW_TABLE_H

#include "census.h"
#include "counters.h"
#include "engine.h"
#include "peers.h"
#include "seen.h"
#include "sweep.h"

struct flow_table;

struct flow_table_settings {
	struct engine_settings engine;
	unsigned int
		marks_most; /* as many as a flow's marks grow to when it needs them, a power of two;
			       0: they do not grow. Beyond it, every second one is dropped. */
	unsigned int max_flows;
	bool handshakes; /* tell how long they took */
	bool tells_seen; /* flow_table_seen is of use: costs time for each ACK without a flow */
	/* Called with samples; the record is gone after the call. */
	void (*emit)(void *arg, const struct flow_record *record);
	void *arg;
};

/* Which way a packet goes, seen from the local side. On a loopback interface, and in a file without
 * local addresses, it goes both ways. */
enum direction { DIRECTION_SENT = 1, DIRECTION_RECEIVED = 2 };

/* Returns 0 or -ENOMEM. */
int flow_table_new(struct flow_table **table, const struct flow_table_settings *settings);
void flow_table_free(struct flow_table *table);

/* New flows are made for data to these peers only; NULL: for all data. Borrowed. Flows of other
 * peers go with the next sweep. */
void flow_table_set_peers(struct flow_table *table, const struct peers *peers);

/* Whether to tell how long handshakes took, from now on. */
void flow_table_set_handshakes(struct flow_table *table, bool handshakes);

/*
 * A group of packets, in three passes over all of them: expect, fetch, run. With many flows, a
 * packet mostly waits for memory; this way the waits of a group overlap. A single packet needs no
 * fetch.
 */
struct flow_segment {
	struct packet packet;
	__u64 now_ns;
	__u32 ifindex;
	__u32 place; /* where it was captured (copies.h) */
	unsigned int directions;
	__u32 epoch;                    /* of the capture: see below */
	__u32 hash_sent, hash_received; /* the table's own */
	__u64 hash_copy;
};

/*
 * A capture counts its epoch up when packets were lost or its clock was set. Two packets of one
 * flow make a sample only if they have the same epoch. What is in flight when a new epoch begins is
 * distrusted, and so is the first data sent in it: it may be sent again, with its first copy lost.
 * While it is not known where among the packets the break lies, each packet has an epoch of its
 * own.
 */

void flow_table_expect(const struct flow_table *table, struct flow_segment *segment);
void flow_table_fetch(const struct flow_table *table, const struct flow_segment *segment);
void flow_table_run(struct flow_table *table, const struct flow_segment *segment);

/* One step of a walk over all flows (see backend.h). terms: which are over; NULL: none. Returns
 * true when the walk is complete. */
bool flow_table_sweep(struct flow_table *table, const struct sweep_terms *terms);

/* Counts a packet that packet_parse could not make a segment of. */
void flow_table_unread(struct flow_table *table, enum packet_kind kind);

/* What there is on each interface. */
struct census *flow_table_census(struct flow_table *table);

__u64 *flow_table_counters(struct flow_table *table);

/* Fills in answered and acks_alone, which are 0 unless settings.tells_seen. */
void flow_table_seen(const struct flow_table *table, struct seen *seen);

#endif
