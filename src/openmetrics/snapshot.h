/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * All figures as they were at the end of an interval. Whoever makes a snapshot fills it in and
 * hands it over; from then on nobody changes it, so that another thread can read it without a lock.
 */
#ifndef METRO_SNAPSHOT_H
#define METRO_SNAPSHOT_H

#include "config.h"
#include "container.h"

#define SNAPSHOT_COUNTERS 32
#define SNAPSHOT_TEXT     256
#define SNAPSHOT_NAME     40

struct snapshot_counter {
	const char *name; /* without bpf_metro_ and _total; static, as is what it counts */
	const char *help;
	__u64 value;
};

struct snapshot_interface {
	char name[SNAPSHOT_NAME];
	bool measured;
};

/* About bpf-metro. */
struct snapshot_facts {
	char backend[SNAPSHOT_NAME];
	char hook[SNAPSHOT_NAME];
	char fallback[SNAPSHOT_TEXT];
	bool healthy;
	unsigned int measured, awaited;
	struct snapshot_interface *interfaces; /* one for each for which there was memory */
	unsigned int interfaces_count;
	double interval_s;
	double reported_s, started_s; /* since 1970 */
	struct snapshot_counter counters[SNAPSHOT_COUNTERS];
	unsigned int counters_count;
};

/* Of one set of labels. Times are ticks. */
struct snapshot_series {
	const char *labels; /* src="..",dst=".." and so on; not ended by a zero */
	unsigned int labels_length;
	__u64 sum; /* of samples */
	__u64 handshakes, handshake_sum;
	__u64 retransmissions;
	__u64 buckets[]; /* samples in each, the last above all bounds */
};

struct snapshot {
	struct snapshot_facts facts;
	struct bucket_bounds bounds;
	unsigned int series; /* how many are filled in */

	/* private */
	unsigned int room;
	size_t stride; /* of a series in bytes */
	char *series_bytes;
	char *text;
	size_t text_length;
};

/* Room for so many series, whose labels have so many bytes together. NULL: out of memory. */
struct snapshot *snapshot_new(const struct bucket_bounds *bounds, unsigned int series,
			      size_t labels_bytes);
void snapshot_free(struct snapshot *snapshot);

void snapshot_add_interface(struct snapshot *snapshot, const char *name, bool measured);

/* The next series, all zeros but for the labels, which are copied; there must be room. */
struct snapshot_series *snapshot_add(struct snapshot *snapshot, const char *labels,
				     unsigned int length);

const struct snapshot_series *snapshot_at(const struct snapshot *snapshot, unsigned int index);

#endif
