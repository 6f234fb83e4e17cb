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

static int grow(struct histogram *h, __u32 index)
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

int histogram_add(struct histogram *h, __u32 value)
{
	__u32 index = index_of(value);

	if (index >= h->size && grow(h, index))
		return -ENOMEM;
	h->counts[index]++;
	h->total++;
	return 0;
}

void histogram_expect(const struct histogram *h, __u32 value)
{
	__builtin_prefetch(h->counts + index_of(value), 1);
}

int histogram_merge(struct histogram *h, const struct histogram *other)
{
	if (other->size > h->size && grow(h, other->size - 1))
		return -ENOMEM;
	for (__u32 i = 0; i < other->size; i++)
		h->counts[i] += other->counts[i];
	h->total += other->total;
	return 0;
}

__u32 histogram_quantile(const struct histogram *h, double share)
{
	__u64 rank = (__u64)ceil(share * (double)h->total), seen = 0;

	if (rank == 0)
		rank = 1;
	for (__u32 i = 0; i < h->size; i++) {
		seen += h->counts[i];
		if (seen >= rank)
			return histogram_middle(i);
	}
	return 0;
}

void histogram_free(struct histogram *h)
{
	free(h->counts);
	*h = (struct histogram){};
}
