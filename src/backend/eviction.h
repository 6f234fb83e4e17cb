/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Makes room in a flow table that is nearly full: the flows that have been idle longest are dropped
 * before new ones are refused. Busy flows never are.
 *
 * Each walk over all flows counts how many have been silent since when; the next one, if the table
 * is nearly full then, drops those that were silent the longest and still are. A flow dropped this
 * way loses no samples, and comes back with its next data.
 */
#ifndef METRO_EVICTION_H
#define METRO_EVICTION_H

#include "sweep.h"

#define EVICTION_BINS   128
#define EVICTION_IDLE_S 5 /* a flow silent for less is busy */

struct eviction {
	__u32 before; /* flows silent since before this are dropped, by flow_clock; 0: none */
	__u32 begin;  /* start of the walk that counted, by flow_clock */
	__u32 width;  /* of a bin, in units of flow_clock; 0: nothing was counted yet */
	__u32 bins[EVICTION_BINS]; /* flows, the busiest first */
};

/* A walk over this many flows begins. Sets before. */
void eviction_begin(struct eviction *eviction, const struct sweep_terms *terms, __u32 flows,
		    __u32 max_flows);

/* Call this for each flow. */
void eviction_see(struct eviction *eviction, const struct flow *flow);

#endif
