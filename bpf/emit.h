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

/* Of this CPU. Exact but for one case: a packet that interrupts metro_sweep while it counts. */
static __always_inline struct counters *cpu_counters(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&counters, &zero);
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

/* False: the ring buffer is full, and the record lost. */
static __always_inline bool emit(const struct flow_record *record)
{
	__u32 n = record->count;
	__u64 flags;

	if (n > BATCH_MAX)
		return true;
	flags = wakes() ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
	return bpf_ringbuf_output(&records, (void *)record, FLOW_RECORD_SIZE(n), flags) == 0;
}

#endif
