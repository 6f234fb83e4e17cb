/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What CLOCK_REALTIME is ahead of CLOCK_MONOTONIC, which only setting the clock changes: adjtime(3)
 * moves both. So that times keep their order, it stays what it is known to be as long as the two
 * cannot be told apart from that.
 */
#ifndef METRO_WALL_OFFSET_H
#define METRO_WALL_OFFSET_H

#include "clock.h"

#define WALL_OFFSET_NS    NS_PER_US /* what three readings of the clocks in a row take, at most */
#define WALL_OFFSET_TRIES 4         /* .. unless this thread is interrupted, each time */

/* Returns what it is now; known: what it was, or 0. */
static inline __s64 wall_offset_follow(__s64 known)
{
	__u64 least = UINT64_MAX, before, wall, apart;
	__s64 offset = known, change;

	for (int i = 0; i < WALL_OFFSET_TRIES && least > WALL_OFFSET_NS; i++) {
		before = monotonic_ns();
		wall = clock_ns(CLOCK_REALTIME);
		apart = monotonic_ns() - before;
		if (apart >= least)
			continue;
		least = apart;
		offset = (__s64)(wall - before - apart / 2);
	}
	change = offset - known;
	return (__u64)(change < 0 ? -change : change) <= least + WALL_OFFSET_NS ? known : offset;
}

#endif
