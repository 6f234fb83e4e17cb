/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which series samples belong to: what the server sees as dst, under which tags, and how many
 * series there may be. Decided when a pair of hosts first comes in an interval, so that memory
 * stays bounded however many come.
 */
#ifndef METRO_SERIES_H
#define METRO_SERIES_H

#include "container_table.h"
#include "delivery.h"
#include "dialect.h"
#include "peers.h"
#include "smoothed.h"
#include "window.h"
#include "intern.h"

struct series_settings {
	enum dialect dialect;
	struct aggregate aggregate;
	unsigned int max_series; /* 0: any number */
	__u64 idle_ns;           /* smoothed values are forgotten after this */
};

struct series {
	struct windows windows; /* set what they keep before the first sample */
	__u64 folded;           /* how many went into dst:other in this interval .. */
	__u64 folded_total;     /* how many ever */
	__u64 lost;             /* samples of this interval for which there was no memory */

	/* private */
	struct series_settings settings;
	struct route *routes;
	struct intern_pool interned;
	struct smoothed_memory smoothed;
	const struct peers *peers; /* with which the routes were made */
	unsigned int places;       /* taken, of max_series */
	unsigned int others;       /* series of folded ones */
	__u64 overlong;            /* in this interval, left out */
	bool told_tags, told_folding, told_overlong;
};

/* Zeroed memory has no series. To be called before the first sample, and between two intervals. */
void series_configure(struct series *series, const struct series_settings *settings);

/*
 * Counts a delivery, in the window for it, which is opened if needed; what there is no memory for
 * is lost. Returns that window; NULL: there was no memory for one, or nothing that the windows
 * keep. peers may be NULL; containers are those of instances that want their tags, or NULL.
 *
 * With max_series, hosts for which there is no place are folded into one window for each (src,
 * interface, tags), with dst:other. If there are more than max_series of those, too, their src is
 * "other" as well. A place belongs to a series as long as it has samples in each interval; a
 * newcomer gets one of those that were free when the interval began.
 */
struct window *series_take(struct series *series, const struct peers *peers,
			   const struct container_table *containers,
			   const struct delivery *delivery);

/* Calls fn for each set of tags that the window goes out under: once for each instance with these
 * peers whose tags differ. text is from dialect_series; it is only valid during the call. */
void series_each(struct series *series, const struct peers *peers, const struct window *window,
		 void (*fn)(void *arg, const struct window *window, const struct line *text),
		 void *arg);

/* Ends the interval: all windows are empty or gone. */
void series_next_interval(struct series *series, const struct peers *peers);

/* Drops what was derived from peers or a configuration that are about to change, or just have. What
 * was counted stays in its window, and goes out under its old tags. */
void series_forget_routes(struct series *series);

/* The same, for what was made from the container at the other end of an interface (0: any). */
void series_forget_interface(struct series *series, __u32 ifindex);

void series_free(struct series *series);

#endif
