/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sums, extremes and differences of samples, and the table of all windows. */
#include "key_hash.h"
#include "units.h"
#include "window.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS_PER_TICK ((double)TICK_NS / (double)NS_PER_MS)

/* The hash reads the key's bytes, so none of them may be padding. */
static_assert(sizeof(struct window_key) ==
		      2 * sizeof(struct address) + 2 * sizeof(char *) + 2 * sizeof(__u32),
	      "struct window_key has padding");

/* 64 bits hold the sum of 2^32 of the longest RTTs: years of samples, not an interval's. */
static void add_sample(struct window_stats *stats, __u32 rtt)
{
	if (!stats->count || rtt < stats->min)
		stats->min = rtt;
	if (rtt > stats->max)
		stats->max = rtt;
	stats->count++;
	stats->sum += rtt;
}

static void add_difference(struct window_stats *stats, __u32 before, __u32 after)
{
	stats->differences++;
	stats->difference_sum += after > before ? after - before : before - after;
}

static void set_last(struct window_stats *stats, __u32 rtt, __u64 time_ns)
{
	if (time_ns < stats->last_time_ns)
		return;
	stats->last = rtt;
	stats->last_time_ns = time_ns;
}

/* A handshake's time is stored like a sample, but is not one. */
static unsigned int samples_of(const struct flow_record *record)
{
	if (record->flags & RECORD_HANDSHAKE)
		return 0;
	return record->count <= BATCH_MAX ? record->count : BATCH_MAX;
}

static bool has_handshake(const struct flow_record *record)
{
	return record->flags & RECORD_HANDSHAKE && record->count;
}

static void add_samples(struct window_stats *stats, const struct flow_record *record,
			unsigned int count)
{
	unsigned int first = record->flags & RECORD_HAS_PREVIOUS ? 0 : 1;

	for (unsigned int i = 1; i <= count; i++)
		add_sample(stats, record->rtt[i]);
	for (unsigned int i = first + 1; i <= count; i++)
		add_difference(stats, record->rtt[i - 1], record->rtt[i]);
	set_last(stats, record->rtt[count], record->time_ns);
}

void window_stats_add(struct window_stats *stats, const struct flow_record *record)
{
	unsigned int count = samples_of(record);

	if (count)
		add_samples(stats, record, count);
	if (has_handshake(record)) {
		stats->handshakes++;
		stats->handshake_sum += record->rtt[1];
	}
	stats->retransmissions += record->retransmissions;
}

static void merge_samples(struct window_stats *into, const struct window_stats *from)
{
	if (!into->count || from->min < into->min)
		into->min = from->min;
	if (from->max > into->max)
		into->max = from->max;
	smoothed_merge(&into->smoothed, into->count, &from->smoothed, from->count);
	into->count += from->count;
	into->sum += from->sum;
	into->differences += from->differences;
	into->difference_sum += from->difference_sum;
	set_last(into, from->last, from->last_time_ns);
}

void window_stats_merge(struct window_stats *into, const struct window_stats *from)
{
	if (from->count)
		merge_samples(into, from);
	into->handshakes += from->handshakes;
	into->handshake_sum += from->handshake_sum;
	into->retransmissions += from->retransmissions;
}

double window_ticks_ms(double ticks)
{
	return ticks * MS_PER_TICK;
}

static double mean_ms(__u64 sum, __u64 count)
{
	return count ? (double)sum / (double)count * MS_PER_TICK : 0;
}

double window_mean_ms(const struct window_stats *stats)
{
	return mean_ms(stats->sum, stats->count);
}

double window_jitter_ms(const struct window_stats *stats)
{
	return mean_ms(stats->difference_sum, stats->differences);
}

double window_handshake_ms(const struct window_stats *stats)
{
	return mean_ms(stats->handshake_sum, stats->handshakes);
}

/* A bucket's middle may lie outside the range of values seen. */
double window_quantile_ms(const struct window *window, double share)
{
	__u32 ticks = histogram_quantile(&window->histogram, share);

	if (ticks < window->stats.min)
		ticks = window->stats.min;
	if (ticks > window->stats.max)
		ticks = window->stats.max;
	return window_ticks_ms(ticks);
}

/* One secret for all windows is enough: others cannot guess it. */
static __u32 window_hash(const struct window_key *key)
{
	static struct key_hash_secret secret;
	static bool drawn;

	if (!drawn)
		key_hash_draw(&secret);
	drawn = true;
	return key_hash(&secret, key, offsetof(struct window_key, ifindex)) ^ key->ifindex;
}

struct window *windows_find(const struct windows *windows, const struct window_key *key)
{
	struct window *window;

