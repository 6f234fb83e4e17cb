/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stretches of time, twice as long each time that there are too many points. */
#include "points.h"

#include <errno.h>
#include <stdlib.h>

#define ROOM_FIRST 8
#define ALL_TIME   (~0ull)

/* Of the points from..to, which are of one stretch, at most two stay: they are put at into. Returns
 * how many. The highest also stands for what was sent again. */
static __u32 keep_extremes(struct point *all, __u32 into, __u32 from, __u32 to)
{
	__u32 lowest = from, highest = from, again = 0;
	struct point low, high;

	for (__u32 i = from; i < to; i++) {
		again += all[i].again;
		if (all[i].rtt < all[lowest].rtt)
			lowest = i;
		if (all[i].rtt >= all[highest].rtt)
			highest = i;
	}
	low = all[lowest];
	high = all[highest];
	low.again = 0;
	high.again = again;
	all[into] = lowest < highest ? low : high;
	if (lowest == highest)
		return 1;
	all[into + 1] = lowest < highest ? high : low;
	return 2;
}

static __u64 stretch_of(const struct points *points, __u64 first_ns, __u32 i)
{
	if (points->stretch_ns == ALL_TIME)
		return 0;
	return (points->all[i].time_ns - first_ns) / points->stretch_ns;
}

static void thin_once(struct points *points)
{
	__u64 first_ns = points->all[0].time_ns;
	__u32 kept = 0, from = 0, to;

	while (from < points->count) {
		__u64 stretch = stretch_of(points, first_ns, from);

		for (to = from + 1; to < points->count; to++)
			if (stretch_of(points, first_ns, to) != stretch)
				break;
		kept += keep_extremes(points->all, kept, from, to);
		from = to;
	}
	points->count = kept;
}

/* Times that jump back make stretches of their own; in the end, one stretch is all of time. */
static void lengthen(struct points *points, __u32 limit)
{
	const struct point *first = points->all, *last = first + points->count - 1;
	__u64 span_ns = last->time_ns > first->time_ns ? last->time_ns - first->time_ns : 0;

	if (!points->stretch_ns)
		points->stretch_ns = span_ns / limit + 1;
	else
		points->stretch_ns =
			points->stretch_ns < 1ull << 63 ? 2 * points->stretch_ns : ALL_TIME;
}

void points_even(struct points *points)
{
	if (points->stretch_ns && points->count)
		thin_once(points);
}

void points_thin(struct points *points, __u32 limit)
{
	if (points->count <= limit)
		return;
	points_even(points);
	while (points->count > limit / 2) {
		lengthen(points, limit);
		thin_once(points);
	}
}

static int grow(struct points *points, __u32 limit)
{
	__u32 room = points->room ? 2 * points->room : ROOM_FIRST;
	struct point *all;

	if (room > limit + 1)
		room = limit + 1;
	all = reallocarray(points->all, room, sizeof(*all));
	if (!all)
		return -ENOMEM;
	points->all = all;
	points->room = room;
	return 0;
}

int points_add(struct points *points, const struct point *point, __u32 limit)
{
	if (points->count == points->room && grow(points, limit))
		return -ENOMEM;
	points->all[points->count++] = *point;
	points_thin(points, limit);
	return 0;
}

void points_free(struct points *points)
{
	free(points->all);
	*points = (struct points){0};
}
