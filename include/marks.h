/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The ring of outstanding segments inside a flow. Its size is a power of two, known when the
 * program is loaded and given as a mask, so that the verifier sees every access in bounds.
 */
#ifndef METRO_MARKS_H
#define METRO_MARKS_H

#include "flow.h"
#include "sequence.h"
#include "units.h"

#define TICK_AGE_MASK 0x7fffffffu /* 31 bits of ticks */
/* Half of them, less the clock's slack: 67.6 s. A mark that looks older is too old, or from the
 * future. */
#define RTT_TICKS_MAX (0x3fffffffu - 0x01000000u)
#define CLOCK_SLACK   1000 /* units of flow_clock: a clock may run back by 1.05 s */
#define RTT_NS_MAX    ((__u64)RTT_TICKS_MAX << TICK_SHIFT)

/* How far in the future a paced segment may leave: the horizon up to which fq holds packets back by
 * default (Linux 5.7). */
#define DEPARTURE_MAX_NS (10 * NS_PER_S)

static __always_inline __u32 mark_when(__u64 now_ns)
{
	return (__u32)(now_ns >> (TICK_SHIFT - 1)) & ~MARK_GAP;
}

/* Ticks between a mark and now; above RTT_TICKS_MAX if that is no possible RTT. */
static __always_inline __u32 mark_age(__u32 when, __u64 now_ns)
{
	return ((__u32)(now_ns >> TICK_SHIFT) - (when >> 1)) & TICK_AGE_MASK;
}

static __always_inline struct mark *marks_at(struct flow *f, __u32 i, __u32 mask)
{
	struct mark *marks = f->marks;

	opaque(marks);
	return &marks[(f->head + i) & mask];
}

/* How many marks, from the oldest on, end at or before seq. */
static __always_inline __u32 marks_covered(struct flow *f, __u32 seq, __u32 mask)
{
	__u32 n = unknown_zero(), count = f->count;

	for (__u32 step = mask + 1; step; step >>= 1) {
		if (n + step <= count && !seq_after(marks_at(f, n + step - 1, mask)->end, seq))
			n += step;
	}
	return n;
}

/* Notes that what was sent after the newest mark is not remembered. */
static __always_inline void marks_gap(struct flow *f, __u32 mask)
{
	if (f->count)
		marks_at(f, f->count - 1, mask)->when |= MARK_GAP;
}

/*
 * Makes room in a full ring: drops the mark whose neighbours are closest in time. What remains is
 * spread evenly over the time in flight, so a flow with hundreds of segments outstanding still gets
 * its samples. (Dropping the oldest would leave such a flow without samples; dropping every second
 * mark thins old marks again and again until few are left when their ACK comes.)
 */
static __always_inline void marks_thin(struct flow *f, __u32 now_when, __u32 mask)
{
	__u32 before = marks_at(f, 0, mask)->when;
	__u32 here = marks_at(f, 1, mask)->when;
	__u64 best = ~0ull;
	__u32 victim;

	/* Span and slot in one number, so that one minimum gives both. The slot rather than i: the
	 * verifier knows i, and would follow each outcome separately. */
	for (__u32 i = 1; i <= mask; i++) {
		__u32 after = i < mask ? marks_at(f, i + 1, mask)->when : now_when;
		__u64 span = (__u64)((after - before) >> 1) << 32 | ((f->head + i) & mask);

		if (span < best)
			best = span;
		before = here;
		here = after;
	}
	f->count = (best - f->head) & mask;
	/* From memory: or the verifier wants to know precisely how each turn of the loop above came
	 * out, and with 64 marks Linux 5.10 walked more than a million instructions. */
	victim = *(const volatile __u16 *)&f->count;
	marks_at(f, victim - 1, mask)->when |= MARK_GAP;
	for (__u32 k = 0; k < mask; k++) {
		if (victim + k >= mask)
			break;
		*marks_at(f, victim + k, mask) = *marks_at(f, victim + k + 1, mask);
	}
	f->count = mask;
}

/*
 * Receivers mostly acknowledge every second or third segment, so that no ACK ends on those in
 * between. If the newest mark is not where an ACK will end, going by the steps of recent ACKs, it
 * is the one to drop: that costs little, and 32 marks then cover 64 segments or more.
 */
static __always_inline bool marks_drop_newest(struct flow *f, __u32 mask)
{
	__u32 ahead = marks_at(f, mask, mask)->end - f->una;

	if (f->stride == 0 || ahead % f->stride == 0)
		return false;
	f->count = mask;
	marks_gap(f, mask);
	return true;
}

/* Remembers a segment of new data. Returns true if another one had to be dropped for it. */
static __always_inline bool marks_push(struct flow *f, __u32 end, __u64 departure_ns, __u32 mask)
{
	bool thinned = f->count > mask;
	struct mark *m;

	if (thinned && !marks_drop_newest(f, mask))
		marks_thin(f, mark_when(departure_ns), mask);
	m = marks_at(f, f->count, mask);
	m->end = end;
	m->when = mark_when(departure_ns);
	f->count++;
	return thinned;
}

/* Forgets the n oldest marks. */
static __always_inline void marks_pop(struct flow *f, __u32 n)
{
	f->head += n;
	f->count -= n;
}

/* How much older than the flow's last event a mark may look, in ticks: its segment may leave up to
 * DEPARTURE_MAX_NS after it was seen, and clocks of captures run back a little. */
#define MARK_AHEAD ((__u32)((DEPARTURE_MAX_NS + 2000000000ull) >> TICK_SHIFT))

/* How many marks, from the oldest on, are too old for a sample. silence: ticks since the flow's
 * last event; all marks are from before it, so an age below that has overflowed. */
static __always_inline __u32 marks_outdated(struct flow *f, __u64 now_ns, __u32 silence, __u32 mask)
{
	__u32 n = unknown_zero(), count = f->count, least = silence - MARK_AHEAD;

	for (__u32 step = mask + 1; step; step >>= 1) {
		if (n + step <= count &&
		    ((mark_age(marks_at(f, n + step - 1, mask)->when, now_ns) - least) &
		     TICK_AGE_MASK) > RTT_TICKS_MAX - least)
			n += step;
	}
	return n;
}

/* The age of a flow's marks is checked at the first event in each stretch of 17 s. So, apart from
 * the silence since the last event, no mark is older than 67.6 + 17 s, and 31 bits of ticks (137 s)
 * suffice. Units of flow_clock. */
#define EXPIRE_SHIFT 14

/*
 * Forgets marks that grew too old for a sample, and all if the clock was set back. Called at each
 * event of a flow; only compares, unless a new stretch of time begins.
 */
static __always_inline void marks_expire(struct flow *f, __u64 now_ns, __u32 mask)
{
	__u32 now = flow_clock(now_ns), silence = now - f->last;

	if (unlikely((__s32)silence < -CLOCK_SLACK)) {
		f->count = 0;
		f->last = now;
		return;
	}
	if (likely(now >> EXPIRE_SHIFT == f->last >> EXPIRE_SHIFT) || f->count == 0)
		return;
	if ((__s32)silence > (__s32)(RTT_TICKS_MAX >> CLOCK_TICKS_SHIFT))
		f->count = 0;
	else
		marks_pop(f, marks_outdated(f, now_ns, silence << CLOCK_TICKS_SHIFT, mask));
}

#endif
