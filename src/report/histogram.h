/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How often each RTT was seen, in log-linear buckets as HdrHistogram lays them out: 64 for each
 * power of two, so that a bucket's middle is within 0.8 % of every value in it, and values below
 * 128 ticks are exact. Most pairs of hosts have few samples: up to 1024 of them are a list of their
 * buckets, two bytes each and in one place to write to. With more, each bucket has a count; then
 * memory grows with the largest value, to 6.4 KB at 68 s.
 */
#ifndef METRO_HISTOGRAM_H
#define METRO_HISTOGRAM_H

#include "types.h"

#define HISTOGRAM_BUCKETS 1792 /* for all values of 32 bits */

struct histogram {
	__u16 *few;    /* the bucket of each sample; NULL: none, or they are counted */
	__u32 *counts; /* of samples in each bucket; NULL: none, or there are few */
	__u32 size;    /* of counts */
	__u64 total;   /* samples */
};

/* Zeroed memory is an empty histogram. Returns 0, or -ENOMEM and the value is not counted. */
int histogram_add(struct histogram *histogram, __u32 value);

/* Prefetches the place where the value is counted. */
void histogram_expect(const struct histogram *histogram, __u32 value);

/* Adds the other's values. Returns 0, or -ENOMEM and nothing was added. */
int histogram_merge(struct histogram *histogram, const struct histogram *other);

/* How many samples are in each bucket. */
void histogram_counts(const struct histogram *histogram, __u32 counts[HISTOGRAM_BUCKETS]);

/* The smallest value, to the bucket's precision, that the share of all values (0 to 1) does not
 * exceed: the nearest-rank percentile. 0 without values. */
__u32 histogram_quantile(const struct histogram *histogram, double share);

/* The value in the middle of the bucket that counts[index] is of. */
__u32 histogram_middle(__u32 index);

void histogram_free(struct histogram *histogram);

#endif
