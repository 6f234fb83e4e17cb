/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ACKs that come later than their sender would have waited (RFC 6298) make no samples. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scenario.h"

#define MS 1000ull /* microseconds */

static __u32 exchange(struct line *l, __u64 us, __u32 seq, __u64 rtt)
{
	sent(l, us, seq, 100);
	acked(l, us + rtt, seq + 100, rtt);
	return seq + 100;
}

static void assert_implausible(const struct line *l, __u64 count)
{
	assert_int_equal(line_counter(l, COUNTER_ACKS_IMPLAUSIBLE), count);
}

/* A retransmission left by another interface, or was dropped before it was captured. */
SCENARIO(late_on_a_fast_path)
{
	__u32 seq = 0;

	for (int i = 0; i < 10; i++)
		seq = exchange(l, i * 10 * MS, seq, 100);
	sent(l, SECOND, seq, 100);
	no_sample(l, SECOND + 8100 * MS, seq + 100);
	assert_implausible(l, 1);
	seq = exchange(l, 10 * SECOND, seq + 100, 100);
	exchange(l, 11 * SECOND, seq, 2 * SECOND - 5 * MS); /* below the bound of 2 s */
	assert_implausible(l, 1);
}

/* What else was in flight waited for the same recovery. */
SCENARIO(late_with_more_in_flight)
{
	__u32 seq = exchange(l, 0, 0, 100);

	for (__u32 i = 0; i < 5; i++)
		sent(l, SECOND + i, seq + 100 * i, 100);
	for (__u32 i = 0; i < 5; i++)
		no_sample(l, 9 * SECOND + i * MS, seq + 100 * (i + 1));
	exchange(l, 10 * SECOND, seq + 500, 100);
	assert_implausible(l, 1);
}

SCENARIO(late_as_the_first)
{
	sent(l, 0, 0, 100);
	no_sample(l, 3010 * MS, 100);
	assert_implausible(l, 1);
	exchange(l, 4 * SECOND, 100, 20 * MS);
}

SCENARIO(slow_as_the_first)
{
	exchange(l, 0, 0, 2990 * MS);
	assert_implausible(l, 0);
}

/* A path that is really so long shows it again: samples from the second on. */
SCENARIO(path_of_five_seconds)
{
	__u32 seq = 100;

	sent(l, 0, 0, 100);
	no_sample(l, 5 * SECOND, 100);
	for (int i = 1; i < 8; i++)
		seq = exchange(l, i * 6 * SECOND, seq, 5 * SECOND + i * 10 * MS);
	assert_implausible(l, 1);
}

/* .. also when the connection was moved there from a short one. */
SCENARIO(path_becomes_long)
{
	__u32 seq = 0;

	for (int i = 0; i < 20; i++)
		seq = exchange(l, i * 100 * MS, seq, 20 * MS);
	sent(l, 3 * SECOND, seq, 100);
	no_sample(l, 7 * SECOND, seq + 100);
	seq = exchange(l, 8 * SECOND, seq + 100, 4 * SECOND);
	exchange(l, 13 * SECOND, seq, 4 * SECOND);
	assert_implausible(l, 1);
}

/* Two that differ by more than a factor of two are two accidents. */
SCENARIO(late_twice_but_differently)
{
	__u32 seq = exchange(l, 0, 0, 100);

	sent(l, SECOND, seq, 100);
	no_sample(l, 4 * SECOND, seq + 100);
	sent(l, 5 * SECOND, seq + 100, 100);
	no_sample(l, 14 * SECOND, seq + 200);
	sent(l, 15 * SECOND, seq + 200, 100);
	no_sample(l, 19 * SECOND, seq + 300);
	assert_implausible(l, 3);
}

/* SRTT + 4 RTTVAR counts where it is above 1 s: 1.5 s as ever, and then 2.9 s. */
SCENARIO(late_for_a_slow_path)
{
	__u32 seq = 0;

	for (int i = 0; i < 40; i++)
		seq = exchange(l, i * 2 * SECOND, seq, 1500 * MS);
	exchange(l, 100 * SECOND, seq, 2900 * MS); /* 2 x 1.5 s */
	sent(l, 110 * SECOND, seq + 100, 100);
	no_sample(l, 110 * SECOND + 9 * SECOND, seq + 200);
	assert_implausible(l, 1);
}

/* One mark that grew too old goes alone. */
SCENARIO(old_mark_beside_a_young_one)
{
	__u32 seq = exchange(l, 0, 0, 20);

	sent(l, SECOND, seq, 100);
	sent(l, 80 * SECOND, seq + 100, 100);
	acked(l, 80 * SECOND + 30 * MS, seq + 200, 30 * MS);
}

/* .. whenever in the stretches of time after which the engine looks, and past what 31 bits hold. */
static void test_old_marks_at_any_time(void **state)
{
	struct line l;

	(void)state;
	for (__u64 begin = 0; begin < 40 * SECOND; begin += 1700 * MS) {
		for (__u64 gap = 2 * SECOND; gap < 300 * SECOND; gap += 3300 * MS) {
			line_open(&l, 0);
			l.epoch += begin * 1000;
			exchange(&l, 0, 0, 20);
			sent(&l, 1, 100, 100);
			sent(&l, gap, 200, 100);
			sent(&l, gap + 10, 300, 100);
			acked(&l, gap + 100, 300, 100);
			acked(&l, gap + 110, 400, 100);
			line_close(&l);
		}
	}
}

/* A segment that fq holds back leaves later than it passes the hook: its mark says when it left,
 * and the flow's own clock does not jump ahead with it. */
static void test_departure_is_the_marks_alone(void **state)
{
	const struct engine_settings s = {
		.mark_mask = 31, .batch_limit = BATCH_MAX, .batch_age = NEVER};
	struct flow *f = calloc(1, FLOW_SIZE(32));
	struct packet data = {.payload = 1000, .flags = DATA}, ack = {.flags = TCP_ACK};
	__u64 now = LINE_EPOCH;

	(void)state;
	assert_non_null(f);
	for (__u32 i = 0; i < 40; i++) {
		data.seq = 1000 * i;
		ack.ack = 1000 * i;
		engine_sent(f, &data, now, now + 3000000000ull, &s);
		assert_int_equal(f->last, flow_clock(now));
		/* The ACK of the one before, 20 ms after that left. */
		if (i)
			assert_true(engine_received(f, &ack, now + 20000000, &s) &
				    EVENT(COUNTER_SAMPLES));
		now += 3000000000ull;
		if (f->batch_count)
			assert_true(rtt_is(f->rtt[f->batch_count], 20000000));
		f->batch_count = 0;
	}
	free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		S(late_on_a_fast_path),
		S(late_with_more_in_flight),
		S(late_as_the_first),
		S(slow_as_the_first),
		S(path_of_five_seconds),
		S(path_becomes_long),
		S(late_twice_but_differently),
		S(late_for_a_slow_path),
		S(old_mark_beside_a_young_one),
		S(old_marks_at_any_time),
		S(departure_is_the_marks_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
