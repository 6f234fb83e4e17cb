/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Out of memory costs the samples at hand, not the process: uthash would call exit(). */
#define HASH_NONFATAL_OOM 1

#include "key_hash.h"
#include "window.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define NS_PER_MS 1000000.0

/* The hash reads the key's bytes, so there must be none that nobody sets. */
static_assert(sizeof(struct window_key) == 2 * sizeof(struct address) + sizeof(__u32),
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

static unsigned int samples_of(const struct flow_record *record)
{
	return record->count <= BATCH_MAX ? record->count : BATCH_MAX;
}

void window_stats_add(struct window_stats *stats, const struct flow_record *record)
{
	unsigned int count = samples_of(record);
	unsigned int first = record->flags & RECORD_HAS_PREVIOUS ? 0 : 1;

	if (!count)
		return;
	for (unsigned int i = 1; i <= count; i++)
		add_sample(stats, record->rtt[i]);
	for (unsigned int i = first + 1; i <= count; i++)
		add_difference(stats, record->rtt[i - 1], record->rtt[i]);
	set_last(stats, record->rtt[count], record->time_ns);
}

void window_stats_merge(struct window_stats *into, const struct window_stats *from)
{
	if (!from->count)
		return;
	if (!into->count || from->min < into->min)
		into->min = from->min;
	if (from->max > into->max)
		into->max = from->max;
	into->count += from->count;
	into->sum += from->sum;
	into->differences += from->differences;
	into->difference_sum += from->difference_sum;
	set_last(into, from->last, from->last_time_ns);
}

double window_ticks_ms(__u32 ticks)
{
	return ticks * (TICK_NS / NS_PER_MS);
}

static double mean_ms(__u64 sum, __u64 count)
{
	return count ? (double)sum / (double)count * (TICK_NS / NS_PER_MS) : 0;
}

double window_mean_ms(const struct window_stats *stats)
{
	return mean_ms(stats->sum, stats->count);
}

double window_jitter_ms(const struct window_stats *stats)
{
	return mean_ms(stats->difference_sum, stats->differences);
}

/* The same for all windows: any secret does that others cannot guess. */
static __u32 window_hash(const struct window_key *key)
{
	static struct key_hash_secret secret;
	static bool drawn;

	if (!drawn)
		key_hash_draw(&secret);
	drawn = true;
	return key_hash(&secret, key, sizeof(*key));
}

static struct window *window_open(struct windows *windows, const struct window_key *key, __u32 hash,
				  const char *iface)
{
	struct window *window = calloc(1, sizeof(*window));

	if (!window)
		return NULL;
	window->key = *key;
	snprintf(window->iface, sizeof(window->iface), "%s", iface);
	HASH_ADD_BYHASHVALUE(hh, windows->first, key, sizeof(window->key), hash, window);
	if (!window->hh.tbl) {
		free(window);
		return NULL;
	}
	return window;
}

static int add_to_histogram(struct histogram *histogram, const struct flow_record *record)
{
	int error = 0;

	for (unsigned int i = 1; i <= samples_of(record) && !error; i++)
		error = histogram_add(histogram, record->rtt[i]);
	return error;
}

int windows_add(struct windows *windows, const struct flow_record *record, const char *iface)
{
	struct window_key key = {
		.src = record->key.local,
		.dst = record->key.peer,
		.ifindex = record->key.ifindex,
	};
	__u32 hash = window_hash(&key);
	struct window *window;

	if (!record->count)
		return 0;
	HASH_FIND_BYHASHVALUE(hh, windows->first, &key, sizeof(key), hash, window);
	if (!window)
		window = window_open(windows, &key, hash, iface);
	if (!window)
		return -ENOMEM;
	window_stats_add(&window->stats, record);
	return windows->keep_histograms ? add_to_histogram(&window->histogram, record) : 0;
}

/*
 * Frees every window instead of keeping some for the next interval: a malloc for each pair of hosts
 * and interval is nothing beside its samples, and peers that come and go then leave nothing behind.
 */
void windows_clear(struct windows *windows)
{
	struct window *window, *next;

	HASH_ITER (hh, windows->first, window, next) {
		HASH_DEL(windows->first, window);
		histogram_free(&window->histogram);
		free(window);
	}
}
