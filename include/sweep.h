/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the daemon asks of the metro_sweep program, as the "packet" of a BPF_PROG_TEST_RUN: send the
 * samples that wait in these flows, and drop those flows that are no longer needed. Only a program
 * can take a flow's lock; timers, iterators and syscall programs would need Linux 5.13 to 5.15.
 */
#ifndef METRO_SWEEP_H
#define METRO_SWEEP_H

#include "flow.h"

#define SWEEP_KEYS 32

struct sweep_request {
	__u8 ethernet[16];	/* zero: test runs take the first bytes for an Ethernet header */
	__u64 idle_before_ns;	/* flows without traffic since then go */
	__u64 ended_before_ns;	/* .. and those that ended, without traffic since then */
	__u32 count;		/* keys */
	__u32 drop;		/* not 0: all of these flows go */
	struct flow_key keys[SWEEP_KEYS];
};

/* The time that lies a span before now, for clocks that began less than that ago. */
static __always_inline __u64 time_before(__u64 now_ns, __u64 span_ns)
{
	return now_ns > span_ns ? now_ns - span_ns : 0;
}

static __always_inline bool flow_is_over(const struct flow *f, __u64 idle_before_ns,
					 __u64 ended_before_ns)
{
	return f->last_ns < (f->flags & FLOW_ENDED ? ended_before_ns : idle_before_ns);
}

#endif
