/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Towards user space: counters, and records through the ring buffer. */
#ifndef METRO_BPF_EMIT_H
#define METRO_BPF_EMIT_H

#include "engine.h"
#include "maps.h"

/* How close after a multiple of wake_bytes a record wakes the reader: the bytes of eight records,
 * since that many CPUs may write between one's look at the ring and its writing. */
#define WAKE_REACH 1024

/* From here on every record wakes it. Otherwise the reader might sleep while the ring is full, if
 * more than eight CPUs at once had passed each of the multiples; to pass this, it would take a
 * thousand. */
#define WAKE_SURELY (RECORDS_BYTES / 8 * 7)

static __always_inline struct counters *cpu_counters(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&counters, &zero);
}

/* Exact, except when a packet interrupts metro_sweep while it counts on the same CPU. */
static __always_inline void count(enum counter which, __u64 n)
{
	struct counters *c = cpu_counters();

	if (c)
		c->values[which] += n;
}

/* Counts the engine's events. Samples are counted where they arrive. No branches: without
 * CAP_PERFMON the verifier follows each of them both ways, and beyond the loop's end. */
static __always_inline void count_events(__u32 events)
{
	struct counters *c;

	if (likely(!(events & ~(EVENT(COUNTER_SAMPLES) | EVENT_FLUSH | EVENT_OVER))))
		return;
	c = cpu_counters();
	if (!c)
		return;
#pragma unroll
	for (__u32 i = COUNTER_SAMPLES + 1; i < COUNTERS; i++)
		c->values[i] += events >> i & 1;
}

/* A wake-up takes 8 us, so the reader polls, and is only woken if it asked for every record, or by
 * the first records with which the waiting bytes exceed a multiple of wake_bytes: not by each that
 * follows before the reader gets a CPU (that made a packet 65 ns dearer on average, 27 in all). */
static __always_inline bool wakes(void)
{
	__u64 waiting;

	if (wake_bytes == 0)
		return true;
	waiting = bpf_ringbuf_query(&records, BPF_RB_AVAIL_DATA);
	if (waiting >= WAKE_SURELY)
		return true;
	return waiting >= wake_bytes && (waiting & (wake_bytes - 1)) < WAKE_REACH;
}

static __always_inline void emit(const struct flow_record *record)
{
	__u32 n = record->count;
	__u64 flags;

	if (n > BATCH_MAX)
		return;
	flags = wakes() ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
	if (bpf_ringbuf_output(&records, (void *)record, FLOW_RECORD_SIZE(n), flags))
		count(COUNTER_RING_LOST, n);
}

#endif
