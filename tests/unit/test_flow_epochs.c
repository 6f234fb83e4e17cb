/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Packets were lost, or the clock was set, between two packets of a flow: what no longer counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scenario.h"

static void run(struct line *l, __u32 epoch, __u64 us, struct packet p, unsigned int direction)
{
	struct flow_segment s = {
		.now_ns = l->epoch + us * 1000,
		.ifindex = l->ifindex,
		.directions = direction,
		.epoch = epoch,
	};

	p.src = test_address(direction == DIRECTION_SENT ? 1 : 2);
	p.dst = test_address(direction == DIRECTION_SENT ? 2 : 1);
	p.sport = direction == DIRECTION_SENT ? l->sport : 443;
	p.dport = direction == DIRECTION_SENT ? 443 : l->sport;
	s.packet = p;
	flow_table_expect(l->table, &s);
	flow_table_run(l->table, &s);
}

static void sends(struct line *l, __u32 epoch, __u64 us, __u32 seq, __u32 length)
{
	run(l, epoch, us, (struct packet){.seq = l->base + seq, .payload = length, .flags = DATA},
	    DIRECTION_SENT);
}

static void hears(struct line *l, __u32 epoch, __u64 us, __u32 ack)
{
	run(l, epoch, us, (struct packet){.ack = l->base + ack, .flags = TCP_ACK},
	    DIRECTION_RECEIVED);
}

/* The reference: without a break, all of it counts. */
SCENARIO(unbroken)
{
	sends(l, 7, 0, 0, 100);
	hears(l, 7, 10, 100);
	sends(l, 7, 20, 100, 100);
	hears(l, 7, 40, 200);
	assert_int_equal(l->samples, 2);
	assert_true(rtt_is(l->rtt[1], 20000));
}

/* In flight at the break: its retransmission may be among what was lost. */
SCENARIO(in_flight)
{
	sends(l, 0, 0, 0, 100);
	hears(l, 0, 10, 100);
	sends(l, 0, 20, 100, 100);
	sends(l, 0, 21, 200, 100);
	hears(l, 1, 2500000, 200);
	hears(l, 1, 2500000, 300);
	assert_int_equal(l->samples, 1);
}

/* One ACK for what was in flight and for what was sent since: ambiguous. */
SCENARIO(across)
{
	sends(l, 0, 0, 0, 100);
	hears(l, 0, 10, 100);
	sends(l, 0, 20, 100, 100);
	sends(l, 1, 30, 200, 100);
	sends(l, 1, 31, 300, 100);
	hears(l, 1, 40, 400);
	assert_int_equal(l->samples, 1);
	assert_int_equal(line_counter(l, COUNTER_ACKS_AMBIGUOUS), 1);
}

/* What comes first after the break may have been sent before, unseen: its ACK would come too soon.
 * The second, and all that follow, count. */
SCENARIO(first_data)
{
	sends(l, 0, 0, 0, 100);
	hears(l, 0, 10000, 100);
	sends(l, 1, 300000, 100, 100);
	hears(l, 1, 300001, 200);
	assert_int_equal(l->samples, 1);
	sends(l, 1, 310000, 200, 100);
	sends(l, 1, 310500, 300, 100);
	hears(l, 1, 320000, 300);
	hears(l, 1, 320500, 400);
	assert_int_equal(l->samples, 3);
	assert_true(rtt_is(l->rtt[1], 10000000));
	assert_true(rtt_is(l->rtt[2], 10000000));
}

/* .. also if an ACK of old data comes before it. */
SCENARIO(first_data_behind_an_ack)
{
	sends(l, 0, 0, 0, 100);
	hears(l, 0, 10000, 100);
	sends(l, 0, 20000, 100, 100);
	hears(l, 1, 300000, 200);
	sends(l, 1, 300010, 200, 100);
	hears(l, 1, 300011, 300);
	assert_int_equal(l->samples, 1);
}

/* While it is unknown where among the packets the break lies, each has an epoch of its own. */
SCENARIO(in_doubt)
{
	for (__u32 i = 0; i < 20; i++) {
		sends(l, 2 * i, 100 * i, 100 * i, 100);
		hears(l, 2 * i + 1, 100 * i + 10, 100 * i + 100);
	}
	assert_int_equal(l->samples, 0);
	sends(l, 40, 10000, 2000, 100);
	hears(l, 40, 10010, 2100);
	assert_int_equal(l->samples, 0);
	sends(l, 40, 10020, 2100, 100);
	hears(l, 40, 10030, 2200);
	assert_int_equal(l->samples, 1);
	assert_true(rtt_is(l->rtt[0], 10000));
}

/* The clock was set back: no sample of the two times, and measuring goes on. */
SCENARIO(set_back)
{
	for (int i = 0; i < 3; i++) {
		__u64 at = (3 - i) * SECOND;

		sends(l, i, at, 400 * i, 100);
		hears(l, i, at + 100, 400 * i + 100);
		sends(l, i, at + 200, 400 * i + 100, 100);
		hears(l, i, at + 300, 400 * i + 200);
		assert_int_equal(l->samples, 2 + i);
		sends(l, i, at + 400, 400 * i + 200, 200);
		hears(l, i + 1, at + 500, 400 * i + 400);
		assert_int_equal(l->samples, 2 + i);
	}
	for (unsigned int i = 0; i < l->samples; i++)
		assert_true(rtt_is(l->rtt[i], 100000));
}

/* Another flow, without packets in the previous epoch, loses nothing. */
SCENARIO(new_flow)
{
	sends(l, 0, 0, 0, 100);
	l->sport++;
	sends(l, 1, 100, 0, 100);
	hears(l, 1, 110, 100);
	assert_int_equal(l->samples, 1);
}

static void handshake(struct line *l, __u32 epoch_syn, __u32 epoch_answer)
{
	l->sport++;
	run(l, epoch_syn, 0, (struct packet){.seq = l->base, .flags = TCP_SYN}, DIRECTION_SENT);
	run(l, epoch_answer, 10000, (struct packet){.ack = l->base + 1, .flags = TCP_SYN | TCP_ACK},
	    DIRECTION_RECEIVED);
}

/* Their times come from the same clock. */
SCENARIO(handshakes)
{
	flow_table_set_handshakes(l->table, true);
	handshake(l, 0, 1);
	assert_int_equal(l->records, 0);
	handshake(l, 1, 1);
	assert_int_equal(l->records, 1);
	assert_true(l->record[0].flags & RECORD_HANDSHAKE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		S(unbroken), S(in_flight), S(across),   S(first_data), S(first_data_behind_an_ack),
		S(in_doubt), S(set_back),  S(new_flow), S(handshakes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