	HASH_FIND_BYHASHVALUE(hh, windows->first, key, sizeof(*key), window_hash(key), window);
	return window;
}

struct window *windows_open(struct windows *windows, const struct window_key *key,
			    const char *iface)
{
	struct window *window = calloc(1, sizeof(*window));

	if (!window)
		return NULL;
	window->key = *key;
	snprintf(window->iface, sizeof(window->iface), "%s", iface);
	HASH_ADD_BYHASHVALUE(hh, windows->first, key, sizeof(window->key), window_hash(key),
			     window);
	if (!window->hh.tbl) {
		free(window);
		return NULL;
	}
	return window;
}

static int add_to_histogram(struct histogram *histogram, const __u32 *ticks, unsigned int count)
{
	int error = 0;

	for (unsigned int i = 0; i < count && !error; i++)
		error = histogram_add(histogram, ticks[i]);
	return error;
}

/* The room doubles: most windows have few samples in an interval. */
static int pending_grow(struct window_pending *pending)
{
	__u32 room = pending->room ? 2 * pending->room : 64;
	__u32 *ticks = reallocarray(pending->ticks, room, sizeof(*ticks));

	if (!ticks)
		return -ENOMEM;
	pending->ticks = ticks;
	pending->room = room;
	return 0;
}

static int add_to_pending(struct window_pending *pending, const __u32 *ticks, unsigned int count)
{
	assert(pending->count + count <= WINDOW_PENDING_MAX);
	if (pending->count + count > pending->room && pending_grow(pending))
		return -ENOMEM;
	memcpy(pending->ticks + pending->count, ticks, count * sizeof(*ticks));
	pending->count += count;
	return 0;
}

/* The first bucket whose bound is not below the value. */
static unsigned int bucket_of(const struct bucket_bounds *bounds, __u32 ticks)
{
	__u64 ns = ticks * (__u64)TICK_NS;
	unsigned int low = 0, high = bounds->count;

	while (low < high) {
		unsigned int middle = (low + high) / 2;

		if (ns <= bounds->ns[middle])
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static int add_to_buckets(struct window *window, const struct bucket_bounds *bounds,
			  const __u32 *ticks, unsigned int count)
{
	if (!window->buckets)
		window->buckets = calloc(bounds->count + 1, sizeof(*window->buckets));
	if (!window->buckets)
		return -ENOMEM;
	for (unsigned int i = 0; i < count; i++)
		window->buckets[bucket_of(bounds, ticks[i])]++;
	return 0;
}

bool windows_want(const struct windows *windows, const struct flow_record *record)
{
	return samples_of(record) || (windows->keep_handshakes && has_handshake(record)) ||
	       (windows->keep_retransmissions && record->retransmissions);
}

int window_add(const struct windows *windows, struct window *window,
	       const struct flow_record *record)
{
	const __u32 *ticks = record->rtt + 1;
	unsigned int count = samples_of(record);
	int error = 0, lost = 0;

	if (windows->bounds && count && add_to_buckets(window, windows->bounds, ticks, count))
		return -ENOMEM;
	window_stats_add(&window->stats, record);
	for (unsigned int i = 0; windows->smooth && i < count; i++)
		smoothed_add(&window->stats.smoothed, ticks[i]);
	if (windows->keep_histograms)
		error = add_to_histogram(&window->histogram, ticks, count);
	if (windows->keep_pending)
		lost = add_to_pending(&window->pending, ticks, count);
	return error ? error : lost;
}

bool window_has_data(const struct window *window)
{
	const struct window_stats *stats = &window->stats;

	return stats->count || stats->handshakes || stats->retransmissions;
}

void window_pending_take(struct window *window, __u32 count)
{
	struct window_pending *pending = &window->pending;

	pending->count -= count;
	memmove(pending->ticks, pending->ticks + count, pending->count * sizeof(*pending->ticks));
}

int window_merge(struct window *into, const struct window *from)
{
	int error = histogram_merge(&into->histogram, &from->histogram);

	if (!error)
		window_stats_merge(&into->stats, &from->stats);
	return error;
}

void window_reset(struct window *window)
{
	window->stats = (struct window_stats){0};
	histogram_free(&window->histogram);
	free(window->buckets);
	window->buckets = NULL;
	free(window->pending.ticks);
	window->pending = (struct window_pending){0};
}

void windows_close(struct windows *windows, struct window *window)
{
	HASH_DEL(windows->first, window);
	window_reset(window);
	free(window);
}

void windows_clear(struct windows *windows)
{
	struct window *window, *next;

	HASH_ITER (hh, windows->first, window, next)
		windows_close(windows, window);
}
