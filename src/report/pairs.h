/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a report on a capture file keeps: pairs of hosts with their figures, their connections, and
 * points to draw. Memory is bounded however large the capture is; what no longer has a place of its
 * own is still in the figures above it.
 */
#ifndef METRO_PAIRS_H
#define METRO_PAIRS_H

#include "delivery.h"
#include "flow_index.h"
#include "points.h"
#include "window.h"

#define PAIRS_MAX       20000
#define CONNECTIONS_MAX 50000
#define POINTS_MAX      1000000 /* of all pairs: 32 MB */
#define POINTS_OF_PAIR  4000    /* of one */

struct connection {
	struct flow_key key; /* first: for the index */
	struct window_stats stats;
	__u64 first_ns; /* when it was first heard of, .. */
	__u64 last_ns;  /* .. and last */
	struct connection *next;
	int row; /* the user's */
};

struct host_pair {
	struct flow_key key; /* first: for the index; without ports */
	struct window window;
	struct points points;
	struct connection *connections;
	__u32 connections_count;
	__u64 rowless; /* samples of connections that have no place of their own */
};

struct pairs {
	struct window total;
	struct host_pair **all;
	__u32 count;
	__u32 connections_count;
	__u64 pairless; /* samples of pairs that have no place of their own */
	__u64 first_ns; /* of all that was heard; 0: nothing was */
	__u64 last_ns;
	__u64 lost; /* samples for which there was no memory */

	/* private */
	struct windows kept;
	struct flow_index by_hosts;
	struct flow_index by_connection;
	__u32 points_count;
	__u32 points_limit; /* of one pair */
};

/* Returns 0 or -ENOMEM. */
int pairs_open(struct pairs *pairs);
void pairs_close(struct pairs *pairs);

/* Counts a delivery of one sample or none, a handshake, or segments sent again. */
void pairs_count(struct pairs *pairs, const struct delivery *delivery);

#endif
