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

/* This CPU's counters. Exact, except when a packet interrupts metro_sweep while it counts. */
static __always_inline struct counters *cpu_counters(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&counters, &zero);
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
