/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A table by label, and in it a list by time: who has samples moves to its end. */
#include "accumulated.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "hash.h"
#include "text_hash.h"
#include "units.h"

struct accumulated_series {
	__u64 last_ns;
	__u64 sum; /* ticks, as all times here */
	__u64 handshakes, handshake_sum;
	__u64 retransmissions;
	struct accumulated_series *prev, *next; /* by last_ns */
	UT_hash_handle hh;
	unsigned int labels_length;
	char *labels; /* behind the buckets */
	__u64 buckets[];
};

static struct accumulated_series *make(struct accumulated *a, const char *labels, size_t length)
{
	size_t buckets = (a->bounds.count + 1) * sizeof(__u64);
	struct accumulated_series *series = calloc(1, sizeof(*series) + buckets + length);

	if (!series)
		return NULL;
	series->labels = memcpy((char *)series->buckets + buckets, labels, length);
	series->labels_length = (unsigned int)length;
	HASH_ADD_KEYPTR(hh, a->first, series->labels, length, series);
	if (!series->hh.tbl) {
		free(series);
		return NULL;
	}
	DL_APPEND(a->silent, series);
	a->count++;
	a->labels_bytes += length;
	return series;
}

static void drop(struct accumulated *a, struct accumulated_series *series)
{
	HASH_DEL(a->first, series);
	DL_DELETE(a->silent, series);
	a->count--;
	a->labels_bytes -= series->labels_length;
	free(series);
}

int accumulated_add(struct accumulated *a, const char *labels, size_t length,
		    const struct window *window, __u64 now_ns)
{
	const struct window_stats *stats = &window->stats;
	struct accumulated_series *series;

	HASH_FIND(hh, a->first, labels, length, series);
	if (!series)
		series = make(a, labels, length);
	if (!series)
		return -ENOMEM;
	series->last_ns = now_ns;
	DL_DELETE(a->silent, series);
	DL_APPEND(a->silent, series);
	series->sum += stats->sum;
	series->handshakes += stats->handshakes;
	series->handshake_sum += stats->handshake_sum;
	series->retransmissions += stats->retransmissions;
	for (unsigned int i = 0; window->buckets && i <= a->bounds.count; i++)
		series->buckets[i] += window->buckets[i];
	return 0;
}

void accumulated_forget(struct accumulated *a, unsigned int most, __u64 now_ns)
{
	struct accumulated_series *series;

	while ((series = a->silent) && series->last_ns < now_ns &&
	       (a->count > most || now_ns - series->last_ns >= ACCUMULATED_SILENCE_NS))
		drop(a, series);
}

struct snapshot *accumulated_snapshot(const struct accumulated *a)
{
	struct snapshot *snapshot = snapshot_new(&a->bounds, a->count, a->labels_bytes);
	const struct accumulated_series *from;
	struct snapshot_series *to;

	for (from = snapshot ? a->first : NULL; from; from = from->hh.next) {
		to = snapshot_add(snapshot, from->labels, from->labels_length);
		to->sum = from->sum;
		to->handshakes = from->handshakes;
		to->handshake_sum = from->handshake_sum;
		to->retransmissions = from->retransmissions;
		memcpy(to->buckets, from->buckets, (a->bounds.count + 1) * sizeof(__u64));
	}
	return snapshot;
}

void accumulated_clear(struct accumulated *a)
{
	while (a->silent)
		drop(a, a->silent);
}
