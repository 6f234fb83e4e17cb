/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A segment's way to the engine: does it matter, may it be a peer's, has it a flow, may it begin
 * one, does it begin or end a handshake; then the engine, under the flow's lock, and its results go
 * out. Cheap questions come before expensive ones, and the clock is read last: most segments of a
 * host do not concern a peer, or tell their flow nothing new.
 *
 * Written once, as the engine is, over what differs between the kernel and user space: a file that
 * includes this defines struct datapath and the operations below (bpf/flow_maps.h,
 * src/backend/flow_table.c).
 */
#ifndef METRO_DATAPATH_H
#define METRO_DATAPATH_H

#include "closed.h"
#include "engine.h"
#include "handshake.h"
#include "packet_key.h"

/* What the operations need to know of one segment and its surroundings. */
struct datapath;

/* False: this is not a peer's address. Cheap; true may be wrong. */
static __always_inline bool datapath_may_be_peer(struct datapath *d, const struct address *addr);

/* Is this the peer of an instance? */
static __always_inline bool datapath_is_peer(struct datapath *d, const struct flow_key *key);

/* Has this segment, which the local side sends, been seen before? */
static __always_inline bool datapath_is_copy(struct datapath *d, const struct packet *p);

/* The flow of this key, whose tag is known, or NULL. */
static __always_inline struct flow *datapath_find(struct datapath *d, const struct flow_key *key,
						  __u32 tag);

/* Makes a flow for a key that had none. NULL: no room, which is counted here. */
static __always_inline struct flow *datapath_create(struct datapath *d, const struct flow_key *key,
						    __u32 tag);

/* Between these two, only this segment has the flow. The flow may move to get room for the segment.
 * False, and nothing to release, if the entry belongs to another flow by now, or somebody else has
 * it for too long. */
static __always_inline bool datapath_acquire(struct datapath *d, struct flow **f, __u32 tag);
static __always_inline void datapath_release(struct datapath *d, struct flow *f, __u32 tag);

/* Removes a flow that is not acquired. */
static __always_inline void datapath_drop(struct datapath *d, const struct flow_key *key,
					  struct flow *f);

/* One of CLOSED places for connections that have ended. */
static __always_inline closed_flow *datapath_closed(struct datapath *d, __u32 place);

/* One of HANDSHAKES places, or NULL; and exclusive use of it. */
static __always_inline bool datapath_times_handshakes(struct datapath *d);
static __always_inline struct handshake *datapath_handshake(struct datapath *d, __u32 place);
static __always_inline void datapath_lock_handshake(struct handshake *h);
static __always_inline void datapath_unlock_handshake(struct handshake *h);

/* When the segment was seen, and when it will have left; ns. */
static __always_inline __u64 datapath_now(struct datapath *d);
static __always_inline __u64 datapath_departure(struct datapath *d, __u64 now);

/* Times of two epochs make no handshake. */
static __always_inline __u32 datapath_epoch(struct datapath *d);

/* Data is sent in segments of this many bytes, which are cut apart after us. 0: it is one segment.
 */
static __always_inline __u32 datapath_segment_size(struct datapath *d);

static __always_inline struct engine_settings datapath_settings(struct datapath *d, struct flow *f);

/* Hands over a complete record, which is only valid during the call. */
static __always_inline void datapath_emit(struct datapath *d, const struct flow_record *record);

/* COUNTERS numbers, or NULL. */
static __always_inline __u64 *datapath_counters(struct datapath *d);

/* A segment without data, which the local side sends; and any that it receives, with its flow or
 * NULL. To explain why there are no samples. */
static __always_inline void datapath_sight_sent(struct datapath *d, const struct packet *p,
						__u32 ifindex);
static __always_inline void datapath_sight_received(struct datapath *d, const struct packet *p,
						    const struct flow_key *key, struct flow *f);

static __always_inline void datapath_count(struct datapath *d, enum counter which, __u64 n)
{
	__u64 *counters = datapath_counters(d);

	if (counters)
		counters[which] += n;
}

/* Counts a packet that packet_parse could not make a segment of. */
static __always_inline void datapath_unread(struct datapath *d, enum packet_kind kind)
{
	if (kind == PACKET_BAD)
		datapath_count(d, COUNTER_PARSE_ERRORS, 1);
	else if (kind == PACKET_FRAGMENT)
		datapath_count(d, COUNTER_FRAGMENTS, 1);
}

/* Counts the engine's events. Samples are counted where they arrive. No branches: without
 * CAP_PERFMON the verifier follows each of them both ways, and beyond the loop's end. */
static __always_inline void datapath_count_events(struct datapath *d, __u32 events)
{
	__u64 *counters;

	if (likely(!(events & ~(EVENT(COUNTER_SAMPLES) | EVENT_FLUSH | EVENT_OVER))))
		return;
	counters = datapath_counters(d);
	if (!counters)
		return;
	unroll_loop for (__u32 i = COUNTER_SAMPLES + 1; i < COUNTERS; i++) counters[i] +=
		events >> i & 1;
}

static __always_inline void datapath_emit_for(struct datapath *d, const struct flow_key *key,
					      struct flow_record *record)
{
	record->key = *key;
	datapath_emit(d, record);
}

static __always_inline void datapath_begin_handshake(struct datapath *d, __u32 tag,
						     const struct packet *p, __u64 now)
{
	struct handshake *h = datapath_handshake(d, handshake_place(tag));

	if (!h)
		return;
	datapath_lock_handshake(h);
	handshake_sent(h, tag, p, now, datapath_epoch(d));
	datapath_unlock_handshake(h);
}

