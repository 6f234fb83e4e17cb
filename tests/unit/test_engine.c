/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is a sample, case by case, and then against the model of the definition in random
 * connections. METRO_CHAOS_FLOWS and METRO_CHAOS_SEED make the random part longer, or another one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model.h"
#include "segments.h"

#define SECOND 1000000ull /* microseconds */
#define DATA   (TCP_ACK | TCP_PSH)

/* Declares a test that runs a scenario around every wrap of the sequence numbers. */
#define SCENARIO(name)                                                                             \
	static void scenario_##name(struct line *l);                                               \
	static void test_##name(void **state)                                                      \
	{                                                                                          \
		(void)state;                                                                       \
		at_every_wrap(scenario_##name);                                                    \
	}                                                                                          \
	static void scenario_##name(struct line *l)

/* ---- no loss ---- */

SCENARIO(one_segment)
{
	sent(l, 0, 0, 100);
	acked(l, 20, 100, 20);
	assert_int_equal(line_counter(l, COUNTER_SAMPLES), 1);
	assert_int_equal(line_counter(l, COUNTER_FLOWS), 1);
}

SCENARIO(request_response)
{
	for (__u32 i = 0; i < 50; i++) {
		sent(l, 1000 * i, 10 * i, 10);
		acked(l, 1000 * i + 10 + i, 10 * i + 10, 10 + i);
	}
}

SCENARIO(newest_of_a_stretch_ack)
{
	sent(l, 0, 0, 100);
	sent(l, 5, 100, 100);
	sent(l, 9, 200, 100);
	acked(l, 20, 300, 11);
}

SCENARIO(ack_each)
{
	sent(l, 0, 0, 100);
	sent(l, 5, 100, 100);
	sent(l, 9, 200, 100);
	acked(l, 20, 100, 20);
	acked(l, 21, 200, 16);
	acked(l, 29, 300, 20);
}

/* The newest segment that is covered completely, though the ACK goes on into the next. */
SCENARIO(partial_ack)
{
	sent(l, 0, 0, 100);
	sent(l, 5, 100, 100);
	acked(l, 20, 150, 20);
	acked(l, 25, 200, 20);
}

SCENARIO(nothing_covered_completely)
{
	sent(l, 0, 0, 100);
	no_sample(l, 20, 99);
	acked(l, 30, 100, 30);
}

SCENARIO(duplicate_acks)
{
	sent(l, 0, 0, 100);
	sent(l, 1, 100, 100);
	acked(l, 20, 100, 20);
	no_sample(l, 21, 100);
	no_sample(l, 22, 100);
	no_sample(l, 23, 50);
	acked(l, 25, 200, 24);
	no_sample(l, 26, 100);
	no_sample(l, 27, 200);
}

SCENARIO(ack_before_any_data)
{
	no_sample(l, 0, 0);
	sent(l, 1, 0, 100);
	no_sample(l, 2, 0);
	acked(l, 5, 100, 4);
}

SCENARIO(ack_flag_missing)
{
	sent(l, 0, 0, 100);
	no_sample_flags(l, 3, 100, TCP_PSH);
	acked(l, 20, 100, 20);
}

/* ---- Karn's rule ---- */

SCENARIO(sent_again)
{
	sent(l, 0, 0, 100);
	sent(l, 200, 0, 100);
	no_sample(l, 220, 100);
	assert_int_equal(line_counter(l, COUNTER_RETRANSMISSIONS), 1);
	sent(l, 230, 100, 100);
	acked(l, 250, 200, 20);
}

SCENARIO(head_sent_again_then_all_acknowledged)
{
	for (__u32 i = 0; i < 5; i++)
		sent(l, i, 100 * i, 100);
	sent(l, 50, 0, 100);
	no_sample(l, 70, 500); /* waited for the recovery */
	sent(l, 80, 500, 100);
	acked(l, 95, 600, 15);
}

/* What lies below the copy is not in doubt, but only if the ACK stops there. */
SCENARIO(tail_loss_probe)
{
	sent(l, 0, 0, 100);
	sent(l, 1, 100, 100);
	sent(l, 2, 200, 100);
	sent(l, 30, 200, 100);
	acked(l, 40, 200, 39);
	no_sample(l, 41, 300);
}

SCENARIO(tail_loss_probe_all_at_once)
{
	sent(l, 0, 0, 100);
	sent(l, 1, 100, 100);
	sent(l, 30, 100, 100);
	no_sample(l, 40, 200);
	sent(l, 50, 200, 100);
	acked(l, 60, 300, 10);
}

SCENARIO(middle_sent_again)
{
	for (__u32 i = 0; i < 4; i++)
		sent(l, i, 100 * i, 100);
	acked(l, 20, 100, 20);
	no_sample(l, 21, 100);
	sent(l, 25, 100, 100);
	no_sample(l, 45, 400);
}

SCENARIO(copy_with_other_boundaries)
{
	sent(l, 0, 0, 100);
	sent(l, 1, 100, 100);
	sent(l, 2, 200, 100);
	sent(l, 30, 50, 200); /* of all three */
	no_sample(l, 40, 100);
	no_sample(l, 41, 200);
	no_sample(l, 42, 250);
	no_sample(l, 43, 300);
}

SCENARIO(copy_that_goes_on_into_new_data)
{
	sent(l, 0, 0, 100);
	sent(l, 30, 50, 150);
	no_sample(l, 40, 100);
	no_sample(l, 50, 200);
	sent(l, 60, 200, 100);
	acked(l, 70, 300, 10);
}

SCENARIO(copy_that_goes_on_into_new_data_all_at_once)
{
	sent(l, 0, 0, 100);
	sent(l, 30, 50, 150);
	sent(l, 31, 200, 100);
	no_sample(l, 50, 300);
}

SCENARIO(new_data_before_the_recovery)
{
	sent(l, 0, 0, 100);
	sent(l, 1, 100, 100);
	sent(l, 30, 0, 100);
	sent(l, 31, 200, 100);
	no_sample(l, 50, 300); /* over old and new copies */
	sent(l, 60, 300, 100);
	acked(l, 70, 400, 10);
}

SCENARIO(new_data_acknowledged_alone_after_the_recovery)
{
	sent(l, 0, 0, 100);
	sent(l, 30, 0, 100);
	sent(l, 31, 100, 100);
	no_sample(l, 50, 100);
	acked(l, 51, 200, 20);
}

SCENARIO(two_losses)
{
	for (__u32 i = 0; i < 6; i++)
		sent(l, i, 100 * i, 100);
	acked(l, 20, 100, 20);
	sent(l, 25, 100, 100);
	no_sample(l, 45, 300);
	sent(l, 46, 300, 100);
	no_sample(l, 66, 600);
	sent(l, 70, 600, 100);
	acked(l, 85, 700, 15);
}

SCENARIO(the_higher_loss_first)
{
	for (__u32 i = 0; i < 6; i++)
		sent(l, i, 100 * i, 100);
	sent(l, 40, 400, 100);
	sent(l, 41, 100, 100);
	acked(l, 42, 100, 42);
	no_sample(l, 43, 300);
	no_sample(l, 44, 500);
	no_sample(l, 45, 600);
}

SCENARIO(sent_three_times)
{
	sent(l, 0, 0, 100);
	sent(l, 200, 0, 100);
	sent(l, 600, 0, 100);
	no_sample(l, 620, 100);
	assert_int_equal(line_counter(l, COUNTER_RETRANSMISSIONS), 2);
}

SCENARIO(sent_again_after_its_ack)
{
	sent(l, 0, 0, 100);
	sent(l, 1, 100, 100);
	acked(l, 20, 100, 20);
	sent(l, 21, 0, 100); /* for nothing: takes no doubt to what follows */
	acked(l, 22, 200, 21);
	sent(l, 23, 100, 100);
	no_sample(l, 44, 200);
	sent(l, 50, 200, 100);
	acked(l, 70, 300, 20);
}

SCENARIO(sent_again_half_acknowledged)
{
	sent(l, 0, 0, 100);
	no_sample(l, 20, 50);
	sent(l, 200, 0, 100);
	no_sample(l, 220, 100);
}

/* A segment that the capture saw late fills a hole: as good as sent again. */
SCENARIO(hole_filled_late)
{
	sent(l, 0, 0, 100);
	sent(l, 1, 200, 100);
	sent(l, 2, 100, 100);
	acked(l, 20, 100, 20);
	no_sample(l, 21, 200);
	no_sample(l, 22, 300);
	sent(l, 23, 300, 100);
	acked(l, 30, 400, 7);
}

/* Data that never passed here: an ACK in the hole says nothing about what lies below. */
SCENARIO(hole)
{
	sent(l, 0, 0, 100);
	sent(l, 50, 200, 100);
	no_sample(l, 60, 150);
	acked(l, 80, 300, 30);
}

/* ---- one byte ---- */

SCENARIO(keep_alive)
{
	sent(l, 0, 0, 100);
	acked(l, 20, 100, 20);
	sent(l, 1000, 99, 1);
	no_sample(l, 1020, 100);
	sent(l, 2000, 99, 1);
	no_sample(l, 2020, 100);
	assert_int_equal(line_counter(l, COUNTER_RETRANSMISSIONS), 0);
	sent(l, 3000, 100, 50);
	acked(l, 3007, 150, 7);
}

SCENARIO(keep_alive_without_data)
{
	sent(l, 0, 0, 100);
	acked(l, 20, 100, 20);
	sent(l, 1000, 99, 0);
	no_sample(l, 1020, 100);
	sent(l, 3000, 100, 50);
	acked(l, 3007, 150, 7);
}

/* The byte behind the window is refused until the window opens. */
SCENARIO(zero_window_probe)
{
	sent(l, 0, 0, 100);
	acked(l, 20, 100, 20);
	sent(l, 1000, 100, 1);
	no_sample(l, 1020, 100);
	sent(l, 2000, 100, 1);
	no_sample(l, 2020, 100);
	no_sample(l, 2500, 101);
	sent(l, 3000, 101, 99);
	acked(l, 3010, 200, 10);
}

SCENARIO(zero_window_probe_then_full_segment)
{
	sent(l, 0, 0, 100);
	acked(l, 20, 100, 20);
	sent(l, 1000, 100, 1);
	no_sample(l, 1020, 100);
	sent(l, 2000, 100, 100); /* the byte again and more */
	no_sample(l, 2020, 200);
	sent(l, 3000, 200, 100);
	acked(l, 3010, 300, 10);
}

SCENARIO(typed_characters)
{
	for (__u32 i = 0; i < 30; i++) {
		sent(l, 1000 * i, i, 1);
		acked(l, 1000 * i + 9, i + 1, 9);
	}
}

/* ---- ends of a connection ---- */

SCENARIO(fin_with_data)
{
	sent_flags(l, 0, 0, 100, DATA | TCP_FIN);
	acked(l, 20, 101, 20);
}

SCENARIO(fin_with_data_not_yet_acknowledged)
{
	sent_flags(l, 0, 0, 100, DATA | TCP_FIN);
	acked(l, 20, 100, 20);
	no_sample(l, 30, 101);
}

SCENARIO(bare_fin)
{
	sent(l, 0, 0, 100);
	acked(l, 20, 100, 20);
	sent_flags(l, 30, 100, 0, TCP_ACK | TCP_FIN);
	no_sample(l, 50, 101);
	assert_int_equal(line_counter(l, COUNTER_ACKS_UNSEEN), 0);
}

SCENARIO(bare_fin_behind_data)
{
	sent(l, 0, 0, 100);
	sent_flags(l, 5, 100, 0, TCP_ACK | TCP_FIN);
	acked(l, 20, 101, 20);
}

SCENARIO(fin_sent_again)
{
	sent(l, 0, 0, 100);
	sent_flags(l, 5, 100, 0, TCP_ACK | TCP_FIN);
	sent_flags(l, 200, 100, 0, TCP_ACK | TCP_FIN);
	acked(l, 210, 100, 210);
	no_sample(l, 220, 101);
}

SCENARIO(fin_with_data_sent_again)
{
	sent_flags(l, 0, 0, 100, DATA | TCP_FIN);
	sent_flags(l, 200, 0, 100, DATA | TCP_FIN);
	no_sample(l, 220, 101);
}

SCENARIO(simultaneous_close)
{
	sent(l, 0, 0, 100);
	sent_flags(l, 5, 100, 0, TCP_ACK | TCP_FIN);
	no_sample_flags(l, 6, 0, TCP_ACK | TCP_FIN);
	acked(l, 20, 101, 20);
}

SCENARIO(fin_of_the_peer_acknowledges)
{
	sent(l, 0, 0, 100);
	acked_flags(l, 20, 100, TCP_ACK | TCP_FIN, 20);
}

SCENARIO(half_closed_goes_on)
{
	sent(l, 0, 0, 100);
	acked_flags(l, 20, 100, TCP_ACK | TCP_FIN, 20);
	sent(l, 30, 100, 100);
	acked(l, 45, 200, 15);
}

SCENARIO(reset_is_no_ack)
{
	sent(l, 0, 0, 100);
	no_sample_flags(l, 20, 100, TCP_ACK | TCP_RST);
	no_sample_flags(l, 21, 0, TCP_RST);
}

SCENARIO(own_reset_sends_no_data)
{
	sent(l, 0, 0, 100);
	acked(l, 10, 100, 10);
	sent_flags(l, 20, 100, 30, TCP_RST | TCP_ACK);
	no_sample(l, 30, 130);
	assert_int_equal(line_counter(l, COUNTER_FLOWS), 1);
}

/* ---- beginnings ---- */

SCENARIO(handshake)
{
	sent_flags(l, 0, 0, 0, TCP_SYN);
	no_sample_flags(l, 20, 1, TCP_SYN | TCP_ACK);
	sent(l, 21, 1, 100);
	acked(l, 40, 101, 19);
}

SCENARIO(fast_open)
{
	sent_flags(l, 0, 0, 100, TCP_SYN);
	acked_flags(l, 20, 101, TCP_SYN | TCP_ACK, 20);
}

SCENARIO(fast_open_data_refused)
{
	sent_flags(l, 0, 0, 100, TCP_SYN);
	no_sample_flags(l, 20, 1, TCP_SYN | TCP_ACK);
	sent(l, 21, 1, 100);
	no_sample(l, 40, 101);
	sent(l, 50, 101, 100);
	acked(l, 60, 201, 10);
}

SCENARIO(fast_open_sent_again)
{
	sent_flags(l, 0, 0, 100, TCP_SYN);
	sent_flags(l, 1000, 0, 0, TCP_SYN); /* without data now */
	no_sample_flags(l, 1020, 1, TCP_SYN | TCP_ACK);
	sent(l, 1021, 1, 100);
	no_sample(l, 1040, 101);
}

/* The port is used again, with another initial number: the old connection's marks mean nothing. */
SCENARIO(port_used_again)
{
	static const __u32 isn[] = {1u << 20, 0x7fffff00u, 0x80000100u, 0xfff00000u};

	for (size_t i = 0; i < sizeof(isn) / sizeof(isn[0]); i++) {
		sent(l, 0, 0, 100);
		sent(l, 0, 100, 100);
		sent_flags(l, 1000, isn[i], 0, TCP_SYN);
		no_sample_flags(l, 1020, isn[i] + 1, TCP_SYN | TCP_ACK);
		sent(l, 1030, isn[i] + 1, 100);
		acked(l, 1050, isn[i] + 101, 20);
		sent_flags(l, 2000, 0xffffffff, 0, TCP_SYN);
	}
}

SCENARIO(port_used_again_with_fast_open)
{
	sent(l, 0, 0, 100);
	sent_flags(l, 1000, 1 << 20, 50, TCP_SYN);
	acked_flags(l, 1020, (1 << 20) + 51, TCP_SYN | TCP_ACK, 20);
}

SCENARIO(syn_sent_again_is_the_same_connection)
{
	sent_flags(l, 0, 0, 100, TCP_SYN);
	sent(l, 5, 101, 100);
	sent_flags(l, 10, 0, 0, TCP_SYN);
	acked(l, 20, 201, 15);
}

/* The capture starts in the middle, with older data in flight. */
SCENARIO(first_ack_is_below_the_first_segment)
{
	sent(l, 0, 500, 100);
	no_sample(l, 5, 300);
	no_sample(l, 6, 500);
	acked(l, 20, 600, 20);
}

SCENARIO(first_ack_inside_the_first_segment)
{
	sent(l, 0, 500, 100);
	no_sample(l, 5, 550);
	acked(l, 20, 600, 20);
}

/* The ACK after the first comes from below what was seen: still caused by the newest segment. */
SCENARIO(older_data_and_first_segment_acknowledged_at_once)
{
	sent(l, 0, 500, 100);
	no_sample(l, 5, 300);
	acked(l, 20, 600, 20);
}

/* .. but not if some of the older data was sent again. */
SCENARIO(older_data_sent_again_before_the_first_ack)
{
	sent(l, 0, 500, 100);
	sent(l, 1, 200, 100);
	no_sample(l, 5, 200);
	sent(l, 6, 600, 100);
	no_sample(l, 20, 700);
}

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
	acked(l, 10 + 60 * SECOND, 200, 60 * SECOND);
	sent(l, 100 * SECOND, 200, 100);
	acked(l, 165 * SECOND, 300, 65 * SECOND);
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

/* ---- batches ---- */

static void exchange(struct line *l, __u64 us, __u32 i, __u32 rtt_us)
{
	sent(l, us, 10 * i, 10);
	received_flags(l, us + rtt_us, 10 * i + 10, TCP_ACK);
}

static void test_full_batches(void **state)
{
	struct line l;

	(void)state;
	for (unsigned int limit = 1; limit <= BATCH_MAX; limit++) {
		line_open_with(&l, 0xffffff80, 8, limit, NEVER);
		for (__u32 i = 0; i < 4 * limit; i++) {
			assert_int_equal(l.records, i / limit);
			exchange(&l, 1000 * i, i, 10 + i);
			assert_true(rtt_is(l.rtt[(l.samples - 1) % LINE_KEPT],
					   (9 + l.samples) * 1000) ||
				    !l.samples);
		}
		assert_int_equal(l.records, 4);
		for (unsigned int r = 0; r < 4; r++) {
			const struct flow_record *record = &l.record[r];

			assert_int_equal(record->count, limit);
			assert_int_equal(record->flags, r ? RECORD_HAS_PREVIOUS : 0);
			if (r)
				assert_int_equal(record->rtt[0], l.record[r - 1].rtt[limit]);
			assert_int_equal(record->time_ns,
					 LINE_EPOCH + ((r + 1) * limit - 1) * 1001000ull + 10000);
			assert_int_equal(record->key.local_port, 40000);
			assert_int_equal(record->key.peer_port, 443);
		}
		assert_int_equal(line_counter(&l, COUNTER_SAMPLES), 4 * limit);
		line_close(&l);
	}
}

static void test_aged_batches(void **state)
{
	struct line l;

	(void)state;
	line_open_with(&l, 0, 8, BATCH_MAX, 5000000 / TICK_NS);
	exchange(&l, 0, 0, 10);
	exchange(&l, 100, 1, 20);
	assert_int_equal(l.records, 0);
	sent(&l, 5009, 20, 10);
	assert_int_equal(l.records, 0);
	sent(&l, 5010, 30, 10); /* 5 ms after the first sample: data brings it on */
	assert_int_equal(l.records, 1);
	assert_int_equal(l.record[0].count, 2);
	received_flags(&l, 5020, 40, TCP_ACK);
	assert_int_equal(l.records, 1);
	sent(&l, 6000, 40, 10);
	received_flags(&l, 10021, 50, TCP_ACK); /* .. or an ACK, with its own sample */
	assert_int_equal(l.records, 2);
	assert_int_equal(l.record[1].count, 2);
	assert_int_equal(l.record[1].flags, RECORD_HAS_PREVIOUS);
	assert_true(rtt_is(l.record[1].rtt[0], 20000));
	line_close(&l);
}

static void test_ends_flush(void **state)
{
	struct line l;

	(void)state;
	line_open_with(&l, 0, 8, BATCH_MAX, NEVER);
	exchange(&l, 0, 0, 10);
	received_flags(&l, 20, 10, TCP_RST);
	assert_int_equal(l.records, 1);
	exchange(&l, 100, 1, 10);
	sent_flags(&l, 200, 20, 0, TCP_RST);
	assert_int_equal(l.records, 2);
	exchange(&l, 300, 2, 10);
	assert_true(flow_table_sweep(l.table, NULL));
	assert_int_equal(l.records, 3);
	assert_true(flow_table_sweep(l.table, NULL));
	assert_int_equal(l.records, 3);
	line_close(&l);
}

/* ---- random connections against the model ---- */

struct chaos {
	struct chance chance;
	struct line line;
	struct model model;
	__u64 now; /* ns */
	__u32 isn;
	__u32 marks;
	bool complete; /* the ring never fills, so nothing may be missing */
	bool clock_runs_back, long_pauses;
	unsigned int core, found, optional;
	char *story; /* what happened, for the report */
	size_t story_size;
	FILE *tell;
};

static unsigned long from_environment(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 0) : otherwise;
}

