/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The table of flows: finding one, and giving it a slot and taking that back. Who searches takes no
 * lock: a slot that has become another flow's is told by its tag when it is acquired (flow_lock.h).
 * A slot changes hands only while its tag is 0, so that nobody can have acquired it.
 */
#ifndef METRO_FLOW_SLOTS_H
#define METRO_FLOW_SLOTS_H

#include "emit.h"
#include "flow_lock.h"

static __always_inline struct flow_slot *slot_of(struct flow *f)
{
	return (struct flow_slot *)((char *)f - offsetof(struct flow_slot, flow));
}

/* ---- a bucket ---- */

/*
 * By more bits of the sum than the tag has: of a million flows, a hundred pairs have the same tag,
 * but then not the same buckets. With a secret factor, or a peer could choose ports so that its
 * connections fill a bucket of others'. Keys of neighbouring ports are evenly spaced, and so are
 * their products; both halves of these, mixed, are not.
 */
static __always_inline __u32 bucket_home(const struct flow_key *key)
{
	__u64 product = flow_sum(key) * index_factor;

	return (__u32)((__u32)(product ^ product >> 32) * 2654435761u) >> index_shift;
}

static __always_inline __u32 bucket_look(const struct flow_bucket *b, __u32 tag)
{
	unroll_loop for (__u32 i = 0; i < BUCKET_PLACES; i++)
	{
		__u64 place = *(const volatile __u64 *)&b->places[i];

		if (place >> 32 == tag)
			return (__u32)place - 1;
	}
	return SLOT_NONE;
}

static __always_inline __u32 bucket_search(__u32 number, __u32 tag)
{
	const struct flow_bucket *b = bpf_map_lookup_elem(&flow_index, &number);

	return b ? bucket_look(b, tag) : SLOT_NONE;
}

/* Puts to where from is, 0 being an empty place. False: from is nowhere. Under the bucket's lock.
 */
static __always_inline bool bucket_change(struct flow_bucket *b, __u64 from, __u64 to)
{
	bool found = false;

	unroll_loop for (__u32 i = 0; i < BUCKET_PLACES; i++)
	{
		if (!found && b->places[i] == from) {
			b->places[i] = to;
			found = true;
		}
	}
	return found;
}

/* Returns the slot that the tag has now: this one, unless another CPU has given it one meanwhile.
 * SLOT_NONE: the bucket is full. */
static __always_inline __u32 bucket_insert(__u32 number, __u32 tag, __u32 slot)
{
	struct flow_bucket *b = bpf_map_lookup_elem(&flow_index, &number);
	__u32 now;

	if (!b)
		return SLOT_NONE;
	bpf_spin_lock(&b->lock);
	now = bucket_look(b, tag);
	if (now == SLOT_NONE && bucket_change(b, 0, bucket_place(tag, slot)))
		now = slot;
	bpf_spin_unlock(&b->lock);
	return now;
}

static __always_inline bool bucket_remove(__u32 number, __u32 tag, __u32 slot)
{
	struct flow_bucket *b = bpf_map_lookup_elem(&flow_index, &number);
	bool found;

	if (!b)
		return false;
	bpf_spin_lock(&b->lock);
	found = bucket_change(b, bucket_place(tag, slot), 0);
	bpf_spin_unlock(&b->lock);
	return found;
}

/* ---- a flow ---- */

static __always_inline bool flow_key_equals(const struct flow_key *a, const struct flow_key *b)
{
	const __u32 *x = (const __u32 *)a, *y = (const __u32 *)b;
	__u32 differ = 0;

	unroll_loop for (__u32 i = 0; i < sizeof(*a) / 4; i++) differ |= x[i] ^ y[i];
	return !differ;
}

static __always_inline struct flow *flow_at(__u32 number, const struct flow_key *key)
{
	struct flow_slot *s = bpf_map_lookup_elem(&flows, &number);

	return s && flow_key_equals(&s->key, key) ? &s->flow : 0;
}

static __always_inline struct flow *flow_find(const struct flow_key *key, __u32 tag)
{
	__u32 home = bucket_home(key), number = bucket_search(home, tag);

	if (number == SLOT_NONE)
		number = bucket_search(home ^ 1, tag);
	return flow_at(number, key);
}

static __always_inline __u32 slot_take(void)
{
	struct fresh_slots *fresh;
	__u32 number, zero = 0;

	if (bpf_map_pop_elem(&free_slots, &number) == 0)
		return number;
	fresh = bpf_map_lookup_elem(&fresh_slots, &zero);
	if (!fresh)
		return SLOT_NONE;
	bpf_spin_lock(&fresh->lock);
	number = fresh->first;
	if (number < max_flows)
		fresh->first = number + 1;
	bpf_spin_unlock(&fresh->lock);
	return number;
}

static __always_inline __u32 index_insert(const struct flow_key *key, __u32 tag, __u32 slot)
{
	__u32 home = bucket_home(key), now = bucket_insert(home, tag, slot);

	return now == SLOT_NONE ? bucket_insert(home ^ 1, tag, slot) : now;
}

/*
 * Returns the slot that the flow has now, which another CPU may have given it, or to another flow
 * of the same tag; SLOT_NONE: there is no room, or another CPU has just given it the last slot,
 * which is not worth a search. (Two CPUs may succeed, if the home of the flow was full, and has
 * room before the second of them comes. One of the two slots is never found again then, and goes as
 * one that had no answer.)
 *
 * Not inline: what is left of it in registers and on the stack made the verifier of Linux 5.10
 * follow the engine behind it again and again, in 5.10.46 beyond its limit.
 */
static __attribute__((noinline)) __u32 flow_insert(const struct flow_key *key, __u32 tag)
{
	struct counters *counters;
	struct flow_slot *s;
	__u32 number, now;

	if (*(volatile __u32 *)&flow_count.n >= max_flows)
		return SLOT_NONE;
	number = slot_take();
	s = bpf_map_lookup_elem(&flows, &number);
	if (!s)
		return SLOT_NONE;
	s->key = *key;
	s->number = number;
	__builtin_memset((char *)&s->flow + offsetof(struct flow, una), 0,
			 sizeof(s->flow) - offsetof(struct flow, una));
	now = index_insert(key, tag, number);
	if (now != number) {
		bpf_map_push_elem(&free_slots, &number, BPF_ANY);
		return now;
	}
	__sync_fetch_and_add(&flow_count.n, 1);
	flow_publish(&s->flow, tag);
	counters = cpu_counters();
	if (counters)
		counters->values[COUNTER_FLOWS]++;
	return number;
}

/* Of a flow that has been retired. */
static __always_inline void flow_remove(const struct flow_key *key, struct flow *f, __u32 tag)
{
	__u32 number = slot_of(f)->number, home = bucket_home(key);

	if (!bucket_remove(home, tag, number))
		bucket_remove(home ^ 1, tag, number);
	bpf_map_push_elem(&free_slots, &number, BPF_ANY);
	__sync_fetch_and_add(&flow_count.n, -1);
}

#endif
