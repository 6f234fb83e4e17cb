/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From drops, silence and jumps of the clock to epochs: packets of two epochs make no sample. */
#include "breaks.h"
#include "clock.h"
#include "log.h"

#define CLOCKS_APART_NS (CLOCK_STEP_NS / 4)

static void epoch_begin(struct breaks *b)
{
	b->epoch = ++*b->epochs;
}

void breaks_open(struct breaks *b, __u32 *epochs)
{
	b->epochs = epochs;
	b->last_ns = 0;
	b->in_doubt_ns = 0;
	b->lost_ns = 0;
	epoch_begin(b);
}

void breaks_notice(struct breaks *b, __u64 monotonic_ns)
{
	b->in_doubt_ns = monotonic_ns;
	b->lost_ns = 0;
}

void breaks_drops(struct breaks *b, __u64 drops, __u64 wall_ns, __u64 monotonic_ns)
{
	bool clock_set = b->in_doubt_ns && !b->lost_ns;

	if (drops == b->drops)
		return;
	b->drops = drops;
	breaks_notice(b, monotonic_ns);
	if (!clock_set)
		b->lost_ns = wall_ns;
}

__u32 breaks_epoch(struct breaks *b, __u64 packet_ns)
{
	if (b->in_doubt_ns)
		epoch_begin(b);
	if (b->lost_ns && packet_ns > b->lost_ns)
		b->lost_ns = b->in_doubt_ns = 0;
	return b->epoch;
}

void breaks_empty(struct breaks *b, __u64 monotonic_ns)
{
	if (!b->in_doubt_ns || monotonic_ns - b->in_doubt_ns < BREAK_WAIT_NS)
		return;
	b->in_doubt_ns = 0;
	epoch_begin(b);
}

bool clock_watch_look(struct clock_watch *w, __u64 wall_ns, __u64 monotonic_ns)
{
	__s64 offset = (__s64)(wall_ns - monotonic_ns), step = offset - w->offset;
	bool first = !w->wall_ns;

	w->offset = offset;
	w->wall_ns = wall_ns;
	if (first || (step <= CLOCK_STEP_NS && step >= -CLOCK_STEP_NS))
		return false;
	log_debug("the clock was set by %lld us", step / (__s64)NS_PER_US);
	return true;
}

bool clock_watch_follow(struct clock_watch *w)
{
	__u64 before, wall, after;

	/* An interruption between the two would look like a step. */
	do {
		before = monotonic_ns();
		wall = clock_ns(CLOCK_REALTIME);
		after = monotonic_ns();
	} while (after - before > CLOCKS_APART_NS);
	return clock_watch_look(w, wall, before);
}