static void chaos_fail(struct chaos *c, const char *what, const struct model_answer *a)
{
	fclose(c->tell);
	fprintf(stderr, "%s# %s; the model says %s, %lld ns; %u marks\n", c->story, what, a->why,
		a->rtt_ns, c->marks);
	fail_msg("%s", what);
}

static __u32 relative(const struct chaos *c, __s64 number)
{
	return (__u32)number - c->line.base;
}

static void chaos_sent(struct chaos *c, __u32 seq, __u32 length, __u8 flags)
{
	__u32 number = c->line.base + seq;

	fprintf(c->tell, "# %llu ns: sent %u + %u%s%s%s\n", c->now - LINE_EPOCH, seq, length,
		flags & TCP_SYN ? " SYN" : "", flags & TCP_FIN ? " FIN" : "",
		flags & TCP_RST ? " RST" : "");
	model_sent(&c->model, number, length, flags, c->now);
	sent_at(&c->line, c->now, seq, length, flags);
}

static void chaos_received(struct chaos *c, __u32 ack, __u8 flags)
{
	unsigned int samples = c->line.samples;
	struct model_answer answer;

	fprintf(c->tell, "# %llu ns: ACK %u\n", c->now - LINE_EPOCH, ack);
	answer = model_acked(&c->model, c->line.base + ack, c->now);
	received_at(&c->line, c->now, ack, flags);
	if (c->line.samples > samples) {
		__u32 ticks = c->line.rtt[samples % LINE_KEPT];

		if (answer.verdict == MODEL_NOTHING)
			chaos_fail(c, "a sample where there is none", &answer);
		else if (!rtt_is_near(ticks, answer.rtt_ns))
			chaos_fail(c, "a sample of another value", &answer);
		c->found += answer.verdict == MODEL_CORE;
		c->optional += answer.verdict == MODEL_OPTIONAL;
	} else if (answer.verdict == MODEL_CORE && c->complete) {
		chaos_fail(c, "a sample is missing", &answer);
	}
	c->core += answer.verdict == MODEL_CORE;
}

