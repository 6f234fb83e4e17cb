/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Wrong beliefs heal: whatever someone forges who knows a connection's addresses and ports but does
 * not see it (RFC 5961, 1.1), and whatever noise passes, samples resume within 16 segments, and
 * none is wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "array.h"
#include "scenario.h"

#define HEALS_WITHIN 16   /* segments */
#define RTT          5000 /* microseconds */

static __u64 now_us;
static __u32 next_seq;

static void request(struct line *l)
{
	sent(l, now_us, next_seq, 100);
	now_us += RTT;
	next_seq += 100;
	received_flags(l, now_us, next_seq, TCP_ACK);
	now_us += RTT;
}

static void begin(struct line *l)
{
	now_us = 0;
	next_seq = 0;
	l->peer_seq = 7000;
	for (int i = 0; i < 20; i++)
		request(l);
	assert_int_equal(l->samples, 20);
}

static void assert_none_wrong(const struct line *l)
{
	for (unsigned int i = 0; i < l->samples && i < LINE_KEPT; i++)
		assert_true(rtt_is(l->rtt[i], RTT * 1000));
}

/* From now on all is as it was before. */
static void assert_heals(struct line *l)
{
	unsigned int before;

	for (int i = 0; i < HEALS_WITHIN; i++)
		request(l);
	before = l->samples;
	for (int i = 0; i < 10; i++)
		request(l);
	assert_int_equal(l->samples, before + 10);
	assert_none_wrong(l);
}

static void forged(struct line *l, __u32 seq, __u32 ack, __u8 flags)
{
	__u32 real = l->peer_seq;

	l->peer_seq = seq;
	received_flags(l, now_us, ack, flags);
	l->peer_seq = real;
}

/* All of the numbers, in steps that cannot miss what is taken for unseen data. */
SCENARIO(blind_scan)
{
	begin(l);
	for (__u32 i = 0; i < 512; i++)
		forged(l, 0x12345678, i << 23, TCP_ACK);
	assert_heals(l);
	/* Its own numbers did not fit. */
	assert_int_equal(line_counter(l, COUNTER_OUT_OF_WINDOW), 512);
}

/* .. by someone who guessed what the peer has sent, too. */
SCENARIO(scan_with_the_right_number)
{
	begin(l);
	for (__u32 i = 0; i < 512; i++)
		forged(l, l->peer_seq, i << 23, TCP_ACK);
	assert_heals(l);
}

SCENARIO(one_ack_above_all_that_was_sent)
{
	begin(l);
	forged(l, l->peer_seq, next_seq + 1000000, TCP_ACK);
	assert_heals(l);
	forged(l, l->peer_seq, next_seq + (1 << 24), TCP_ACK);
	assert_heals(l);
	forged(l, l->peer_seq, next_seq + 1, TCP_ACK);
	assert_heals(l);
}

SCENARIO(forged_while_data_is_in_flight)
{
	begin(l);
	sent(l, now_us, next_seq, 100);
	next_seq += 100;
	forged(l, l->peer_seq, next_seq + 50000, TCP_ACK);
	now_us += RTT;
	assert_heals(l);
}

SCENARIO(forged_ends)
{
	begin(l);
	forged(l, l->peer_seq, next_seq, TCP_ACK | TCP_FIN);
	assert_heals(l);
	forged(l, l->peer_seq, next_seq, TCP_RST);
	assert_heals(l);
	forged(l, 1, 2, TCP_RST | TCP_ACK);
	assert_heals(l);
	forged(l, 1, 2, TCP_SYN | TCP_ACK);
	assert_heals(l);
}

/* The first ACK that is seen sets the flow's beginning. */
SCENARIO(forged_first)
{
	static const __u32 numbers[] = {0, 1, 1u << 20, 1u << 29, 1u << 30, 0x80000000, 0xc0000000};

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		l->sport++;
		l->samples = 0;
		now_us += SECOND;
		next_seq = 1000;
		l->peer_seq = 7000;
		sent(l, now_us, next_seq, 100);
		next_seq += 100;
		forged(l, l->peer_seq, next_seq + numbers[i], TCP_ACK);
		now_us += RTT;
		l->samples = 0; /* the guess may have been right */
		assert_heals(l);
	}
}

