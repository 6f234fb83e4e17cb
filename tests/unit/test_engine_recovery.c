/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* No sample comes of what was sent twice, nor of what waited for it: case by case. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scenario.h"

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
	sent(l, 21, 0, 100); /* needlessly: nothing after it is in doubt */
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

/* A segment that the capture saw late fills a hole: the same as sent again. */
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

int main(void)
{
	const struct CMUnitTest tests[] = {
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