static void chaos_time(struct chaos *c)
{
	if (c->clock_runs_back && permille(&c->chance, 30))
		c->now -= below(&c->chance, 20000000);
	else if (c->long_pauses && permille(&c->chance, 30))
		c->now += 1000000ull * below(&c->chance, 200000);
	else if (permille(&c->chance, 800))
		c->now += below(&c->chance, 3000000);
}

static __u32 some_length(struct chaos *c)
{
	switch (below(&c->chance, 8)) {
	case 0:
		return 1;
	case 1:
		return 1 + below(&c->chance, 65535);
	case 2:
		return 1 + below(&c->chance, 10);
	default:
		return 1448;
	}
}

/* A number at or near one that matters. */
static __s64 some_number(struct chaos *c)
{
	const struct model *m = &c->model;
	__s64 number = m->highest;

	switch (below(&c->chance, 6)) {
	case 0:
		number = m->una_known ? m->una : m->first;
		break;
	case 1:
		number = m->end;
		break;
	case 2:
	case 3:
	case 4:
		if (m->count) {
			const struct model_segment *s =
				&m->segments[below(&c->chance, (__u32)m->count)];

			number = permille(&c->chance, 500) ? s->end : s->start;
		}
		break;
	default:
		break;
	}
	if (permille(&c->chance, 150))
		number += (__s32)below(&c->chance, 7) - 3;
	if (permille(&c->chance, 50))
		number += (__s32)below(&c->chance, 6000) - 3000;
	return number;
}

