/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel's table of flows: slots in one array, and an index of buckets that says which slot a
 * flow has. A hash map of the kernel's would do it all, but it is a call of 22 to 35 ns, and takes
 * two more cache lines; arrays are looked up without a call (tests/bench, AMD EPYC, Linux 6.18).
 */
#ifndef METRO_FLOW_SLOT_H
#define METRO_FLOW_SLOT_H

#include "flow.h"

/* By cache lines: the key; what each segment changes; samples; marks. A slot whose flow's tag is 0
 * is free. */
struct flow_slot {
	struct flow_key key;
	__u32 number; /* of this slot, once it has been in use */
	__u32 unused[4];
	struct flow flow;
};
_Static_assert(offsetof(struct flow_slot, flow) == 64, "a cache line");
_Static_assert(sizeof(struct flow_slot) == 64 + sizeof(struct flow), "the marks follow");

/* Of sizes alone: libbpf's offsetof is no constant to clang 17 and later. */
#define FLOW_SLOT_SIZE(marks) (sizeof(struct flow_slot) + (marks) * sizeof(struct mark))
#define SLOT_NONE             0xffffffffu

/*
 * A cache line of the index. A flow is in the bucket that its key says, or in that one's neighbour
 * (the number with its lowest bit the other way), whose line the CPU mostly fetches along.
 */
#define BUCKET_PLACES 7

struct flow_bucket {
	flow_lock lock; /* to change it; who searches does without */
	__u32 unused;
	__u64 places[BUCKET_PLACES]; /* bucket_place(), or 0 */
};
_Static_assert(sizeof(struct flow_bucket) == 64, "a cache line");

/* Slots from this number on have never been in use. */
struct fresh_slots {
	flow_lock lock;
	__u32 first;
};

static __always_inline __u64 bucket_place(__u32 tag, __u32 slot)
{
	return (__u64)tag << 32 | (slot + 1);
}

/* The number of buckets for max_flows, as a power of two: 1 or more. With two flows in each, 2 in
 * 100,000 find both of their buckets full when the table is. */
static __always_inline __u32 flow_index_bits(__u32 max_flows)
{
	__u32 bits = 1;

	while (2ull << bits < max_flows)
		bits++;
	return bits;
}

#endif
