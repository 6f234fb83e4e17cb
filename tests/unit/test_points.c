/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Points to draw: all of few; of many the extremes of each stretch of time, within the limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "points.h"

#define START_NS 1795428000000000000ULL
#define LIMIT    64

static struct points points;

static void add(__u64 time_ns, __u32 rtt, __u32 again)
{
	const struct point point = {.time_ns = START_NS + time_ns, .rtt = rtt, .again = again};

	assert_int_equal(points_add(&points, &point, LIMIT), 0);
	assert_true(points.count <= LIMIT);
}

static int clear(void **state)
{
	(void)state;
	points_free(&points);
	return 0;
}

static __u32 again_in_all(void)
{
	__u32 sum = 0;

	for (__u32 i = 0; i < points.count; i++)
		sum += points.all[i].again;
	return sum;
}

static bool has(__u32 rtt)
{
	for (__u32 i = 0; i < points.count; i++)
		if (points.all[i].rtt == rtt)
			return true;
	return false;
}

static void test_few_stay(void **state)
{
	(void)state;
	for (__u32 i = 0; i < LIMIT; i++)
		add(i * 1000, 100 + i, i % 2);
	assert_int_equal(points.count, LIMIT);
	assert_int_equal(points.stretch_ns, 0);
	for (__u32 i = 0; i < LIMIT; i++)
		assert_int_equal(points.all[i].rtt, 100 + i);
}

/* Whatever order they come in, the one lowest and the one highest are there, as is all that was
 * sent again, and points come one after the other. */
static void test_extremes_stay(void **state)
{
	__u32 again = 0;

	(void)state;
	for (__u32 i = 0; i < 100000; i++) {
		again += i % 1000 == 7;
		add(i * 1000ull,
		    i == 31337   ? 9
		    : i == 77777 ? 5000
				 : 100 + i * 7919 % 1000,
		    i % 1000 == 7);
	}
	assert_true(points.count > LIMIT / 4);
	assert_true(points.stretch_ns > 0);
	assert_true(has(9));
	assert_true(has(5000));
	assert_int_equal(again_in_all(), again);
	for (__u32 i = 1; i < points.count; i++)
		assert_true(points.all[i].time_ns > points.all[i - 1].time_ns);
}

/* Of each stretch there are two at most, once the last ones are thinned as well. */
static void test_even(void **state)
{
	__u32 in_stretch = 0;
	__u64 last = ~0ull;

	(void)state;
	for (__u32 i = 0; i < 10000; i++)
		add(i * 1000ull, 100 + i * 7919 % 1000, 0);
	points_even(&points);
	for (__u32 i = 0; i < points.count; i++) {
		__u64 stretch = (points.all[i].time_ns - START_NS) / points.stretch_ns;

		in_stretch = stretch == last ? in_stretch + 1 : 1;
		last = stretch;
		assert_true(in_stretch <= 2);
	}
}

/* A clock that jumps, back and for centuries, or stands still. */
static void test_odd_clocks(void **state)
{
	(void)state;
	for (__u32 i = 0; i < 1000; i++)
		add(0, 100 + i, 1);
	assert_true(has(100) && has(1099));
	for (__u32 i = 0; i < 1000; i++)
		add(i % 2 ? 1ull << 62 : 5, 2000 + i, 0);
	for (__u32 i = 0; i < 1000; i++)
		add(-(__u64)i * 1000000000, 4000 + i, 0);
	assert_true(has(100) && has(4999));
	assert_int_equal(again_in_all(), 1000);
}

/* A clock that never stops jumping, before and after the first point, or to the end of all time. */
static void test_restless_clocks(void **state)
{
	(void)state;
	for (__u32 i = 0; i < 1000; i++)
		add(!i ? 0 : i % 2 ? 1000 : -1000ull, 100 + i, 1);
	assert_true(has(100) && has(1099));
	for (__u32 i = 0; i < 1000; i++)
		add(i % 2 ? -START_NS : ~START_NS, 2000 + i, 1);
	assert_true(has(100) && has(2999));
	assert_int_equal(again_in_all(), 2000);
}

static void test_smallest_limit(void **state)
{
	(void)state;
	for (__u32 i = 0; i < 10; i++)
		add(i, i, 1);
	points_thin(&points, POINTS_LEAST);
	assert_int_equal(points.count, POINTS_LEAST / 2);
	assert_int_equal(points.all[0].rtt, 0);
	assert_int_equal(points.all[1].rtt, 9);
	assert_int_equal(again_in_all(), 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_few_stay, clear),
		cmocka_unit_test_teardown(test_extremes_stay, clear),
		cmocka_unit_test_teardown(test_even, clear),
		cmocka_unit_test_teardown(test_odd_clocks, clear),
		cmocka_unit_test_teardown(test_restless_clocks, clear),
		cmocka_unit_test_teardown(test_smallest_limit, clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