static void chaos_new_data(struct chaos *c)
{
	__s64 start = c->model.open ? c->model.highest : 1;
	__u32 bursts = 1 + (permille(&c->chance, 200) ? below(&c->chance, 60) : 0);

	if (c->model.open && c->model.fin)
		return;
	if (permille(&c->chance, 15))
		start += some_length(c); /* a hole */
	for (__u32 i = 0; i < bursts; i++) {
		__u32 length = some_length(c);

		chaos_sent(c, c->model.open ? relative(c, start) : c->isn + 1, length, DATA);
		start = c->model.highest;
		if (permille(&c->chance, 500))
			chaos_time(c);
	}
}

static void chaos_copy(struct chaos *c)
{
	const struct model *m = &c->model;
	const struct model_segment *s;
	__s64 a, b;

	if (!m->open || !m->data_seen)
		return;
	if (m->count && permille(&c->chance, 600)) {
		/* one segment as it was: mostly the first, or the last */
		s = &m->segments[permille(&c->chance, 500)   ? 0
				 : permille(&c->chance, 500) ? m->count - 1
							     : below(&c->chance, m->count)];
		chaos_sent(c, relative(c, s->start), (__u32)(s->end - s->start), DATA);
		return;
	}
	a = some_number(c);
	b = some_number(c);
	if (a == b)
		b += some_length(c);
	chaos_sent(c, relative(c, a < b ? a : b), (__u32)llabs(a - b), DATA);
}

