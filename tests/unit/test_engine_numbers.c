/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Numbers and times at their limits, and such as cannot be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scenario.h"

/* ---- nonsense ---- */

SCENARIO(ack_of_data_never_seen)
{
	sent(l, 0, 0, 100);
	no_sample(l, 20, 150);
	assert_int_equal(line_counter(l, COUNTER_ACKS_UNSEEN), 1);
	sent(l, 30, 100, 50); /* seen late: acknowledged already */
	no_sample(l, 40, 150);
	sent(l, 50, 150, 100);
	acked(l, 60, 250, 10);
}

SCENARIO(ack_far_above_is_ignored)
{
	sent(l, 0, 0, 100);
	no_sample(l, 10, 100 + (1 << 24) + 1);
	no_sample(l, 11, 0x7fffffff);
	assert_int_equal(line_counter(l, COUNTER_ACKS_UNSEEN), 2);
	acked(l, 20, 100, 20);
}

SCENARIO(data_far_off_is_ignored)
{
	sent(l, 0, 0, 100);
	sent(l, 1, 0x60000000, 100);
	sent(l, 2, 0xa0000000, 100);
	acked(l, 20, 100, 20);
}

/* Nonsense that looks as if it lay between the last ACK and the highest number sent. */
SCENARIO(ack_half_of_all_numbers_away)
{
	sent(l, 0, 0, 1);
	no_sample(l, 10, 98); /* of data never seen */
	no_sample(l, 11, 98 + 0x80000000u);
	sent(l, 20, 1, 631);
	acked(l, 30, 632, 10);
}

/* A stale ACK, of whatever was behind the port before, must not end all measuring. */
SCENARIO(first_ack_far_below)
{
	sent(l, 0, 0, 100);
	no_sample(l, 1, 0x80000010);
	sent(l, 2, 100, 100);
	received_flags(l, 20, 200, TCP_ACK); /* may make a sample */
	sent(l, 30, 200, 100);
	acked(l, 50, 300, 20);
}

SCENARIO(time_runs_backwards)
{
	sent(l, 1000, 0, 100);
	no_sample(l, 900, 100);
	sent(l, 910, 100, 100);
	acked(l, 920, 200, 10);
}

SCENARIO(times_at_the_limits)
{
	sent(l, 0, 0, 100);
	acked(l, 0, 100, 0);
	sent(l, 10, 100, 100);
	no_sample(l, 10 + 60 * SECOND, 200); /* no sender waits so long, but for such a path */
	sent(l, 100 * SECOND, 200, 100);
	acked(l, 160 * SECOND, 300, 60 * SECOND);
	sent(l, 170 * SECOND, 300, 100);
	acked(l, 235 * SECOND, 400, 65 * SECOND);
	for (unsigned int s = 69; s < 300; s++) {
		sent(l, 1000 * s * SECOND, 100 * s, 100);
		no_sample(l, (1000 + 1) * s * SECOND, 100 * s + 100);
	}
}

/* Times are kept in 31 bits: whatever the pause, nothing may come around as a short RTT. */
static void test_no_time_comes_round(void **state)
{
	struct line l;

	(void)state;
	for (__u64 pause = 68 * SECOND; pause < 300 * SECOND; pause += SECOND / 4) {
		line_open(&l, 0);
		sent(&l, 0, 0, 100);
		sent(&l, pause / 2, 100, 100);
		if (pause / 2 <= 68 * SECOND)
			received_flags(&l, pause, 150, TCP_ACK);
		else
			no_sample(&l, pause, 200);
		for (unsigned int i = 0; i < l.samples; i++)
			assert_true(rtt_is(l.rtt[i], 1000 * pause));
		line_close(&l);
	}
}

/* The clock of a capture is set back and forth by minutes while segments are in flight. */
static void test_clock_is_set(void **state)
{
	struct line l;

	(void)state;
	for (__u64 to = 5; to < 95; to += 5) {
		for (__u64 then = 100; then < 400; then++) {
			line_open(&l, 0);
			sent(&l, 100 * SECOND, 0, 100);
			sent(&l, to * SECOND, 100, 100);
			received_flags(&l, then * SECOND, 200, TCP_ACK);
			for (unsigned int i = 0; i < l.samples; i++)
				if (!rtt_is(l.rtt[i], (then - to) * SECOND * 1000))
					fail_msg("100 s, %llu s, ACK %llu s: %llu ns", to, then,
						 (__u64)l.rtt[i] << TICK_SHIFT);
			line_close(&l);
		}
	}
}

/* .. at random, with ACKs and other packets in between. */
static void test_clock_is_set_at_random(void **state)
{
	struct chance chance = {7};
	__u64 us[8];
	struct line l;

	(void)state;
	for (int turn = 0; turn < 200000; turn++) {
		line_open(&l, 0);
		for (int i = 0; i < 8; i++) {
			us[i] = (200 + below(&chance, 150)) * SECOND;
			if (permille(&chance, 300))
				received_flags(&l, us[i], 0, TCP_ACK | TCP_FIN);
			sent(&l, us[i], 100 * i, 100);
			if (i && permille(&chance, 300))
				received_flags(&l, us[i] + 1, 100 * below(&chance, i), TCP_ACK);
			l.samples = 0;
		}
		us[0] = (200 + below(&chance, 300)) * SECOND;
		received_flags(&l, us[0], 800, TCP_ACK);
		if (l.samples && !rtt_is(l.rtt[0], (us[0] - us[7]) * 1000))
			fail_msg("turn %d: %lld s became %llu ns", turn,
				 (__s64)(us[0] - us[7]) / 1000000, (__u64)l.rtt[0] << TICK_SHIFT);
		line_close(&l);
	}
}

/* Only data is ever seen here, and more than half of all numbers; then the other way comes back.
 * Steps are as large as a hole may be. */
SCENARIO(acks_appear_after_gigabytes)
{
	for (__u32 turn = 0; turn < 9; turn++) {
		__u32 at = 0;

		for (__u32 i = 0; i <= turn; i++) {
			at += (1u << 29) - 100;
			sent(l, 10 * i, at, 100);
		}
		at += 100;
		sent(l, 200, at - 50, 50); /* again */
		sent(l, 201, at, 100);
		no_sample(l, 220, at - 100);
		no_sample(l, 221, at + 100);
		sent(l, 230, at + 100, 100);
		acked(l, 240, at + 200, 10);
		l->sport++;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		S(ack_of_data_never_seen),
		S(ack_far_above_is_ignored),
		S(data_far_off_is_ignored),
		S(ack_half_of_all_numbers_away),
		S(first_ack_far_below),
		S(time_runs_backwards),
		S(times_at_the_limits),
		S(no_time_comes_round),
		S(clock_is_set),
		S(clock_is_set_at_random),
		S(acks_appear_after_gigabytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
