/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Exclusive use of a flow. bpf_spin_lock and its counterpart are two calls, which together take 15
 * to 50 ns; comparing and exchanging a word takes 3, but needs Linux 5.12. Which of them it is, the
 * daemon decides before the programs are loaded, and the map's BTF has a lock or has not.
 *
 * A program cannot wait without a bound, and what it holds up is a packet and all that are behind
 * it. Where the hooks are, nothing but an interrupt keeps the other CPU from going on; on a virtual
 * machine, also that CPU's absence. So it waits for some 40 us at most, and not at all behind one
 * who has. Whoever gives up leaves word in the lock, and who has the flow then distrusts all that
 * is in flight: what was missed may have been data sent again.
 */
#ifndef METRO_FLOW_LOCK_H
#define METRO_FLOW_LOCK_H

#include "engine.h"
#include "maps.h"

/* By whom, in place of the kernel's lock. */
enum flow_held {
	FLOW_FREE,
	FLOW_HELD = 1,  /* by a packet: no other one runs on that CPU meanwhile */
	FLOW_SWEPT = 2, /* by a walk on the CPU above these bits: a packet may interrupt it there */
	FLOW_MISSED = 4, /* and somebody has waited in vain */
};
#define HOLDER_SHIFT 8

/* The beginning of a flow, in one word: an entry that has become another flow's is not changed. */
union flow_word {
	struct {
		__u32 held;
		__u32 tag;
	};
	__u64 word;
};
_Static_assert(offsetof(struct flow, lock) == 0 && offsetof(struct flow, tag) == 4,
	       "union flow_word");

/* Few, since each costs the verifier a walk through all that follows, and its memory. */
#define LOCK_TRIES  7
#define PAUSE_LOOKS 8 /* and twice as many after each try: 1,016 in all, some 40 us */
#define LEAVE_TRIES 2

enum acquired { ACQUIRED, ACQUIRED_OTHER, ACQUIRED_NOT };

static __always_inline union flow_word flow_look(struct flow *f)
{
	return (union flow_word){.word = *(const volatile __u64 *)f};
}

/* True if it was held by from, and is by to now. found is what was there. */
static __always_inline bool flow_exchange(struct flow *f, __u32 tag, __u32 from, __u32 to,
					  union flow_word *found)
{
	union flow_word expected = {{from, tag}}, wanted = {{to, tag}};

	found->word = __sync_val_compare_and_swap((__u64 *)f, expected.word, wanted.word);
	return found->word == expected.word;
}

/* Leaves word that a segment was missed; or gets the flow, if it has become free. */
static __always_inline enum acquired flow_leave_word(struct flow *f, __u32 tag, __u32 by)
{
	for (__u32 i = 0; i < LEAVE_TRIES; i++) {
		union flow_word found = flow_look(f);

		if (found.tag != tag)
			return ACQUIRED_OTHER;
		if (found.held & FLOW_MISSED)
			return ACQUIRED_NOT;
		if (found.held == FLOW_FREE) {
			if (flow_exchange(f, tag, FLOW_FREE, by, &found))
				return ACQUIRED;
		} else if (flow_exchange(f, tag, found.held, found.held | FLOW_MISSED, &found)) {
			return ACQUIRED_NOT;
		}
	}
	return ACQUIRED_NOT;
}

/* Looks at the clock to pass the time: each look takes 20 to 40 ns. Global: the verifier walks it
 * by itself, once, and not in each round of who waits (see sweep_one). */
__attribute__((noinline)) int flow_pause(__u32 rounds)
{
	for (__u32 i = 0; i < 1 << LOCK_TRIES && i < rounds; i++) {
		unroll_loop for (__u32 k = 0; k < PAUSE_LOOKS; k++) bpf_ktime_get_ns();
	}
	return 0;
}

/* Who has it will not go on soon, or not before we do. */
static __always_inline bool flow_is_stuck(__u32 held)
{
	return held & FLOW_MISSED ||
	       (held & FLOW_SWEPT && held >> HOLDER_SHIFT == bpf_get_smp_processor_id());
}

static __always_inline enum acquired flow_wait(struct flow *f, __u32 tag, __u32 by)
{
	for (__u32 i = 0; i < LOCK_TRIES; i++) {
		/* Only looks as long as it is held: an exchange would take its cache line away. */
		union flow_word found = flow_look(f);

		if (found.tag != tag)
			return ACQUIRED_OTHER;
		if (found.held == FLOW_FREE && flow_exchange(f, tag, FLOW_FREE, by, &found))
			return ACQUIRED;
		if (flow_is_stuck(found.held))
			break;
		flow_pause(1 << i);
	}
	return by == FLOW_HELD ? flow_leave_word(f, tag, by) : ACQUIRED_NOT;
}

/* by: FLOW_HELD, or what flow_sweeper returns. */
static __always_inline enum acquired flow_acquire(struct flow *f, __u32 tag, __u32 by)
{
	union flow_word found;

	if (exchanges) {
		if (likely(flow_exchange(f, tag, FLOW_FREE, by, &found)))
			return ACQUIRED;
		return flow_wait(f, tag, by);
	}
	bpf_spin_lock(&f->lock);
	if (likely(f->tag == tag))
		return ACQUIRED;
	bpf_spin_unlock(&f->lock);
	return ACQUIRED_OTHER;
}

static __always_inline void flow_release(struct flow *f, __u32 tag, __u32 by)
{
	union flow_word found;

	if (!exchanges) {
		bpf_spin_unlock(&f->lock);
		return;
	}
	if (likely(flow_exchange(f, tag, by, FLOW_FREE, &found)) || found.tag != tag)
		return;
	flow_distrust(f);
	flow_exchange(f, tag, by | FLOW_MISSED, FLOW_FREE, &found);
}

/* Gives its tag to a flow that has none, behind all that was written to it before: from now on
 * others can acquire it. */
static __always_inline void flow_publish(struct flow *f, __u32 tag)
{
	union flow_word tagged = {{FLOW_FREE, tag}};

	if (exchanges) {
		__sync_val_compare_and_swap((__u64 *)f, 0, tagged.word);
		return;
	}
	bpf_spin_lock(&f->lock);
	f->tag = tag;
	bpf_spin_unlock(&f->lock);
}

/* Ends the use of a flow for good: nobody can acquire it any more, and its slot is the caller's. */
static __always_inline void flow_retire(struct flow *f)
{
	if (exchanges) {
		*(volatile __u64 *)f = 0;
		return;
	}
	f->tag = 0;
	bpf_spin_unlock(&f->lock);
}

/* Programs that BPF_PROG_TEST_RUN runs stay on their CPU, but not all kernels turn bottom halves
 * off for them. */
static __always_inline __u32 flow_sweeper(void)
{
	return FLOW_SWEPT | bpf_get_smp_processor_id() << HOLDER_SHIFT;
}

#endif
