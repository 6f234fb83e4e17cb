/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Towards user space: counters, and records through the ring buffer. */
#ifndef METRO_BPF_EMIT_H
#define METRO_BPF_EMIT_H

#include "engine.h"
#include "maps.h"

/* How close behind a multiple of wake_bytes a record wakes the reader: the bytes of eight records,
 * since as many CPUs may write between one's asking and its writing. */
#define WAKE_REACH 1024

/* From here on every record wakes it. Otherwise a reader might sleep with the ring full, if as many
 * CPUs at once had taken what waits past all of the multiples; past this, a thousand would have to.
 */
#define WAKE_SURELY (RECORDS_BYTES / 8 * 7)

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

	if (likely(!(events & ~(EVENT(COUNTER_SAMPLES) | EVENT_FLUSH | EVENT_OVER))))
		return;
	c = cpu_counters();
	if (!c)
		return;
#pragma unroll
	for (__u32 i = COUNTER_SAMPLES + 1; i < COUNTERS; i++)
		c->values[i] += events >> i & 1;
}

/* A wake-up takes 8 us, so the reader polls, and is woken only when it asked for every record, or
 * by the first records that make what waits exceed a multiple of wake_bytes: not by each that
 * follows before the reader gets a CPU (which made a packet 65 ns dearer on average, 27 in all). */
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
