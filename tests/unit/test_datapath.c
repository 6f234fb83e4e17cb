/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A segment's way to the engine, over operations that write down what they were asked, in order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "datapath.h"

#define MARKS 8
#define MS    1000000ull /* ns */

struct datapath {
	char asked[256];
	bool may_be_peer, is_peer, copy, known, full, reused, handshakes;
	__u64 now;
	__u32 segment_size, ifindex, epoch;
	__u64 counters[COUNTERS];
	closed_flow closed;
	struct handshake handshake;
	struct flow_record record;
	struct flow *flow;
};

static void ask(struct datapath *d, const char *what)
{
	size_t length = strlen(d->asked);

	snprintf(d->asked + length, sizeof(d->asked) - length, "%s%s", length ? " " : "", what);
}

static __always_inline bool datapath_may_be_peer(struct datapath *d, const struct address *addr)
{
	assert_int_equal(addr->bytes[15], 2);
	ask(d, "may-be-peer");
	return d->may_be_peer;
}

static __always_inline bool datapath_is_peer(struct datapath *d, const struct flow_key *key)
{
	assert_int_equal(key->peer.bytes[15], 2);
	ask(d, "is-peer");
	return d->is_peer;
}

static __always_inline bool datapath_is_copy(struct datapath *d, const struct packet *p)
{
	(void)p;
	ask(d, "copy");
	return d->copy;
}

static __always_inline struct flow *datapath_find(struct datapath *d, const struct flow_key *key,
						  __u32 tag)
{
	assert_int_equal(tag, flow_tag(key));
	assert_int_equal(key->local.bytes[15], 1);
	assert_int_equal(key->local_port, 40000);
	assert_int_equal(key->ifindex, 7);
	ask(d, "find");
	return d->known ? d->flow : NULL;
}

static __always_inline struct flow *datapath_create(struct datapath *d, const struct flow_key *key,
						    __u32 tag)
{
	ask(d, "create");
	assert_int_equal(tag, flow_tag(key));
	d->known = !d->full;
	return d->known ? d->flow : NULL;
}

static __always_inline bool datapath_acquire(struct datapath *d, struct flow **f, __u32 tag)
{
	(void)tag;
	assert_ptr_equal(*f, d->flow);
	ask(d, "acquire");
	return !d->reused;
}

static __always_inline void datapath_release(struct datapath *d, struct flow *f, __u32 tag)
{
	(void)f, (void)tag;
	ask(d, "release");
}

static __always_inline void datapath_drop(struct datapath *d, const struct flow_key *key,
					  struct flow *f)
{
	(void)key, (void)f;
	ask(d, "drop");
	d->known = false;
}

static __always_inline closed_flow *datapath_closed(struct datapath *d, __u32 place)
{
	assert_true(place < CLOSED);
	ask(d, "closed");
	return &d->closed;
}

static __always_inline bool datapath_times_handshakes(struct datapath *d)
{
	return d->handshakes;
}

static __always_inline struct handshake *datapath_handshake(struct datapath *d, __u32 place)
{
	assert_true(place < HANDSHAKES);
	ask(d, "handshake");
	return &d->handshake;
}

static __always_inline void datapath_lock_handshake(struct handshake *h)
{
	assert_int_equal(h->lock++, 0);
}

static __always_inline void datapath_unlock_handshake(struct handshake *h)
{
	assert_int_equal(--h->lock, 0);
}

static __always_inline __u64 datapath_now(struct datapath *d)
{
	ask(d, "now");
	return d->now;
}

/* It is paced. */
static __always_inline __u64 datapath_departure(struct datapath *d, __u64 now)
{
	(void)d;
	return now + 2 * MS;
}

static __always_inline __u32 datapath_epoch(struct datapath *d)
{
	return d->epoch;
}

static __always_inline __u32 datapath_segment_size(struct datapath *d)
{
	return d->segment_size;
}

static __always_inline struct engine_settings datapath_settings(struct datapath *d, struct flow *f)
{
	(void)d, (void)f;
	return (struct engine_settings){
		.mark_mask = MARKS - 1, .batch_limit = 1, .batch_age = 1 << 30};
}

static __always_inline void datapath_emit(struct datapath *d, const struct flow_record *record)
{
	ask(d, "emit");
	d->record = *record;
}

static __always_inline __u64 *datapath_counters(struct datapath *d)
{
	return d->counters;
}

static __always_inline void datapath_sight_sent(struct datapath *d, const struct packet *p,
						__u32 ifindex)
{
	(void)p;
	assert_int_equal(ifindex, 7);
	ask(d, "sight-sent");
}