static void chaos_ack(struct chaos *c)
{
	const struct model *m = &c->model;

	if (!m->data_seen)
		return;
	if (m->count && permille(&c->chance, 700)) {
		__u32 i = below(&c->chance, permille(&c->chance, 500) ? 2 : (__u32)m->count);

		if (i >= m->count)
			i = 0;
		chaos_received(c, relative(c, m->segments[i].end), TCP_ACK);
	} else if (permille(&c->chance, 500)) {
		chaos_received(c, relative(c, m->highest), TCP_ACK);
	} else {
		chaos_received(c, relative(c, some_number(c)), TCP_ACK);
	}
}

static void chaos_oddity(struct chaos *c)
{
	const struct model *m = &c->model;

	if (!m->data_seen) /* a flow begins with its data, the model with its SYN */
		return;
	switch (below(&c->chance, 10)) {
	case 0: /* keep-alive */
		if (m->una_known)
			chaos_sent(c, relative(c, m->una - 1), permille(&c->chance, 500), DATA);
		break;
	case 1: /* an ACK of anything */
		chaos_received(c, (__u32)chance_next(&c->chance), TCP_ACK);
		break;
	case 2: /* an ACK somewhat above */
		if (m->open)
			chaos_received(c, relative(c, m->highest + below(&c->chance, 5000)),
				       TCP_ACK);
		break;
	case 3:
		if (m->open && permille(&c->chance, 200))
			chaos_sent(c, relative(c, m->end), some_length(c), DATA | TCP_FIN);
		break;
	case 4:
		if (m->open && permille(&c->chance, 200))
			chaos_sent(c, relative(c, m->end), 0, TCP_ACK | TCP_FIN);
		break;
	case 5: /* data of another world */
		chaos_sent(c, relative(c, m->highest) + (1 << 30) + below(&c->chance, 0x7fff0000),
			   1 + below(&c->chance, 1000), DATA);
		break;
	case 6: /* the SYN again */
		if (m->isn_known)
			chaos_sent(c, m->isn - c->line.base, 0, TCP_SYN);
		break;
	case 7: /* a new connection */
		if (permille(&c->chance, 300)) {
			c->isn += (1 << 17) + below(&c->chance, 0xfff80000);
			chaos_sent(c, c->isn, permille(&c->chance, 200) ? some_length(c) : 0,
				   TCP_SYN);
		}
		break;
	case 8: /* a huge hole */
		if (m->highest - (m->una_known ? m->una : m->first) < 1 << 29 &&
		    permille(&c->chance, 100))
			chaos_sent(c, relative(c, m->end + below(&c->chance, 1 << 29)),
				   some_length(c), DATA);
		break;
	default: /* the end of a former segment, by a duplicated ACK */
		if (m->una_known)
			chaos_received(c, relative(c, m->una - below(&c->chance, 3000)), TCP_ACK);
		break;
	}
}

