/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What windows have counted since the start, by the text of their labels: sums that only grow, for
 * those who look at them whenever they like.
 */
#ifndef METRO_ACCUMULATED_H
#define METRO_ACCUMULATED_H

#include "snapshot.h"
#include "window.h"

/* A series without a sample for so long goes. */
#define ACCUMULATED_SILENCE_NS (3600 * NS_PER_S)

struct accumulated_series;

/* Begins as zeros. */
struct accumulated {
	struct accumulated_series *first; /* the table */
	struct accumulated_series
		*silent; /* the one that was silent the longest, before all others */
	unsigned int count;
	size_t labels_bytes;
	struct bucket_bounds bounds; /* of the windows that are added */
};

/* Adds a window to the series of these labels, of length bytes. Times are CLOCK_MONOTONIC. Returns
 * 0, or -ENOMEM and nothing was added. */
int accumulated_add(struct accumulated *accumulated, const char *labels, size_t length,
		    const struct window *window, __u64 now_ns);

/* Drops those that were silent for too long; and of those that have nothing from now_ns itself, the
 * ones that were silent the longest, while there are more than most. */
void accumulated_forget(struct accumulated *accumulated, unsigned int most, __u64 now_ns);

/* All series. NULL: out of memory. */
struct snapshot *accumulated_snapshot(const struct accumulated *accumulated);

void accumulated_clear(struct accumulated *accumulated);

#endif