static __always_inline void datapath_sight_received(struct datapath *d, const struct packet *p,
						    const struct flow_key *key, struct flow *f)
{
	(void)p, (void)key;
	ask(d, f ? "sight" : "sight-alone");
}

static int set_up(void **state)
{
	struct datapath *d = calloc(1, sizeof(*d));

	*state = d;
	if (!d)
		return -1;
	d->flow = calloc(1, FLOW_SIZE(MARKS));
	d->may_be_peer = d->is_peer = true;
	d->now = 1000 * MS;
	return d->flow ? 0 : -1;
}

static int tear_down(void **state)
{
	struct datapath *d = *state;

	free(d->flow);
	free(d);
	return 0;
}

static void sends(struct datapath *d, __u32 seq, __u32 payload, __u8 flags)
{
	struct packet p = {.sport = 40000, .dport = 443, .seq = seq, .payload = payload};

	p.flags = flags;
	p.src.bytes[15] = 1;
	p.dst.bytes[15] = 2;
	d->asked[0] = 0;
	datapath_sent(d, &p, 7);
}

static void hears(struct datapath *d, __u32 ack, __u8 flags)
{
	struct packet p = {.sport = 443, .dport = 40000, .ack = ack, .flags = flags};

	p.src.bytes[15] = 2;
	p.dst.bytes[15] = 1;
	d->asked[0] = 0;
	datapath_received(d, &p, 7);
}

/* Most of what a host sends and receives: no map is asked, no clock is read. */
static void test_no_peer(void **state)
{
	struct datapath *d = *state;

	d->may_be_peer = false;
	sends(d, 100, 10, TCP_ACK);
	assert_string_equal(d->asked, "may-be-peer");
	hears(d, 110, TCP_ACK);
	assert_string_equal(d->asked, "may-be-peer");
	sends(d, 100, 0, TCP_ACK);
	assert_string_equal(d->asked, "sight-sent");
	hears(d, 0, TCP_SYN);
	assert_string_equal(d->asked, "");
}

static void test_begins(void **state)
{
	struct datapath *d = *state;

	d->is_peer = false;
	sends(d, 100, 10, TCP_ACK);
	assert_string_equal(d->asked, "may-be-peer copy find closed is-peer");
	sends(d, 100, 0, TCP_FIN | TCP_ACK); /* begins nothing: the peer is not asked for */
	assert_string_equal(d->asked, "may-be-peer copy find closed");
	hears(d, 110, TCP_ACK);
	assert_string_equal(d->asked, "may-be-peer find sight-alone");

	d->is_peer = true;
	sends(d, 100, 10, TCP_ACK);
	assert_string_equal(d->asked,
			    "may-be-peer copy find closed is-peer now create acquire release");
	sends(d, 110, 10, TCP_ACK);
	assert_string_equal(d->asked, "may-be-peer copy find now acquire release");
	assert_int_equal(d->flow->count, 2);
}

static void test_copy(void **state)
{
	struct datapath *d = *state;

	d->copy = true;
	sends(d, 100, 10, TCP_ACK);
	assert_string_equal(d->asked, "may-be-peer copy");
}

static void test_full(void **state)
{
	struct datapath *d = *state;

	d->full = true;
	sends(d, 100, 10, TCP_ACK);
	assert_string_equal(d->asked, "may-be-peer copy find closed is-peer now create");
}

/* The record leaves after the flow has been released; the time is from its departure on. */
static void test_sample(void **state)
{
	struct datapath *d = *state;

	sends(d, 100, 10, TCP_ACK);
	d->now += 12 * MS;
	hears(d, 110, TCP_ACK);
	assert_string_equal(d->asked, "may-be-peer find sight now acquire release emit");
	assert_int_equal(d->record.count, 1);
	assert_int_equal(d->record.rtt[1], 10 * MS / TICK_NS);
	assert_int_equal(d->record.key.peer_port, 443);
	hears(d, 110, TCP_ACK); /* tells nothing */
	assert_string_equal(d->asked, "may-be-peer find sight");
}

/* Another flow has come into its place since it was found. */
static void test_reused(void **state)
{
	struct datapath *d = *state;

	sends(d, 100, 10, TCP_ACK);
	d->reused = true;
	sends(d, 110, 10, TCP_ACK);
	assert_string_equal(d->asked, "may-be-peer copy find now acquire");
	hears(d, 110, TCP_ACK);
	assert_string_equal(d->asked, "may-be-peer find sight now acquire");
	assert_int_equal(d->flow->count, 1);
}