static __always_inline void datapath_end_handshake(struct datapath *d, const struct flow_key *key,
						   __u32 tag, const struct packet *p)
{
	__u32 ticks;
	struct handshake *h = datapath_handshake(d, handshake_place(tag));
	struct flow_record record;
	__u64 now;

	if (!h || h->tag != tag)
		return;
	now = datapath_now(d);
	datapath_lock_handshake(h);
	ticks = handshake_received(h, tag, p, now, datapath_epoch(d));
	datapath_unlock_handshake(h);
	if (ticks == HANDSHAKE_NONE)
		return;
	handshake_record(&record, ticks, now);
	datapath_emit_for(d, key, &record);
}

/* The connection has no flow: may the segment begin something? */
static __always_inline bool datapath_begins(struct datapath *d, const struct flow_key *key,
					    __u32 tag, const struct packet *p, bool handshake)
{
	closed_flow *closed = datapath_closed(d, closed_place(tag));

	if (closed_ends(*closed, tag, p))
		*closed = 0;
	if (closed_is(*closed, tag, p))
		return false;
	return (engine_starts(p) || handshake) && datapath_is_peer(d, key);
}

/* Data that is sent again may be of many segments, which the network card, or Linux just before it,
 * cuts apart. They count as they do in the kernel's own TcpRetransSegs; engine_sent counted one.
 * Returns how many more there are. */
static __always_inline __u32 datapath_sent_again(struct datapath *d, struct flow *f,
						 const struct packet *p)
{
	__u32 size = datapath_segment_size(d), more, sum;

	if (size == 0 || p->payload <= size)
		return 0;
	more = (p->payload - 1) / size;
	sum = f->retransmissions + more;
	f->retransmissions = sum < 0xffff ? sum : 0xffff;
	return more;
}

/* Runs a segment that the local side sends through its flow. */
static __always_inline void datapath_run_sent(struct datapath *d, const struct packet *p,
					      const struct flow_key *key, __u32 tag, struct flow *f,
					      __u64 now, __u64 departure)
{
	struct engine_settings s;
	struct flow_record record;
	__u32 events, more = 0;
	bool batch = false;

	if (!datapath_acquire(d, &f, tag))
		return;
	s = datapath_settings(d, f);
	events = engine_sent(f, p, now, departure, &s);
	if (unlikely(events & EVENT(COUNTER_RETRANSMISSIONS)))
		more = datapath_sent_again(d, f, p);
	if (events & EVENT_FLUSH)
		batch = batch_take(f, &record);
	datapath_release(d, f, tag);
	if (batch)
		datapath_emit_for(d, key, &record);
	datapath_count_events(d, events);
	if (unlikely(more))
		datapath_count(d, COUNTER_RETRANSMISSIONS, more);
}

/* A segment that the local side sends. */
static __always_inline void datapath_sent(struct datapath *d, const struct packet *p, __u32 ifindex)
{
	struct flow_key key;
	struct flow *f;
	__u64 now, departure;
	__u32 tag;
	bool handshake;

	if (!engine_heeds_sent(p)) {
		datapath_sight_sent(d, p, ifindex);
		return;
	}
	if (!datapath_may_be_peer(d, &p->dst) || datapath_is_copy(d, p))
		return;
	key = packet_key_sent(p, ifindex);
	tag = flow_tag(&key);
	f = datapath_find(d, &key, tag);
	handshake = datapath_times_handshakes(d) && handshake_begins(p);
	if (!f && !datapath_begins(d, &key, tag, p, handshake))
		return;
	now = datapath_now(d);
	departure = datapath_departure(d, now);
	if (handshake)
		datapath_begin_handshake(d, tag, p, departure);
	if (!f && engine_starts(p))
		f = datapath_create(d, &key, tag);
	if (f)
		datapath_run_sent(d, p, &key, tag, f, now, departure);
}

/* Runs a segment that the local side receives through the flow whose data it acknowledges. */
static __always_inline void datapath_run_received(struct datapath *d, const struct packet *p,
						  const struct flow_key *key, __u32 tag,
						  struct flow *f)
{
	__u32 events, nxt;
	__u64 now = datapath_now(d);
	struct engine_settings s;
	struct flow_record record;
	bool batch = false;

	if (!datapath_acquire(d, &f, tag))
		return;
	s = datapath_settings(d, f);
	events = engine_received(f, p, now, &s);
	nxt = f->nxt;
	if (events & EVENT_FLUSH)
		batch = batch_take(f, &record);
	datapath_release(d, f, tag);
	if (batch)
		datapath_emit_for(d, key, &record);
	if (unlikely(events & EVENT_OVER)) {
		*datapath_closed(d, closed_place(tag)) = closed_make(tag, nxt);
		datapath_drop(d, key, f);
	}
	datapath_count_events(d, events);
}

/* A segment that the local side receives. */
static __always_inline void datapath_received(struct datapath *d, const struct packet *p,
					      __u32 ifindex)
{
	struct flow_key key;
	struct flow *f;
	__u32 tag;

	if (!engine_heeds_received(p) || !datapath_may_be_peer(d, &p->src))
		return;
	key = packet_key_received(p, ifindex);
	tag = flow_tag(&key);
	f = datapath_find(d, &key, tag);
	if (unlikely(datapath_times_handshakes(d)) && handshake_may_end(p, f))
		datapath_end_handshake(d, &key, tag, p);
	datapath_sight_received(d, p, &key, f);
	if (f && !engine_ignores(f, p))
		datapath_run_received(d, p, &key, tag, f);
}

#endif
