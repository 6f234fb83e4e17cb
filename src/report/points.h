/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Samples of one pair of hosts, to be drawn: all of them while they are few, and of many the lowest
 * and the highest of each stretch of time. So no outlier is missing from a drawing, and memory does
 * not grow with the capture. Figures are never computed from these.
 */
#ifndef METRO_POINTS_H
#define METRO_POINTS_H

#include "types.h"

#define POINTS_LEAST 4 /* a limit may not be lower */

struct point {
	__u64 time_ns; /* since 1970 */
	__u64 frame;
	const void *connection; /* the user's; may be NULL */
	__u32 rtt;              /* ticks */
	__u32 again;            /* segments sent again before it, or before those it stands for */
};

struct points {
	struct point *all; /* in the order they came */
	__u32 count;
	__u32 room;
	__u64 stretch_ns; /* of each there are the lowest and the highest; 0: none is left out */
};

/* Zeroed memory has no points. Adds one, and first thins them when there are as many as the limit,
 * POINTS_LEAST or more. Returns 0, or -ENOMEM and it was not added. */
int points_add(struct points *points, const struct point *point, __u32 limit);

/* Thins them to half of the limit if there are more than the limit. */
void points_thin(struct points *points, __u32 limit);

/* Thins those that came last as the others were, if they were. */
void points_even(struct points *points);

void points_free(struct points *points);

#endif
