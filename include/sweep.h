/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the daemon asks of the metro_sweep program, as the "packet" of a BPF_PROG_TEST_RUN: send the
 * samples that wait in these flows, and drop those flows that are no longer needed. Only a program
 * can take a flow's lock; timers, iterators and syscall programs would need at least Linux 5.13 to
 * 5.15.
 */
#ifndef METRO_SWEEP_H
#define METRO_SWEEP_H

#include "flow.h"
#include "units.h"

#define SWEEP_FLOWS 32

/* Which flows are over: those without traffic since these times, in units of flow_clock. */
struct sweep_terms {
	__u32 now;
	__u32 idle;    /* flows in general */
	__u32 ended;   /* flows that ended or never had an answer */
	__u32 quiet;   /* flows that ended with nothing outstanding */
	__u32 crowded; /* any flows, if the table is nearly full (eviction.h); else 0 */
};

struct sweep_flow {
	__u32 slot;
	__u32 tag; /* unless this is another flow's now */
};

struct sweep_request {
	__u8 ethernet[16]; /* zero: test runs take the first bytes for an Ethernet header */
	struct sweep_terms terms;
	__u32 count; /* flows */
	__u32 drop;  /* not 0: drop all of these */
	struct sweep_flow flows[SWEEP_FLOWS];
};

#define ENDED_QUIET_NS NS_PER_S /* long enough for the last ACKs of a connection */

static __always_inline struct sweep_terms sweep_terms(__u64 now_ns, __u64 idle_ns, __u64 ended_ns)
{
	__u64 quiet_ns = ended_ns < ENDED_QUIET_NS ? ended_ns : ENDED_QUIET_NS;

	return (struct sweep_terms){
		.now = flow_clock(now_ns),
		.idle = flow_clock(now_ns) - flow_clock(idle_ns),
		.ended = flow_clock(now_ns) - flow_clock(ended_ns),
		.quiet = flow_clock(now_ns) - flow_clock(quiet_ns),
	};
}

static __always_inline bool flow_is_over(const struct flow *f, const struct sweep_terms *terms)
{
	__u32 since = terms->idle;

	if (f->flags & FLOW_ENDED && f->count == 0)
		since = terms->quiet;
	else if (f->flags & FLOW_ENDED || !(f->flags & FLOW_UNA_KNOWN))
		since = terms->ended;
	return (__s32)(f->last - since) < 0;
}

/* Should this flow make room for others, though it is not over? */
static __always_inline bool flow_gives_way(const struct flow *f, const struct sweep_terms *terms)
{
	return terms->crowded && (__s32)(f->last - terms->crowded) < 0;
}

#endif
