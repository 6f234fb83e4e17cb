/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Records that come in disorder leave in order of time, those of one time as they came; and the
 * clocks by which their times are told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "record_order.h"
#include "wall_offset.h"

static struct record_order order;

static int setup(void **state)
{
	(void)state;
	return record_order_open(&order);
}

static int teardown(void **state)
{
	(void)state;
	record_order_close(&order);
	return 0;
}

/* It says which one it is by its first sample. */
static void put(__u64 time_ns, __u32 which)
{
	struct flow_record record = {.time_ns = time_ns, .count = 1, .rtt = {0, which}};

	assert_true(record_order_has_room(&order));
	record_order_put(&order, &record);
}

static void assert_taken(__u64 until_ns, __u64 time_ns, __u32 which)
{
	const struct flow_record *record = record_order_take(&order, until_ns);

	assert_non_null(record);
	assert_int_equal(record->time_ns, time_ns);
	assert_int_equal(record->rtt[1], which);
}

static void test_order(void **state)
{
	static const __u64 times[] = {50, 10, 30, 30, 60, 20, 30};

	(void)state;
	for (__u32 i = 0; i < ARRAY_SIZE(times); i++)
		put(times[i], i);
	assert_null(record_order_take(&order, 9));
	assert_taken(30, 10, 1);
	assert_taken(30, 20, 5);
	assert_taken(30, 30, 2);
	assert_taken(30, 30, 3);
	assert_taken(30, 30, 6);
	assert_null(record_order_take(&order, 30));
	put(40, 7); /* older than what stayed */
	assert_taken(UINT64_MAX, 40, 7);
	assert_taken(UINT64_MAX, 50, 0);
	assert_false(record_order_is_empty(&order));
	assert_taken(UINT64_MAX, 60, 4);
	assert_true(record_order_is_empty(&order));
	assert_null(record_order_take(&order, UINT64_MAX));
}

/* All that a record has, and nothing beyond it: in the ring buffer another one follows. */
static void test_whole(void **state)
{
	struct flow_record full = {.key = {.local_port = 1, .peer_port = 2, .ifindex = 3},
				   .time_ns = 5,
				   .count = BATCH_MAX,
				   .flags = RECORD_HAS_PREVIOUS,
				   .retransmissions = 4};
	struct flow_record empty = {.key = full.key, .time_ns = 4, .retransmissions = 1};
	void *bytes = malloc(FLOW_RECORD_SIZE(0));

	(void)state;
	for (__u32 i = 0; i <= BATCH_MAX; i++)
		full.rtt[i] = 100 + i;
	assert_non_null(bytes);
	memcpy(bytes, &empty, FLOW_RECORD_SIZE(0));
	record_order_put(&order, &full);
	record_order_put(&order, bytes);
	free(bytes);
	assert_memory_equal(record_order_take(&order, 4), &empty, FLOW_RECORD_SIZE(0));
	assert_memory_equal(record_order_take(&order, 5), &full, sizeof(full));
}

static __u64 last, taken;

static void take_next(void)
{
	const struct flow_record *record = record_order_take(&order, UINT64_MAX);

	assert_non_null(record);
	assert_true(record->time_ns >= last);
	last = record->time_ns;
	taken++;
}

/* By chance, across the ring's end, as it grows, and full. */
static void test_ring(void **state)
{
	(void)state;
	srandom(1);
	for (__u32 i = 0; i < 4 * RECORD_ORDER_MOST; i++) {
		/* One comes at most 100 late; when there is no room, thousands wait. */
		if (i % 3 == 0 && i < RECORD_ORDER_MOST && i > 200)
			take_next();
		else if (!record_order_has_room(&order))
			take_next();
		put(1000 + i - (__u64)random() % 100, i);
	}
	assert_int_equal(order.end - order.first, RECORD_ORDER_MOST);
	while (!record_order_is_empty(&order))
		take_next();
	assert_int_equal(taken, 4 * RECORD_ORDER_MOST);
}

/* What it is ahead stays the same to the nanosecond, until the clock is set. */
static void test_wall_offset(void **state)
{
	__s64 offset = wall_offset_follow(0);

	(void)state;
	for (int i = 0; i < 10000; i++)
		assert_int_equal(wall_offset_follow(offset), offset);
	for (int sign = -1; sign <= 1; sign += 2) {
		__s64 set = wall_offset_follow(offset + sign * (__s64)NS_PER_MS);

		assert_in_range(set - offset + 100000, 0, 200000);
	}
}

#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(order),
		T(whole),
		T(ring),
		T(wall_offset),
	};

	return cmocka_run_group_tests_name("record_order", tests, NULL, NULL);
}
