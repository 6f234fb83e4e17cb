/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Exclusive use of a flow. bpf_spin_lock and its counterpart are two calls, which together take 15
 * to 50 ns; comparing and exchanging a word takes 3, but needs Linux 5.12. Which of them it is, the
 * daemon decides before the programs are loaded, and the map's BTF has a lock or has not.
 *
 * A program cannot wait without a bound, so in the end it gives up. Where the hooks are, nothing
 * but an interrupt keeps the other CPU from going on; on a virtual machine, also that CPU's
 * absence. Whoever gives up leaves word in the lock, and who has the flow then distrusts all that
 * is in flight: what was missed may have been data sent again.
 */
#ifndef METRO_FLOW_LOCK_H
#define METRO_FLOW_LOCK_H

#include "engine.h"
#include "maps.h"

enum flow_held { FLOW_FREE, FLOW_HELD, FLOW_MISSED };

/* The beginning of a flow, in one word: an entry that has become another flow's is not changed. */
union flow_word {
	struct {
		__u32 held; /* enum flow_held, in place of the lock */
		__u32 tag;
	};
	__u64 word;
};
_Static_assert(offsetof(struct flow, lock) == 0 && offsetof(struct flow, tag) == 4,
	       "union flow_word");

#define LOCK_TRIES  256
#define PAUSE_LOOKS 8 /* more after each try: 8 ms in all */
#define LEAVE_TRIES 8

enum acquired { ACQUIRED, ACQUIRED_OTHER, ACQUIRED_NOT };

/* Returns the tag and what it was held by before; changed if that is what was expected. */
static __always_inline union flow_word flow_exchange(struct flow *f, __u32 tag, __u32 from,
						     __u32 to)
{
	union flow_word expected = {{from, tag}}, wanted = {{to, tag}}, found;

	found.word = __sync_val_compare_and_swap((__u64 *)f, expected.word, wanted.word);
	return found;
}

/* Leaves word that a segment was missed; or gets the flow, if it has become free. */
static __always_inline enum acquired flow_leave_word(struct flow *f, __u32 tag)
{
	for (__u32 i = 0; i < LEAVE_TRIES; i++) {
		union flow_word found = flow_exchange(f, tag, FLOW_HELD, FLOW_MISSED);

		if (found.tag != tag)
			return ACQUIRED_OTHER;
		if (found.held != FLOW_FREE)
			return ACQUIRED_NOT;
		if (flow_exchange(f, tag, FLOW_FREE, FLOW_HELD).held == FLOW_FREE)
			return ACQUIRED;
	}
	return ACQUIRED_NOT;
}

/* Looks at the clock to pass the time: each look takes 20 to 40 ns. Global: the verifier walks it
 * by itself, once, and not in each round of who waits (see sweep_one). */
__attribute__((noinline)) int flow_pause(__u32 rounds)
{
	for (__u32 i = 0; i < LOCK_TRIES && i < rounds; i++) {
		unroll_loop for (__u32 k = 0; k < PAUSE_LOOKS; k++) bpf_ktime_get_ns();
	}
	return 0;
}

static __always_inline enum acquired flow_wait(struct flow *f, __u32 tag)
{
	for (__u32 i = 0; i < LOCK_TRIES; i++) {
		/* Only looks as long as it is held: an exchange would take its cache line away. */
		union flow_word found = {.word = *(const volatile __u64 *)f};

		if (found.tag != tag)
			return ACQUIRED_OTHER;
		if (found.held == FLOW_FREE &&
		    flow_exchange(f, tag, FLOW_FREE, FLOW_HELD).held == FLOW_FREE)
			return ACQUIRED;
		flow_pause(i);
	}
	return flow_leave_word(f, tag);
}

static __always_inline enum acquired flow_acquire(struct flow *f, __u32 tag)
{
	if (exchanges) {
		union flow_word free = {{FLOW_FREE, tag}};

		if (likely(flow_exchange(f, tag, FLOW_FREE, FLOW_HELD).word == free.word))
			return ACQUIRED;
		return flow_wait(f, tag);
	}
	bpf_spin_lock(&f->lock);
	if (likely(f->tag == tag))
		return ACQUIRED;
	bpf_spin_unlock(&f->lock);
	return ACQUIRED_OTHER;
}

static __always_inline void flow_release(struct flow *f, __u32 tag)
{
	if (!exchanges) {
		bpf_spin_unlock(&f->lock);
		return;
	}
	if (likely(flow_exchange(f, tag, FLOW_HELD, FLOW_FREE).held != FLOW_MISSED))
		return;
	flow_distrust(f);
	flow_exchange(f, tag, FLOW_MISSED, FLOW_FREE);
}

#endif
