/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is known of the samples between two hosts: a window for each (src, dst, interface). */
#ifndef METRO_WINDOW_H
#define METRO_WINDOW_H

#include <net/if.h>
#include <uthash.h>

#include "histogram.h"
#include "record.h"

/* Sums over samples, of one flow or of many. All RTTs are ticks. */
struct window_stats {
	__u64 count;
	__u64 sum;
	__u64 differences; /* pairs of consecutive samples of one flow */
	__u64 difference_sum;
	__u64 last_time_ns;
	__u32 last; /* the sample with the newest time, whatever order batches come in */
	__u32 min;
	__u32 max;
};

struct window_key {
	struct address src;
	struct address dst;
	__u32 ifindex;
};

struct window {
	struct window_key key;
	char iface[IFNAMSIZ];
	struct window_stats stats;  /* count is never 0 */
	struct histogram histogram; /* of ticks; stays empty unless the windows keep them */
	UT_hash_handle hh;
};

/* The windows of one report interval, in the order they were opened. Zeroed memory is empty. */
struct windows {
	struct window *first;
	bool keep_histograms;
};

/* Counts the record's samples into the window of its two hosts, over all their flows. Opens the
 * window if this is its first sample. Returns 0 or -ENOMEM, and then the samples are lost. */
int windows_add(struct windows *windows, const struct flow_record *record, const char *iface);

/* Ends the interval. */
void windows_clear(struct windows *windows);

static inline const struct window *window_next(const struct window *window)
{
	return window->hh.next;
}

void window_stats_add(struct window_stats *stats, const struct flow_record *record);
void window_stats_merge(struct window_stats *into, const struct window_stats *from);

/* Milliseconds. All are 0 without samples, and the jitter is 0 without a difference. */
double window_mean_ms(const struct window_stats *stats);
double window_jitter_ms(const struct window_stats *stats);
double window_ticks_ms(__u32 ticks);

#endif
