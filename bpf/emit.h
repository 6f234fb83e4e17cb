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

/* Does what waits in the ring exceed a multiple of wake_bytes by little? Then the reader is woken
 * by this record: not by each that follows before the reader gets a CPU (that made a packet 65 ns
 * dearer on average, 27 in all). */
static __always_inline bool ring_fills(void)
{
	__u64 waiting = bpf_ringbuf_query(&records, BPF_RB_AVAIL_DATA);

	if (waiting >= WAKE_SURELY)
		return true;
	return waiting >= wake_bytes && (waiting & (wake_bytes - 1)) < WAKE_REACH;
}

/*
 * A wake-up takes 8 us, so the reader is only woken where the ring fills. In between it looks by
 * its own clock; with wake_first, its clock begins with the first record that it finds nothing
 * before: without flags, the kernel wakes it then. Or it asked for every record.
 */
static __always_inline __u64 wake_flags(void)
{
	if (wake_bytes == 0 || ring_fills())
		return BPF_RB_FORCE_WAKEUP;
	return wake_first ? 0 : BPF_RB_NO_WAKEUP;
}

/* False: the ring buffer is full, and the record lost. */
static __always_inline bool emit(const struct flow_record *record)
{
	__u64 size = FLOW_RECORD_SIZE(record->count);

	opaque(size); /* what is compared here is what is passed on */
	if (size > sizeof(*record))
		return true;
	return bpf_ringbuf_output(&records, (void *)record, size, wake_flags()) == 0;
}

#endif