static void test_closes(void **state)
{
	struct datapath *d = *state;

	sends(d, 100, 10, TCP_FIN | TCP_ACK);
	d->now += 12 * MS;
	hears(d, 111, TCP_ACK);
	assert_string_equal(d->asked,
			    "may-be-peer find sight now acquire release emit closed drop");
	assert_int_equal((__u32)d->closed, 111);

	sends(d, 100, 10, TCP_FIN | TCP_ACK); /* once more: makes no flow */
	assert_string_equal(d->asked, "may-be-peer copy find closed");
	sends(d, 500, 0, TCP_SYN); /* the same ports */
	assert_string_equal(d->asked,
			    "may-be-peer copy find closed is-peer now create acquire release");
	assert_int_equal(d->closed, 0);
}

static void test_segments_sent_again(void **state)
{
	struct datapath *d = *state;

	d->segment_size = 10;
	sends(d, 100, 25, TCP_ACK);
	sends(d, 100, 25, TCP_ACK);
	assert_int_equal(d->counters[COUNTER_RETRANSMISSIONS], 3);
	assert_int_equal(d->flow->retransmissions, 3);
	sends(d, 100, 20, TCP_ACK);
	assert_int_equal(d->counters[COUNTER_RETRANSMISSIONS], 5);
	assert_int_equal(d->flow->retransmissions, 5);
	d->segment_size = 0;
	sends(d, 100, 25, TCP_ACK);
	assert_int_equal(d->counters[COUNTER_RETRANSMISSIONS], 6);
	assert_int_equal(d->flow->retransmissions, 6);
}

static void test_handshake(void **state)
{
	struct datapath *d = *state;

	d->handshakes = true;
	sends(d, 99, 0, TCP_SYN);
	assert_string_equal(
		d->asked,
		"may-be-peer copy find closed is-peer now handshake create acquire release");
	d->now += 12 * MS;
	hears(d, 100, TCP_SYN | TCP_ACK);
	assert_string_equal(d->asked,
			    "may-be-peer find handshake now emit sight now acquire release");
	assert_int_equal(d->record.flags, RECORD_HANDSHAKE);
	assert_int_equal(d->record.rtt[1], 10 * MS / TICK_NS);
	assert_int_equal(d->record.key.local_port, 40000);
}

/* Of a server: its SYN-ACK begins a handshake, and no flow. Of two epochs, it has no time. */
static void test_answer(void **state)
{
	struct datapath *d = *state;

	d->handshakes = true;
	for (__u32 i = 0; i < 2; i++) {
		sends(d, 99, 0, TCP_SYN | TCP_ACK);
		assert_string_equal(d->asked, "may-be-peer copy find closed is-peer now handshake");
		d->now += 12 * MS;
		d->epoch += i;
		hears(d, 100, TCP_ACK);
		assert_string_equal(d->asked,
				    i ? "may-be-peer find handshake now sight-alone"
				      : "may-be-peer find handshake now emit sight-alone");
	}
}

/* Another connection's handshake is in its place: no clock is read for that. */
static void test_other_handshake(void **state)
{
	struct datapath *d = *state;

	d->handshakes = true;
	sends(d, 99, 0, TCP_SYN | TCP_ACK);
	d->handshake.tag++;
	hears(d, 100, TCP_ACK);
	assert_string_equal(d->asked, "may-be-peer find handshake sight-alone");
}

static void test_unread(void **state)
{
	struct datapath *d = *state;

	datapath_unread(d, PACKET_BAD);
	datapath_unread(d, PACKET_FRAGMENT);
	datapath_unread(d, PACKET_FRAGMENT);
	datapath_unread(d, PACKET_OTHER);
	assert_int_equal(d->counters[COUNTER_PARSE_ERRORS], 1);
	assert_int_equal(d->counters[COUNTER_FRAGMENTS], 2);
	for (int i = 0; i < COUNTERS; i++)
		if (i != COUNTER_PARSE_ERRORS && i != COUNTER_FRAGMENTS)
			assert_int_equal(d->counters[i], 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_no_peer),
		TEST(test_begins),
		TEST(test_copy),
		TEST(test_full),
		TEST(test_sample),
		TEST(test_reused),
		TEST(test_closes),
		TEST(test_segments_sent_again),
		TEST(test_handshake),
		TEST(test_answer),
		TEST(test_other_handshake),
		TEST(test_unread),
	};

	return cmocka_run_group_tests_name("datapath", tests, NULL, NULL);
}
