/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Samples wait in their flow and cross to user space many at a time. */
#ifndef METRO_BATCH_H
#define METRO_BATCH_H

#include "flow.h"

static __always_inline void batch_add(struct flow *f, __u32 rtt, __u64 now_ns)
{
	__u32 n = f->batch_count + 1;

	if (n > BATCH_MAX) /* cannot happen, since a full batch is taken at once; the verifier needs
			      it */
		return;
	if (n == 1)
		f->batch_first = (__u32)(now_ns >> TICK_SHIFT);
	f->rtt[n] = rtt;
	f->batch_last_ns = now_ns;
	f->batch_count = n;
}

/* Should the batch be sent? limit: samples, 1 .. BATCH_MAX; age: ticks that the first may wait. */
static __always_inline bool batch_due(const struct flow *f, __u64 now_ns, __u32 limit, __u32 age)
{
	return f->batch_count >= limit || (f->batch_count && (__s32)((__u32)(now_ns >> TICK_SHIFT) -
								     f->batch_first) >= (__s32)age);
}

/* Is there anything to report? */
static __always_inline bool batch_waits(const struct flow *f)
{
	return f->batch_count || f->retransmissions;
}

/* Moves the samples into a record (all but its key) and keeps the last one as the predecessor of
 * the next samples. Returns false if there was nothing to report. */
static __always_inline bool batch_take(struct flow *f, struct flow_record *record)
{
	__u64 n = f->batch_count;

	opaque(n); /* what is compared here is what is used as an index: the verifier wants that */
	if (!batch_waits(f) || n > BATCH_MAX)
		return false;
	record->time_ns = f->batch_last_ns;
	record->count = n;
	record->retransmissions = f->retransmissions;
	record->flags = f->flags & FLOW_PREVIOUS ? RECORD_HAS_PREVIOUS : 0;
	__builtin_memcpy(record->rtt, f->rtt, sizeof(record->rtt));
	f->rtt[0] = f->rtt[n];
	f->batch_count = 0;
	f->retransmissions = 0;
	f->flags |= n ? FLOW_PREVIOUS : 0;
	return true;
}

#endif