static void chaos_flow(struct chaos *c, __u32 steps)
{
	__u32 base = (__u32)chance_next(&c->chance);
	__u32 losses = below(&c->chance, 4) ? 10 + below(&c->chance, 100) : 0;
	__u32 oddities = below(&c->chance, 3) ? below(&c->chance, 60) : 0;
	__u32 sending = 300 + below(&c->chance, 400);

	/* Near a wrap, mostly. */
	if (below(&c->chance, 4))
		base = (below(&c->chance, 2) << 31) - below(&c->chance, 200000);
	line_open_with(&c->line, base, c->marks, 1, NEVER);
	c->now = LINE_EPOCH + (chance_next(&c->chance) >> 24);
	c->isn = 0;
	c->model.longest_ns = RTT_NS_MAX;
	c->tell = open_memstream(&c->story, &c->story_size);
	assert_non_null(c->tell);
	if (below(&c->chance, 2))
		chaos_sent(c, c->isn, below(&c->chance, 8) ? 0 : some_length(c), TCP_SYN);
	for (__u32 i = 0; i < steps; i++) {
		chaos_time(c);
		if (permille(&c->chance, oddities))
			chaos_oddity(c);
		else if (permille(&c->chance, losses))
			chaos_copy(c);
		else if (permille(&c->chance, sending))
			chaos_new_data(c);
		else
			chaos_ack(c);
	}
	fclose(c->tell);
	free(c->story);
	line_close(&c->line);
	model_free(&c->model);
}