/* The same ports, used again far away, without a SYN that was seen. */
SCENARIO(jump_without_syn)
{
	static const __u32 far[] = {1u << 30,   0x50000000, 0x7fffffff, 0x80000000,
				    0xbfff0000, 0xe0000000, 0xf0000000, 0xfeff0000};

	for (size_t i = 0; i < ARRAY_SIZE(far); i++) {
		l->samples = 0;
		l->sport++;
		begin(l);
		next_seq += far[i];
		assert_heals(l);
	}
}

/* Keep-alives of such a connection make no samples, however many there are. */
SCENARIO(keepalives_far_away)
{
	begin(l);
	for (__u32 i = 1; i < 4; i++) {
		sent_flags(l, now_us + i * SECOND, next_seq + 0x50000000, 1, TCP_ACK);
		no_sample(l, now_us + i * SECOND + RTT, next_seq + 0x50000001);
	}
	now_us += 5 * SECOND;
	assert_heals(l);
}

/* An ACK that was seen before the data, and again with the answer, half a second later. */
SCENARIO(ack_before_its_data)
{
	begin(l);
	received_flags(l, now_us, next_seq + 101, TCP_ACK);
	sent(l, now_us + 1, next_seq, 100);
	sent(l, now_us + 2, next_seq + 100, 1);
	no_sample(l, now_us + SECOND / 2, next_seq + 101);
	now_us += SECOND;
	next_seq += 101;
	assert_heals(l);
}

/* One odd segment is noise, and so are two that have nothing in common. */
SCENARIO(noise_costs_nothing)
{
	begin(l);
	sent(l, now_us, next_seq, 100);
	sent(l, now_us + 1, next_seq + 0x60000000, 100);
	sent(l, now_us + 2, next_seq + 0xa0000000, 100);
	next_seq += 100;
	now_us += RTT;
	received_flags(l, now_us, next_seq, TCP_ACK);
	assert_int_equal(l->samples, 21);
	assert_heals(l);
}

/* A capture that lost data sees its ACK, and may see the data sent again for nothing. */
SCENARIO(data_lost_by_the_capture)
{
	begin(l);
	received_flags(l, now_us, next_seq + 2896, TCP_ACK);
	no_sample(l, now_us + 1, next_seq + 2896);
	sent(l, now_us + 2, next_seq, 1448);
	no_sample(l, now_us + 3, next_seq + 2896);
	now_us += 10;
	next_seq += 2896;
	assert_heals(l);
}

/* Anything, at random, by an attacker who is lucky with the peer's number half of the time. */
static void test_random_attack(void **state)
{
	struct chance chance = {23};
	struct line l;

	(void)state;
	for (int turn = 0; turn < 3000; turn++) {
		line_open(&l, (__u32)chance_next(&chance));
		begin(&l);
		for (__u32 i = below(&chance, 40); i; i--) {
			__u32 far = permille(&chance, 500) ? below(&chance, 1 << 25)
							   : (__u32)chance_next(&chance);
			__u8 flags = permille(&chance, 800) ? TCP_ACK : (__u8)chance_next(&chance);

			forged(&l,
			       permille(&chance, 500) ? l.peer_seq : (__u32)chance_next(&chance),
			       next_seq + 1 + far, flags);
			now_us += below(&chance, 3000);
			if (permille(&chance, 100))
				request(&l);
		}
		assert_heals(&l);
		line_close(&l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		S(blind_scan),
		S(scan_with_the_right_number),
		S(one_ack_above_all_that_was_sent),
		S(forged_while_data_is_in_flight),
		S(forged_ends),
		S(forged_first),
		S(jump_without_syn),
		S(keepalives_far_away),
		S(ack_before_its_data),
		S(noise_costs_nothing),
		S(data_lost_by_the_capture),
		S(random_attack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
