/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is known of the samples between two hosts: a window for each (src, dst, interface). */
#ifndef METRO_WINDOW_H
#define METRO_WINDOW_H

#include <net/if.h>

#include "config.h"
#include "hash.h"
#include "histogram.h"
#include "record.h"
#include "smoothed.h"

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
	__u64 handshakes; /* these are not samples, and not part of anything above */
	__u64 handshake_sum;
	__u64 retransmissions;
	struct smoothed smoothed; /* not started unless the windows smooth */
};

/* Whose samples. label and tags are the user's: pointers to texts that must outlive the window and
 * are the same for the same text; the windows compare but never read them. */
struct window_key {
	struct address src;
	struct address dst;
	const char *label; /* in place of dst; or NULL */
	const char *tags;
	__u32 ifindex; /* the interface number */
	__u32 folded;  /* 1: of many hosts, for which there was no window of their own; else 0 */
};

/* Samples that wait to be taken with window_pending_take, in order of arrival. */
struct window_pending {
	__u32 *ticks;
	__u32 count;
	__u32 room;
};

#define WINDOW_PENDING_MAX 1024

struct window {
	struct window_key key;
	char iface[IFNAMSIZ];
	struct window_stats stats;
	struct histogram histogram; /* of ticks; stays empty unless the windows keep them */
	__u32 *buckets; /* how many samples were in each, the last above all bounds; NULL: none
			   were counted, as where the windows have no bounds */
	struct window_pending pending;
	UT_hash_handle hh;
};

/* The windows of one report interval, in the order they were opened. Zeroed memory is empty, and
 * keeps only the sums of samples. */
struct windows {
	struct window *first;
	bool keep_histograms;
	bool keep_handshakes;
	bool keep_retransmissions;
	bool keep_pending;
	bool smooth;
	const struct bucket_bounds *bounds; /* of each window's buckets; borrowed; NULL: none */
};

/* Counting a record, over all flows of its two hosts: is there anything to count, in which window
 * (that of its addresses and its interface), and count it. windows_open returns NULL when there is
 * no memory. window_add returns 0, or -ENOMEM and the samples are lost; with keep_pending,
 * window_pending_is_full must be false. */
bool windows_want(const struct windows *windows, const struct flow_record *record);
struct window *windows_find(const struct windows *windows, const struct window_key *key);
struct window *windows_open(struct windows *windows, const struct window_key *key,
			    const char *iface);
int window_add(const struct windows *windows, struct window *window,
	       const struct flow_record *record);

/* Closes a window; empties it; closes all of them. */
void windows_close(struct windows *windows, struct window *window);
void window_reset(struct window *window);
void windows_clear(struct windows *windows);

static inline const struct window *window_next(const struct window *window)
{
	return window->hh.next;
}

/* False for a window that was opened or reset and not added to. */
bool window_has_data(const struct window *window);

/* Is there no room for another record's samples? */
static inline bool window_pending_is_full(const struct window *window)
{
	return window->pending.count + BATCH_MAX > WINDOW_PENDING_MAX;
}

/* Removes the first count pending samples. */
void window_pending_take(struct window *window, __u32 count);

/* Adds what another window counted, its histogram included, but not its buckets. Returns 0, or
 * -ENOMEM and nothing was added. */
int window_merge(struct window *into, const struct window *from);

void window_stats_add(struct window_stats *stats, const struct flow_record *record);
void window_stats_merge(struct window_stats *into, const struct window_stats *from);

/* Milliseconds. All are 0 without samples, and the jitter is 0 without a difference. */
double window_mean_ms(const struct window_stats *stats);
double window_jitter_ms(const struct window_stats *stats);
double window_handshake_ms(const struct window_stats *stats);
double window_ticks_ms(double ticks);
/* The nearest-rank percentile, to the histogram's precision and never beyond min and max. */
double window_quantile_ms(const struct window *window, double share);

#endif
