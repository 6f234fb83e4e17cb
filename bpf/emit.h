/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Towards user space: counters, and records through the ring buffer. */
#ifndef METRO_BPF_EMIT_H
#define METRO_BPF_EMIT_H

#include "engine.h"
#include "maps.h"

static __always_inline struct counters *cpu_counters(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&counters, &zero);
}

/* Exact but for one case: a packet that interrupts metro_sweep while that counts on the same CPU.
 */
static __always_inline void count(enum counter which, __u64 n)
{
	struct counters *c = cpu_counters();

	if (c)
		c->values[which] += n;
}

/* Counts what the engine says happened. Samples are counted where they arrive. No branches: without
 * CAP_PERFMON the verifier follows each of them both ways, and out of the loop's end. */
static __always_inline void count_events(__u32 events)
{
	struct counters *c;

	if (likely(!(events & ~(EVENT(COUNTER_SAMPLES) | EVENT_FLUSH))))
		return;
	c = cpu_counters();
	if (!c)
		return;
#pragma unroll
	for (__u32 i = COUNTER_SAMPLES + 1; i < COUNTERS; i++)
		c->values[i] += events >> i & 1;
}

/* A wake-up costs about twenty times what a record does, so the reader polls, and is woken only
 * when much is waiting or when it asked for every record. */
static __always_inline void emit(const struct flow_record *record)
{
	__u64 flags = BPF_RB_NO_WAKEUP;
	__u32 n = record->count;

	if (n > BATCH_MAX)
		return;
	if (wake_bytes == 0 || bpf_ringbuf_query(&records, BPF_RB_AVAIL_DATA) >= wake_bytes)
		flags = BPF_RB_FORCE_WAKEUP;
	if (bpf_ringbuf_output(&records, (void *)record, FLOW_RECORD_SIZE(n), flags))
		count(COUNTER_RING_LOST, n);
}

#endif
