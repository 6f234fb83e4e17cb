/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counting in groups gives the same as counting one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "samples.h"
#include "window_group.h"

#define RECORDS 5000

static struct flow_record random_record(void)
{
	struct flow_record record = {.count = 1, .flags = rand() % 2 ? RECORD_HAS_PREVIOUS : 0};

	address_set_v4(&record.key.local, htonl(0x0a000001 + (__u32)(rand() % 2)));
	address_set_v4(&record.key.peer, htonl(0xc0000200 + (__u32)(rand() % 100)));
	record.key.local_port = (__u16)rand();
	record.key.peer_port = 443;
	record.key.ifindex = 1 + (__u32)(rand() % 2);
	record.time_ns = (__u64)rand();
	record.rtt[0] = (__u32)rand() % 100000;
	record.rtt[1] = (__u32)rand() % 100000;
	if (rand() % 8 == 0) {
		record.count = BATCH_MAX;
		for (int i = 2; i <= BATCH_MAX; i++)
			record.rtt[i] = (__u32)rand() % 100000;
	}
	return record;
}

static void assert_same(const struct windows *grouped, const struct windows *single)
{
	const struct window *a = grouped->first, *b = single->first;

	for (; a && b; a = window_next(a), b = window_next(b)) {
		assert_memory_equal(&a->key, &b->key, sizeof(a->key));
		assert_string_equal(a->iface, b->iface);
		assert_memory_equal(&a->stats, &b->stats, sizeof(a->stats));
		assert_int_equal(a->histogram.total, b->histogram.total);
		assert_int_equal(histogram_quantile(&a->histogram, 0.5),
				 histogram_quantile(&b->histogram, 0.5));
	}
	assert_null(a);
	assert_null(b);
}

static void test_same_as_one_by_one(void **state)
{
	static const char *const names[] = {"eth0", "a-name-of-15-ch"};
	struct windows grouped = {.keep_histograms = true}, single = grouped;
	struct window_group group;

	(void)state;
	srand(1);
	assert_int_equal(window_group_open(&group, &grouped), 0);
	for (int i = 0; i < RECORDS; i++) {
		struct flow_record record = random_record();
		const char *iface = names[record.key.ifindex - 1];

		window_group_add(&group, &record, iface);
		assert_int_equal(count_record(&single, &record, iface), 0);
		if (rand() % 50 == 0) {
			window_group_count(&group);
			assert_same(&grouped, &single);
		}
	}
	window_group_count(&group);
	assert_same(&grouped, &single);
	assert_int_equal(group.lost, 0);
	window_group_close(&group);
	windows_clear(&grouped);
	windows_clear(&single);
}

static void test_nothing(void **state)
{
	struct windows windows = {0};
	struct window_group group;

	(void)state;
	assert_int_equal(window_group_open(&group, &windows), 0);
	window_group_count(&group);
	assert_null(windows.first);
	window_group_close(&group);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_as_one_by_one),
		cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests_name("window_group", tests, NULL, NULL);
}
