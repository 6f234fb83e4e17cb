/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From a value to its bucket and back, and from a share of the samples to a value. */
#include "histogram.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define HALF_BITS 6 /* buckets for each power of two, as a power of two */
#define HALF      (1u << HALF_BITS)
#define GROWTH    (2 * HALF) /* counts are allocated in steps of this many */

#define FEW_MIN   16   /* of a list, at first; a power of two */
#define FEW_MAX   1024 /* samples in it, then counts take no more room */

/* The bucket of 2^32 - 1 is (31 - HALF_BITS) * HALF + 2 * HALF - 1. */
_Static_assert(HISTOGRAM_BUCKETS % GROWTH == 0 && HISTOGRAM_BUCKETS >= (33 - HALF_BITS) * HALF,
	       "room for all counts");

/* Values keep their upper seven bits. The number of bits shifted out is the power of two. */
static __u32 index_of(__u32 value)
{
	__u32 shift = value < 2 * HALF ? 0 : 31 - HALF_BITS - (__u32)__builtin_clz(value);

	return shift * HALF + (value >> shift);
}

__u32 histogram_middle(__u32 index)
{
	__u32 shift = index < 2 * HALF ? 0 : index / HALF - 1;

	if (!shift)
		return index;
	return ((index - shift * HALF) << shift) + (1u << (shift - 1));
}

/* Makes room for a bucket of which there is none yet. */
static int counts_grow(struct histogram *h, __u32 index)
{
	__u32 size = (index / GROWTH + 1) * GROWTH;
	__u32 *counts = realloc(h->counts, size * sizeof(*counts));

	if (!counts)
		return -ENOMEM;
	memset(counts + h->size, 0, (size - h->size) * sizeof(*counts));
	h->counts = counts;
	h->size = size;
	return 0;
}

/* From a list to counts. */
static int count_few(struct histogram *h)
{
	__u16 most = 0;

	for (__u32 i = 0; i < h->total; i++)
		most = h->few[i] > most ? h->few[i] : most;
	if (counts_grow(h, most))
		return -ENOMEM;
	for (__u32 i = 0; i < h->total; i++)
		h->counts[h->few[i]]++;
	free(h->few);
	h->few = NULL;
	return 0;
}

static bool is_counted(const struct histogram *h)
{
	return h->counts;
}

/* The list is full when its length is a power of two. */
static int few_grow(struct histogram *h)
{
	size_t room = h->total ? 2 * h->total : FEW_MIN;
	__u16 *few = reallocarray(h->few, room, sizeof(*few));

	if (!few)
		return -ENOMEM;
	h->few = few;
	return 0;
}

static bool few_is_full(const struct histogram *h)
{
	return h->total == 0 || (h->total >= FEW_MIN && !(h->total & (h->total - 1)));
}

/* Makes room for one more in this bucket. */
static int make_room(struct histogram *h, __u32 index)
{
	if (!is_counted(h) && h->total < FEW_MAX)
		return few_is_full(h) ? few_grow(h) : 0;
	if (!is_counted(h) && count_few(h))
		return -ENOMEM;
	return index >= h->size ? counts_grow(h, index) : 0;
}

int histogram_add(struct histogram *h, __u32 value)
{
	__u32 index = index_of(value);

	if (make_room(h, index))
		return -ENOMEM;
	if (is_counted(h))
		h->counts[index]++;
	else
		h->few[h->total] = (__u16)index;
	h->total++;
	return 0;
}

void histogram_expect(const struct histogram *h, __u32 value)
{
	if (is_counted(h))
		__builtin_prefetch(h->counts + index_of(value), 1);
	else
		__builtin_prefetch(h->few + h->total, 1);
}

static void add_counts(__u32 *counts, const struct histogram *h)
{
	for (__u32 i = 0; i < h->size; i++)
		counts[i] += h->counts[i];
	for (__u32 i = 0; h->few && i < h->total; i++)
		counts[h->few[i]]++;
}

/* Of the highest bucket that may have a sample, and 1. */
static __u32 size_of(const struct histogram *h)
{
	__u32 size = h->size;

	for (__u32 i = 0; h->few && i < h->total; i++)
		size = h->few[i] < size ? size : h->few[i] + 1u;
	return size;
}

int histogram_merge(struct histogram *h, const struct histogram *other)
{
	__u32 size = size_of(other);

	if (!size)
		return 0;
	if (!is_counted(h) && count_few(h))
		return -ENOMEM;
	if (size > h->size && counts_grow(h, size - 1))
		return -ENOMEM;
	add_counts(h->counts, other);
	h->total += other->total;
	return 0;
}

void histogram_counts(const struct histogram *h, __u32 counts[HISTOGRAM_BUCKETS])
{
	memset(counts, 0, HISTOGRAM_BUCKETS * sizeof(*counts));
	add_counts(counts, h);
}

/* The bucket of the sample of this rank, or size. */
static __u32 bucket_of(const __u32 *counts, __u32 size, __u64 rank)
{
	__u64 seen = 0;
	__u32 i = 0;

	for (; i < size; i++) {
		seen += counts[i];
		if (seen >= rank)
			break;
	}
	return i;
}

/* The first thousand buckets are mostly empty. */
static __u32 few_bucket_of(const struct histogram *h, __u64 rank)
{
	__u32 counts[HISTOGRAM_BUCKETS], least = HISTOGRAM_BUCKETS - 1;

	for (__u32 i = 0; i < h->total; i++)
		least = h->few[i] < least ? h->few[i] : least;
	histogram_counts(h, counts);
	return least + bucket_of(counts + least, HISTOGRAM_BUCKETS - least, rank);
}

__u32 histogram_quantile(const struct histogram *h, double share)
{
	__u64 rank = (__u64)ceil(share * (double)h->total);

	if (!h->total)
		return 0;
	if (rank == 0)
		rank = 1;
	return histogram_middle(is_counted(h) ? bucket_of(h->counts, h->size, rank)
					      : few_bucket_of(h, rank));
}

void histogram_free(struct histogram *h)
{
	free(h->few);
	free(h->counts);
	*h = (struct histogram){};
}