static void chaos(struct chaos *c, __u64 seed, unsigned long flows)
{
	flows = from_environment("METRO_CHAOS_FLOWS", flows);
	c->chance.state = from_environment("METRO_CHAOS_SEED", seed);
	for (unsigned long i = 0; i < flows; i++)
		chaos_flow(c, 20 + below(&c->chance, i % 20 ? 200 : 3000));
	print_message("# %u marks: %u of %u samples that must be, %u that may be\n", c->marks,
		      c->found, c->core, c->optional);
}

static void test_chaos_complete(void **state)
{
	struct chaos c = {.marks = 32768, .complete = true};

	(void)state;
	chaos(&c, 1, 1000);
}

static void test_chaos_complete_clock_runs_back(void **state)
{
	struct chaos c = {.marks = 32768, .complete = true, .clock_runs_back = true};

	(void)state;
	chaos(&c, 2, 500);
}

static void test_chaos_complete_long_pauses(void **state)
{
	struct chaos c = {.marks = 32768, .complete = true, .long_pauses = true};

	(void)state;
	chaos(&c, 3, 500);
}

static void test_chaos_small_rings(void **state)
{
	(void)state;
	for (__u32 marks = 8; marks <= 256; marks *= 2) {
		struct chaos c = {.marks = marks, .long_pauses = true};

		chaos(&c, 4 + marks, 1000);
	}
}

