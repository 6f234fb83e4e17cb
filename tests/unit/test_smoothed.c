/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is remembered of smoothed values between report intervals. The arithmetic: test_window. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "smoothed.h"

#define IDLE 1000

static void put(struct smoothed_memory *memory, const char *name, double srtt, __u64 time)
{
	const struct smoothed smoothed = {.srtt = srtt, .rttvar = 1, .started = true};

	smoothed_put(memory, name, &smoothed, time);
}

static double get(const struct smoothed_memory *memory, const char *name, __u64 time)
{
	struct smoothed smoothed = smoothed_get(memory, name, time);

	return smoothed.started ? smoothed.srtt : -1;
}

static void test_remembers(void **state)
{
	struct smoothed_memory memory = {.idle_ns = IDLE};

	(void)state;
	put(&memory, "a", 1, 10);
	put(&memory, "b", 2, 20);
	assert_true(get(&memory, "a", 30) == 1);
	assert_true(get(&memory, "b", 30) == 2);
	assert_true(get(&memory, "c", 30) == -1);
	put(&memory, "a", 3, 30);
	assert_true(get(&memory, "a", 30) == 3);
	assert_true(get(&memory, "a", 5) == 3); /* records come out of order */
	smoothed_forget(&memory);
	assert_null(memory.first);
}

static void test_idle(void **state)
{
	struct smoothed_memory memory = {.idle_ns = IDLE};

	(void)state;
	put(&memory, "a", 1, 10);
	assert_true(get(&memory, "a", 10 + IDLE) == 1);
	assert_true(get(&memory, "a", 11 + IDLE) == -1);
	put(&memory, "b", 1, 11 + IDLE); /* which also lets a go */
	assert_true(get(&memory, "a", 10) == -1);
	smoothed_forget(&memory);
}

/* The longest unused go. */
static void test_bounded(void **state)
{
	struct smoothed_memory memory = {.idle_ns = UINT64_MAX};
	char name[16];

	(void)state;
	for (int i = 0; i < SMOOTHED_MAX + 10; i++) {
		snprintf(name, sizeof(name), "%d", i);
		put(&memory, name, i, (__u64)i);
		if (i == SMOOTHED_MAX - 1)
			put(&memory, "5", 5, (__u64)i);
	}
	assert_true(get(&memory, "0", 0) == -1);
	assert_true(get(&memory, "5", 0) == 5);
	assert_true(get(&memory, "9", 0) == -1);
	assert_true(get(&memory, "11", 0) == 11);
	smoothed_forget(&memory);
}

static void test_merge(void **state)
{
	struct smoothed a = {.srtt = 10, .rttvar = 1, .started = true};
	struct smoothed b = {.srtt = 20, .rttvar = 3, .started = true}, none = {0};

	(void)state;
	smoothed_merge(&a, 3, &b, 1);
	assert_true(a.srtt == 12.5 && a.rttvar == 1.5);
	smoothed_merge(&a, 4, &none, 0);
	assert_true(a.srtt == 12.5);
	smoothed_merge(&none, 0, &b, 1);
	assert_true(none.started && none.srtt == 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_remembers),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_merge),
	};

	return cmocka_run_group_tests_name("smoothed", tests, NULL, NULL);
}
