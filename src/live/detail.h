/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the page of a peer shows beyond its row: how its samples are spread, and its connections. */
#ifndef METRO_LIVE_DETAIL_H
#define METRO_LIVE_DETAIL_H

#include <stdbool.h>

#include "prefix.h"
#include "types.h"

/* 1, 2, 5 in each decade of ms, from 1 us to 100 s: about equal steps on a logarithmic axis. */
#define LIVE_EDGES      25

#define LIVE_SHOWN_MOST 512 /* connections */

/* A connection's figures. Times are ms; LIVE_NONE: there is none. */
struct live_line {
	char local[ADDRESS_TEXT];
	__u16 local_port, peer_port;
	double samples, last, min, mean, max, retransmissions;
};

struct live_detail {
	__u64 spread[LIVE_EDGES + 1]; /* [i]: samples below live_edge(i), and not below the one
					 before; the last: all above */
	struct live_line lines[LIVE_SHOWN_MOST]; /* the latest first */
	unsigned int count;
	unsigned int more; /* connections that have no line */
};

double live_edge(unsigned int i);

struct live_peer;

/* The cost is bounded, however many connections there are. */
void live_detail_make(struct live_detail *detail, const struct live_peer *peer);

#endif
