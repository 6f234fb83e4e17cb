/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The histories of a capture: all of it in LIVE_HISTORY parts of equal length, by the capture's own
 * clock. A part is a second at first, and twice as long whenever the capture turns out to be longer
 * than all of them.
 */
#ifndef METRO_LIVE_TIMELINE_H
#define METRO_LIVE_TIMELINE_H

#include "collect.h"

/* Zeroed memory has not begun. */
struct live_timeline {
	__u64 begun_ns, last_ns; /* the first and the newest time; ns since 1970 */
	__u64 part_ns;
	__u64 next_ns; /* when the part that is being filled ends */
	unsigned int at;
};

/* It is later than the end of that part, or nothing has begun. */
void live_timeline_move(struct live_timeline *timeline, struct live_collect *collect,
			__u64 wall_ns);

/* To be called before a sample of this time is counted. A time before others changes nothing. */
static inline void live_timeline_take(struct live_timeline *timeline, struct live_collect *collect,
				      __u64 wall_ns)
{
	if (wall_ns >= timeline->next_ns)
		live_timeline_move(timeline, collect, wall_ns);
	if (wall_ns > timeline->last_ns)
		timeline->last_ns = wall_ns;
}

/* All has been counted: what the last part has so far becomes its p50. Once. */
void live_timeline_end(struct live_timeline *timeline, struct live_collect *collect);

/* Rates become those since a time of the capture. */
void live_timeline_rate(const struct live_timeline *timeline, struct live_collect *collect,
			__u64 since_ns);

#endif
