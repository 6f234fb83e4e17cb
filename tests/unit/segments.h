/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Tests about segments, tersely: one connection between two fixed ends, run through a flow table.
 * Times are in microseconds and sequence numbers relative to a base, so that a scenario reads like
 * a drawing of a connection, and so that each can be run around every wrap of the numbers.
 * Include after cmocka.h.
 */
#ifndef METRO_TEST_SEGMENTS_H
#define METRO_TEST_SEGMENTS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "run_packet.h"

#define LINE_EPOCH 1700000000000000000ull /* ns; the clock of a capture file */
#define LINE_KEPT  64
#define NEVER      0x7fffffffu /* ticks */

struct line {
	struct flow_table *table;
	__u32 base;  /* added to every sequence number of the local side */
	__u64 epoch; /* added to every time, ns */
	__u32 peer_seq;
	__u16 sport;
	__u8 peer; /* last byte of its address */
	__u32 ifindex;

	/* What came out, newest last. */
	unsigned int samples, records;
	struct flow_record record[LINE_KEPT];
	__u32 rtt[LINE_KEPT];
};

static inline struct address test_address(__u8 last)
{
	struct address addr;
	__u8 bytes[4] = {10, 0, 0, last};
	__u32 be;

	memcpy(&be, bytes, sizeof(be));
	address_set_v4(&addr, be);
	return addr;
}

static inline void line_emit(void *arg, const struct flow_record *record)
{
	struct line *l = arg;

	assert_in_range(record->count, record->retransmissions ? 0 : 1, BATCH_MAX);
	l->record[l->records++ % LINE_KEPT] = *record;
	if (record->flags & RECORD_HANDSHAKE)
		return;
	for (int i = 1; i <= record->count; i++)
		l->rtt[l->samples++ % LINE_KEPT] = record->rtt[i];
}

static inline void line_open_with(struct line *l, __u32 base, unsigned int marks,
				  unsigned int batch_limit, __u32 batch_age)
{
	struct flow_table_settings settings = {
		.engine = {.mark_mask = marks - 1,
			   .batch_limit = batch_limit,
			   .batch_age = batch_age},
		.max_flows = 1000,
		.emit = line_emit,
		.arg = l,
	};

	*l = (struct line){.base = base, .epoch = LINE_EPOCH, .sport = 40000, .peer = 2};
	assert_int_equal(flow_table_new(&l->table, &settings), 0);
}

static inline void line_open(struct line *l, __u32 base)
{
	line_open_with(l, base, MARKS_DEFAULT, 1, NEVER);
}

static inline void line_close(struct line *l)
{
	flow_table_free(l->table);
	l->table = NULL;
}

static inline __u64 line_counter(const struct line *l, enum counter counter)
{
	return flow_table_counters(l->table)[counter];
}

static inline void sent_at(struct line *l, __u64 ns, __u32 seq, __u32 length, __u8 flags)
{
	struct packet p = {
		.src = test_address(1),
		.dst = test_address(l->peer),
		.sport = l->sport,
		.dport = 443,
		.seq = l->base + seq,
		.payload = length,
		.flags = flags,
	};

	run_packet(l->table, &p, ns, l->ifindex, DIRECTION_SENT);
}

static inline void received_at(struct line *l, __u64 ns, __u32 ack, __u8 flags)
{
	struct packet p = {
		.src = test_address(l->peer),
		.dst = test_address(1),
		.sport = 443,
		.dport = l->sport,
		.seq = l->peer_seq,
		.ack = l->base + ack,
		.flags = flags,
	};

	run_packet(l->table, &p, ns, l->ifindex, DIRECTION_RECEIVED);
}

static inline void sent_flags(struct line *l, __u64 us, __u32 seq, __u32 length, __u8 flags)
{
	sent_at(l, l->epoch + us * 1000, seq, length, flags);
}

/* The local side sends [seq, seq + length). */
static inline void sent(struct line *l, __u64 us, __u32 seq, __u32 length)
{
	sent_flags(l, us, seq, length, TCP_ACK | TCP_PSH);
}

static inline void received_flags(struct line *l, __u64 us, __u32 ack, __u8 flags)
{
	received_at(l, l->epoch + us * 1000, ack, flags);
}

static inline bool rtt_is(__u32 ticks, __u64 ns)
{
	__u64 is = (__u64)ticks << TICK_SHIFT;

	return is < ns + TICK_NS && ns < is + TICK_NS;
}

/* A thinned ring may answer with what is as near as the design asks for: 1 us or 0.1 %, and in that
 * case one tick more for the rounding of each time. */
static inline bool rtt_is_near(__u32 ticks, __u64 ns)
{
	__u64 is = (__u64)ticks << TICK_SHIFT;
	__u64 off = is > ns ? is - ns : ns - is;

	return off <= 1000 || off <= ns / 1000 + 2 * TICK_NS;
}

/* The peer's segment makes exactly one sample, of this many microseconds. */
#define acked_flags(l, us, ack, flags, rtt_us)                                                     \
	do {                                                                                       \
		unsigned int before_ = (l)->samples;                                               \
		received_flags(l, us, ack, flags);                                                 \
		assert_int_equal((l)->samples, before_ + 1);                                       \
		if (!rtt_is((l)->rtt[before_ % LINE_KEPT], (rtt_us)*1000ull))                      \
			fail_msg("rtt is %llu ns, not %llu us",                                    \
				 (__u64)(l)->rtt[before_ % LINE_KEPT] << TICK_SHIFT,               \
				 (__u64)(rtt_us));                                                 \
	} while (0)
#define acked(l, us, ack, rtt_us) acked_flags(l, us, ack, TCP_ACK, rtt_us)

/* .. makes none. */
#define no_sample_flags(l, us, ack, flags)                                                         \
	do {                                                                                       \
		unsigned int before_ = (l)->samples;                                               \
		received_flags(l, us, ack, flags);                                                 \
		assert_int_equal((l)->samples, before_);                                           \
	} while (0)
#define no_sample(l, us, ack) no_sample_flags(l, us, ack, TCP_ACK)

/* Sequence numbers at which a scenario of up to some thousand bytes meets every wrap: each
 * distance of its own numbers from 2^31 and 2^32. */
static inline void at_every_wrap(void (*scenario)(struct line *l))
{
	static const __u32 wraps[] = {0, 0x80000000u, 0x40000000u, 0xc0000000u};
	struct line l;

	for (size_t w = 0; w < ARRAY_SIZE(wraps); w++) {
		for (__u32 back = 0; back <= 1300; back += back < 4 ? 1 : back < 410 ? 7 : 50) {
			line_open(&l, wraps[w] - back);
			scenario(&l);
			line_close(&l);
		}
		for (__u32 back = 100; back <= 1200; back += 100) {
			for (int d = -1; d <= 1; d++) {
				line_open(&l, wraps[w] - back + (__u32)d);
				scenario(&l);
				line_close(&l);
			}
		}
	}
}

/* A random number generator that gives the same numbers everywhere (splitmix64). */
struct chance {
	__u64 state;
};

static inline __u64 chance_next(struct chance *c)
{
	__u64 z = c->state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static inline __u32 below(struct chance *c, __u32 limit)
{
	return (__u32)(chance_next(c) >> 32) % limit;
}

/* True this many times in a thousand. */
static inline bool permille(struct chance *c, __u32 n)
{
	return below(c, 1000) < n;
}

#endif
