/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* When a live capture is in doubt, and when its clock was set, with made-up times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "breaks.h"
#include "clock.h"

#define WALL (1700000000 * NS_PER_S)
#define MS   NS_PER_MS

static void test_epochs_without_breaks(void **state)
{
	struct breaks a = {}, b = {};
	__u32 epochs = 0, first;

	(void)state;
	breaks_open(&a, &epochs);
	breaks_open(&b, &epochs);
	first = breaks_epoch(&a, WALL);
	assert_int_not_equal(first, breaks_epoch(&b, WALL));
	breaks_drops(&a, 0, WALL, 5 * MS);
	breaks_empty(&a, 1000 * MS);
	assert_int_equal(breaks_epoch(&a, WALL), first);
	/* The same capture, opened again: what was in between is not known. */
	breaks_open(&a, &epochs);
	assert_int_not_equal(breaks_epoch(&a, WALL), first);
	assert_int_not_equal(breaks_epoch(&a, WALL), breaks_epoch(&b, WALL));
}

/* In doubt, until the capture was read to its end some time after the notice. */
static void test_doubt(void **state)
{
	struct breaks a = {};
	__u32 epochs = 0, last;

	(void)state;
	breaks_open(&a, &epochs);
	last = breaks_epoch(&a, WALL);
	breaks_drops(&a, 3, WALL, 100 * MS);
	for (int i = 0; i < 10; i++) {
		assert_true(breaks_epoch(&a, WALL) > last);
		last = a.epoch;
	}
	breaks_empty(&a, 100 * MS + BREAK_WAIT_NS - 1); /* some may wait for their block */
	assert_true(breaks_epoch(&a, WALL) > last);
	/* No more drops than are known already: no break. */
	breaks_drops(&a, 3, WALL, 250 * MS);
	breaks_empty(&a, 100 * MS + BREAK_WAIT_NS);
	last = breaks_epoch(&a, WALL);
	assert_int_equal(breaks_epoch(&a, WALL), last);
	/* Another break while in doubt makes it longer. */
	breaks_drops(&a, 4, WALL, 1000 * MS);
	breaks_drops(&a, 5, WALL, 1100 * MS);
	breaks_empty(&a, 1000 * MS + BREAK_WAIT_NS);
	last = breaks_epoch(&a, WALL);
	assert_int_not_equal(breaks_epoch(&a, WALL), last);
	breaks_empty(&a, 1100 * MS + BREAK_WAIT_NS);
	last = breaks_epoch(&a, WALL);
	assert_int_equal(breaks_epoch(&a, WALL), last);
}

/* Lost packets lie before whatever is captured after the notice. */
static void test_drops_lie_before_the_notice(void **state)
{
	struct breaks a = {};
	__u32 epochs = 0, last;

	(void)state;
	breaks_open(&a, &epochs);
	breaks_drops(&a, 3, WALL, 100 * MS);
	last = breaks_epoch(&a, WALL);
	assert_true(breaks_epoch(&a, WALL) > last); /* waited in the ring */
	last = breaks_epoch(&a, WALL + 1);
	assert_int_equal(breaks_epoch(&a, WALL + 2), last);
	/* After the clock was set, times say nothing, also about packets lost then. */
	breaks_notice(&a, 200 * MS);
	breaks_drops(&a, 4, WALL, 201 * MS);
	last = breaks_epoch(&a, WALL + 1);
	assert_true(breaks_epoch(&a, WALL + 2) > last);
	breaks_empty(&a, 201 * MS + BREAK_WAIT_NS);
	last = breaks_epoch(&a, WALL + 3);
	assert_int_equal(breaks_epoch(&a, WALL + 4), last);
}

static void test_clock(void **state)
{
	struct clock_watch w = {};
	__u64 now = 50 * MS, wall = WALL;

	(void)state;
	assert_false(clock_watch_look(&w, wall, now)); /* nothing to compare with */
	for (int i = 0; i < 100; i++)                  /* slewed by 500 ppm */
		assert_false(clock_watch_look(&w, wall += 1000500000, now += 1000 * MS));
	assert_true(clock_watch_look(&w, wall += 3 * NS_PER_S, now += 10 * MS));
	assert_false(clock_watch_look(&w, wall += 10 * MS, now += 10 * MS));
	assert_true(clock_watch_look(&w, wall -= 3 * NS_PER_S, now += 10 * MS));
	assert_false(clock_watch_look(&w, wall += 10 * MS, now += 10 * MS));
	assert_true(clock_watch_look(&w, wall += 10 * MS + CLOCK_STEP_NS + 1, now += 10 * MS));
	assert_true(clock_watch_look(&w, wall += 10 * MS - CLOCK_STEP_NS - 1, now += 10 * MS));
	assert_false(clock_watch_look(&w, wall + 10 * MS, now + 10 * MS));
}

/* The clock is set after it was looked at, and before the packets that are read then. */
static void test_suspects(void **state)
{
	struct clock_watch w = {};
	struct breaks a = {.last_ns = WALL - 20 * MS};

	(void)state;
	clock_watch_look(&w, WALL, 0);
	assert_false(clock_watch_suspects(&w, &a, WALL - 19 * MS));
	assert_false(clock_watch_suspects(&w, &a, WALL + 1 * MS)); /* arrived meanwhile */
	assert_true(clock_watch_suspects(&w, &a, WALL + 3 * MS));
	assert_true(clock_watch_suspects(&w, &a, WALL + 3600 * NS_PER_S));
	assert_false(clock_watch_suspects(&w, &a, WALL - 21 * MS)); /* of another CPU */
	assert_true(clock_watch_suspects(&w, &a, WALL - 23 * MS));
	a.last_ns = 0; /* nothing was read yet */
	assert_false(clock_watch_suspects(&w, &a, WALL - 3600 * NS_PER_S));
}

static void test_real_clocks(void **state)
{
	struct clock_watch w = {};

	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_false(clock_watch_follow(&w));
	assert_in_range(clock_ns(CLOCK_REALTIME) - w.wall_ns, 0, 3600 * NS_PER_S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_epochs_without_breaks),
		cmocka_unit_test(test_doubt),
		cmocka_unit_test(test_drops_lie_before_the_notice),
		cmocka_unit_test(test_clock),
		cmocka_unit_test(test_suspects),
		cmocka_unit_test(test_real_clocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