#define S(name) cmocka_unit_test(test_##name)

int main(void)
{
	const struct CMUnitTest tests[] = {
		S(one_segment),
		S(request_response),
		S(newest_of_a_stretch_ack),
		S(ack_each),
		S(partial_ack),
		S(nothing_covered_completely),
		S(duplicate_acks),
		S(ack_before_any_data),
		S(ack_flag_missing),
		S(sent_again),
		S(head_sent_again_then_all_acknowledged),
		S(tail_loss_probe),
		S(tail_loss_probe_all_at_once),
		S(middle_sent_again),
		S(copy_with_other_boundaries),
		S(copy_that_goes_on_into_new_data),
		S(copy_that_goes_on_into_new_data_all_at_once),
		S(new_data_before_the_recovery),
		S(new_data_acknowledged_alone_after_the_recovery),
		S(two_losses),
		S(the_higher_loss_first),
		S(sent_three_times),
		S(sent_again_after_its_ack),
		S(sent_again_half_acknowledged),
		S(hole_filled_late),
		S(hole),
		S(keep_alive),
		S(keep_alive_without_data),
		S(zero_window_probe),
		S(zero_window_probe_then_full_segment),
		S(typed_characters),
		S(fin_with_data),
		S(fin_with_data_not_yet_acknowledged),
		S(bare_fin),
		S(bare_fin_behind_data),
		S(fin_sent_again),
		S(fin_with_data_sent_again),
		S(simultaneous_close),
		S(fin_of_the_peer_acknowledges),
		S(half_closed_goes_on),
		S(reset_is_no_ack),
		S(own_reset_sends_no_data),
		S(handshake),
		S(fast_open),
		S(fast_open_data_refused),
		S(fast_open_sent_again),
		S(port_used_again),
		S(port_used_again_with_fast_open),
		S(syn_sent_again_is_the_same_connection),
		S(first_ack_is_below_the_first_segment),
		S(first_ack_inside_the_first_segment),
		S(older_data_and_first_segment_acknowledged_at_once),
		S(ack_of_data_never_seen),
		S(ack_far_above_is_ignored),
		S(data_far_off_is_ignored),
		S(time_runs_backwards),
		S(times_at_the_limits),
		S(no_time_comes_round),
		S(clock_is_set),
		S(full_batches),
		S(aged_batches),
		S(ends_flush),
		S(chaos_complete),
		S(chaos_complete_clock_runs_back),
		S(chaos_complete_long_pauses),
		S(chaos_small_rings),
		S(older_data_sent_again_before_the_first_ack),
		S(ack_half_of_all_numbers_away),
		S(first_ack_far_below),
		S(clock_is_set_at_random),
		S(acks_appear_after_gigabytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
