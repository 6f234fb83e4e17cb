/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The arithmetic of windows, by hand: means, jitter, extremes, and which records share one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "array.h"
#include "samples.h"
#include "window.h"

static const struct ends first_flow = {"10.0.0.1", "10.0.0.2", 40000, 443, 3};
static const struct ends second_flow = {"10.0.0.1", "10.0.0.2", 40001, 443, 3};

static void add(struct windows *windows, const struct flow_record *record)
{
	assert_int_equal(count_record(windows, record, "eth0"), 0);
}

static unsigned int count_windows(const struct windows *windows)
{
	unsigned int count = 0;

	for (const struct window *w = windows->first; w; w = window_next(w))
		count++;
	return count;
}

static void assert_near(double is, double should)
{
	assert_float_equal(is, should, 1e-9);
}

static void test_one_sample(void **state)
{
	const __u32 rtt[] = {20 * TICKS_A_MS};
	struct flow_record record = make_record(&first_flow, 1000, 1, rtt);
	struct windows windows = {0};
	const struct window *w;

	(void)state;
	add(&windows, &record);
	w = windows.first;
	assert_non_null(w);
	assert_memory_equal(&w->key.src, &record.key.local, sizeof(struct address));
	assert_memory_equal(&w->key.dst, &record.key.peer, sizeof(struct address));
	assert_int_equal(w->key.ifindex, 3);
	assert_string_equal(w->iface, "eth0");
	assert_int_equal(w->stats.count, 1);
	assert_near(window_mean_ms(&w->stats), 20);
	assert_near(window_ticks_ms(w->stats.last), 20);
	assert_near(window_jitter_ms(&w->stats), 0);
	windows_clear(&windows);
	assert_null(windows.first);
}

/* 10, 14, 11, 11 ms: mean 11.5, differences 4, 3, 0, so their mean is 7/3. */
static void test_arithmetic(void **state)
{
	const __u32 rtt[] = {10 * TICKS_A_MS, 14 * TICKS_A_MS, 11 * TICKS_A_MS, 11 * TICKS_A_MS};
	struct flow_record record = make_record(&first_flow, 1000, 4, rtt);
	struct windows windows = {0};
	const struct window_stats *stats;

	(void)state;
	add(&windows, &record);
	stats = &windows.first->stats;
	assert_int_equal(stats->count, 4);
	assert_int_equal(stats->differences, 3);
	assert_near(window_mean_ms(stats), 11.5);
	assert_near(window_jitter_ms(stats), 7.0 / 3);
	assert_near(window_ticks_ms(stats->last), 11);
	assert_near(window_ticks_ms(stats->min), 10);
	assert_near(window_ticks_ms(stats->max), 14);
	windows_clear(&windows);
}

/* The sample before the batch counts for the jitter and for nothing else: 50 -> 10 -> 14. */
static void test_previous_sample(void **state)
{
	const __u32 rtt[] = {10 * TICKS_A_MS, 14 * TICKS_A_MS};
	struct flow_record record = make_record(&first_flow, 1000, 2, rtt);
	struct windows windows = {0};
	const struct window_stats *stats;

	(void)state;
	set_previous(&record, 50 * TICKS_A_MS);
	add(&windows, &record);
	stats = &windows.first->stats;
	assert_int_equal(stats->count, 2);
	assert_int_equal(stats->differences, 2);
	assert_near(window_mean_ms(stats), 12);
	assert_near(window_jitter_ms(stats), 22);
	assert_near(window_ticks_ms(stats->max), 14);
	windows_clear(&windows);
}

/* Two flows, 10 and 90 ms: no difference is taken between one and the other. */
static void test_flows_share_a_window(void **state)
{
	const __u32 low[] = {10 * TICKS_A_MS, 12 * TICKS_A_MS};
	const __u32 high[] = {90 * TICKS_A_MS, 91 * TICKS_A_MS};
	struct flow_record a = make_record(&first_flow, 1000, 2, low);
	struct flow_record b = make_record(&second_flow, 2000, 2, high);
	struct windows windows = {0};
	const struct window_stats *stats;

	(void)state;
	add(&windows, &a);
	add(&windows, &b);
	assert_int_equal(count_windows(&windows), 1);
	stats = &windows.first->stats;
	assert_int_equal(stats->count, 4);
	assert_near(window_mean_ms(stats), 50.75);
	assert_near(window_jitter_ms(stats), 1.5);
	assert_near(window_ticks_ms(stats->last), 91);
	windows_clear(&windows);
}

static void test_last_is_by_time_not_by_order(void **state)
{
	const __u32 early[] = {1 * TICKS_A_MS}, late[] = {2 * TICKS_A_MS},
		    same[] = {3 * TICKS_A_MS};
	struct flow_record newer = make_record(&first_flow, 2000, 1, late);
	struct flow_record older = make_record(&second_flow, 1000, 1, early);
	struct flow_record equal = make_record(&second_flow, 2000, 1, same);
	struct windows windows = {0};

	(void)state;
	add(&windows, &newer);
	add(&windows, &older);
	assert_near(window_ticks_ms(windows.first->stats.last), 2);
	add(&windows, &equal);
	assert_near(window_ticks_ms(windows.first->stats.last), 3);

	/* The next interval starts without the times of this one. */
	windows_clear(&windows);
	add(&windows, &older);
	assert_near(window_ticks_ms(windows.first->stats.last), 1);
	windows_clear(&windows);
}

static void test_what_makes_a_window(void **state)
{
	static const struct ends flows[] = {
		{"10.0.0.1", "10.0.0.2", 1, 2, 3}, {"10.0.0.1", "10.0.0.2", 9, 2, 3},
		{"10.0.0.1", "10.0.0.2", 1, 9, 3}, {"10.0.0.9", "10.0.0.2", 1, 2, 3},
		{"10.0.0.1", "10.0.0.9", 1, 2, 3}, {"10.0.0.1", "10.0.0.2", 1, 2, 9},
		{"fd00::1", "fd00::2", 1, 2, 3},   {"10.0.0.2", "10.0.0.1", 1, 2, 3},
	};
	const __u32 rtt[] = {TICKS_A_MS};
	struct windows windows = {0};
	struct flow_record record;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(flows); i++) {
		record = make_record(&flows[i], 1, 1, rtt);
		add(&windows, &record);
	}
	assert_int_equal(count_windows(&windows), 6);
	assert_int_equal(windows.first->stats.count, 3);
	windows_clear(&windows);
}

static void test_extremes(void **state)
{
	const unsigned int highest = (BATCH_MAX + 1) / 2; /* in each record */
	__u32 rtt[BATCH_MAX];
	struct flow_record record;
	struct windows windows = {0};
	const struct window_stats *stats;

	(void)state;
	for (int i = 0; i < BATCH_MAX; i++)
		rtt[i] = i % 2 ? 0 : UINT32_MAX;
	record = make_record(&first_flow, UINT64_MAX, BATCH_MAX, rtt);
	for (int i = 0; i < 1000; i++)
		add(&windows, &record);
	stats = &windows.first->stats;
	assert_int_equal(stats->count, 1000 * BATCH_MAX);
	assert_int_equal(stats->sum, 1000ULL * highest * UINT32_MAX);
	assert_int_equal(stats->difference_sum, 1000ULL * (BATCH_MAX - 1) * UINT32_MAX);
	assert_int_equal(stats->min, 0);
	assert_int_equal(stats->max, UINT32_MAX);
	assert_near(window_mean_ms(stats), (double)highest / BATCH_MAX * 274877.90688);
	windows_clear(&windows);
}

/* A record of n samples ends after its last: what follows belongs to another record. */
static void test_reads_no_more_than_count(void **state)
{
	const __u32 rtt[] = {TICKS_A_MS, 3 * TICKS_A_MS};
	struct flow_record whole = make_record(&first_flow, 1, 2, rtt);
	void *cut = malloc(FLOW_RECORD_SIZE(2));
	struct windows windows = {0};

	(void)state;
	assert_non_null(cut);
	memcpy(cut, &whole, FLOW_RECORD_SIZE(2));
	add(&windows, cut);
	free(cut);
	assert_int_equal(windows.first->stats.count, 2);
	windows_clear(&windows);
}

static void test_odd_records(void **state)
{
	const __u32 rtt[BATCH_MAX] = {TICKS_A_MS};
	struct flow_record record = make_record(&first_flow, 1, BATCH_MAX, rtt);
	struct windows windows = {0};

	(void)state;
	record.count = 0;
	add(&windows, &record);
	assert_null(windows.first);
	record.count = UINT8_MAX;
	add(&windows, &record);
	assert_int_equal(windows.first->stats.count, BATCH_MAX);
	windows_clear(&windows);
}

static void test_long_interface_name(void **state)
{
	const __u32 rtt[] = {TICKS_A_MS};
	struct flow_record record = make_record(&first_flow, 1, 1, rtt);
	struct windows windows = {0};

	(void)state;
	assert_int_equal(count_record(&windows, &record, "a-name-longer-than-the-kernel's"), 0);
	assert_string_equal(windows.first->iface, "a-name-longer-t");
	windows_clear(&windows);
}

static void test_merge(void **state)
{
	const __u32 low[] = {10 * TICKS_A_MS, 12 * TICKS_A_MS}, high[] = {20 * TICKS_A_MS};
	struct flow_record a = make_record(&first_flow, 2000, 2, low);
	struct flow_record b = make_record(&second_flow, 1000, 1, high);
	struct window_stats sum = {0}, one = {0}, two = {0}, none = {0};

	(void)state;
	window_stats_add(&one, &a);
	window_stats_add(&two, &b);
	window_stats_merge(&sum, &one);
	window_stats_merge(&sum, &two);
	window_stats_merge(&sum, &none);
	assert_int_equal(sum.count, 3);
	assert_near(window_mean_ms(&sum), 14);
	assert_near(window_jitter_ms(&sum), 2);
	assert_near(window_ticks_ms(sum.last), 12);
	assert_near(window_ticks_ms(sum.min), 10);
	assert_near(window_ticks_ms(sum.max), 20);
}

/* A handshake's time is no sample, and something sent again alone makes no window unless asked. */
static void test_handshakes_and_retransmissions(void **state)
{
	const __u32 time[] = {30 * TICKS_A_MS}, rtt[] = {20 * TICKS_A_MS};
	struct flow_record handshake = make_record(&first_flow, 1000, 1, time);
	struct flow_record again = make_record(&first_flow, 1000, 0, NULL);
	struct flow_record sample = make_record(&first_flow, 500, 1, rtt);
	struct windows plain = {0}, all = {.keep_handshakes = true, .keep_retransmissions = true};
	const struct window_stats *stats;

	(void)state;
	handshake.flags = RECORD_HANDSHAKE;
	again.retransmissions = 7;
	add(&plain, &handshake);
	add(&plain, &again);
	assert_null(plain.first);
	add(&all, &handshake);
	stats = &all.first->stats;
	assert_int_equal(stats->count, 0);
	assert_true(window_has_data(all.first));
	handshake.rtt[1] = 40 * TICKS_A_MS;
	add(&all, &handshake);
	add(&all, &again);
	sample.retransmissions = 2;
	add(&all, &sample);
	assert_int_equal(count_windows(&all), 1);
	assert_int_equal(stats->handshakes, 2);
	assert_near(window_handshake_ms(stats), 35);
	assert_int_equal(stats->retransmissions, 9);
	assert_int_equal(stats->count, 1);
	assert_int_equal(stats->differences, 0);
	assert_near(window_ticks_ms(stats->max), 20);
	windows_clear(&all);
}

static void test_merge_takes_all(void **state)
{
	const __u32 low[] = {10 * TICKS_A_MS}, high[] = {90 * TICKS_A_MS, 91 * TICKS_A_MS};
	struct flow_record a = make_record(&first_flow, 1000, 1, low);
	struct flow_record b = make_record(&second_flow, 2000, 2, high);
	struct windows windows = {.keep_histograms = true};
	struct window sum = {0};

	(void)state;
	b.key.peer.bytes[15]++;
	b.retransmissions = 3;
	add(&windows, &a);
	add(&windows, &b);
	assert_int_equal(window_merge(&sum, windows.first), 0);
	assert_int_equal(window_merge(&sum, window_next(windows.first)), 0);
	assert_int_equal(sum.stats.count, 3);
	assert_int_equal(sum.stats.retransmissions, 3);
	assert_true(window_quantile_ms(&sum, 0.3) < 10.1);
	assert_true(window_quantile_ms(&sum, 0.5) > 89);
	window_reset(&sum);
	assert_false(window_has_data(&sum));
	windows_clear(&windows);
}

/* RFC 6298, 2.2 and 2.3: 100, then 180: RTTVAR 0.75 * 50 + 0.25 * 80, SRTT 0.875 * 100 + 22.5. */
static void test_smoothed(void **state)
{
	const __u32 first[] = {100 * TICKS_A_MS}, second[] = {180 * TICKS_A_MS};
	struct flow_record a = make_record(&first_flow, 1000, 1, first);
	struct flow_record b = make_record(&second_flow, 2000, 1, second);
	struct windows windows = {.smooth = true};
	const struct smoothed *smoothed;

	(void)state;
	add(&windows, &a);
	smoothed = &windows.first->stats.smoothed;
	assert_near(window_ticks_ms(smoothed->srtt), 100);
	assert_near(window_ticks_ms(smoothed->rttvar), 50);
	add(&windows, &b);
	assert_near(window_ticks_ms(smoothed->srtt), 110);
	assert_near(window_ticks_ms(smoothed->rttvar), 57.5);
	windows_clear(&windows);
}

static void test_pending(void **state)
{
	const __u32 rtt[BATCH_MAX] = {0};
	struct flow_record record = make_record(&first_flow, 1000, BATCH_MAX, rtt);
	struct windows windows = {.keep_pending = true};
	struct window *w;
	__u32 next = 0, added = 0;

	(void)state;
	for (int round = 0; round < 3; round++) {
		do {
			for (int i = 1; i <= BATCH_MAX; i++)
				record.rtt[i] = added++;
			add(&windows, &record);
			w = windows.first;
		} while (!window_pending_is_full(w));
		assert_true(w->pending.count > WINDOW_PENDING_MAX - BATCH_MAX);
		assert_int_equal(w->pending.ticks[0], next);
		assert_int_equal(w->pending.ticks[w->pending.count - 1], added - 1);
		window_pending_take(w, 700);
		next += 700;
	}
	windows_clear(&windows);
}

static void test_nothing_is_zero(void **state)
{
	struct window_stats none = {0};

	(void)state;
	assert_near(window_mean_ms(&none), 0);
	assert_near(window_jitter_ms(&none), 0);
}

/* Enough to make the hash grow; in the order they came. */
static void test_many_windows(void **state)
{
	const __u32 rtt[] = {TICKS_A_MS};
	struct flow_record record = make_record(&first_flow, 1, 1, rtt);
	struct windows windows = {0};
	__u32 expected = 0;

	(void)state;
	for (int round = 0; round < 2; round++) {
		for (__u32 i = 0; i < 20000; i++) {
			record.key.peer.words[3] = htonl(0x0a000000 + i);
			add(&windows, &record);
		}
	}
	for (const struct window *w = windows.first; w; w = window_next(w)) {
		assert_int_equal(w->key.dst.words[3], htonl(0x0a000000 + expected++));
		assert_int_equal(w->stats.count, 2);
	}
	assert_int_equal(expected, 20000);
	windows_clear(&windows);
	assert_null(windows.first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_sample),
		cmocka_unit_test(test_arithmetic),
		cmocka_unit_test(test_previous_sample),
		cmocka_unit_test(test_flows_share_a_window),
		cmocka_unit_test(test_last_is_by_time_not_by_order),
		cmocka_unit_test(test_what_makes_a_window),
		cmocka_unit_test(test_extremes),
		cmocka_unit_test(test_reads_no_more_than_count),
		cmocka_unit_test(test_odd_records),
		cmocka_unit_test(test_long_interface_name),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_handshakes_and_retransmissions),
		cmocka_unit_test(test_merge_takes_all),
		cmocka_unit_test(test_smoothed),
		cmocka_unit_test(test_pending),
		cmocka_unit_test(test_nothing_is_zero),
		cmocka_unit_test(test_many_windows),
	};

	return cmocka_run_group_tests_name("window", tests, NULL, NULL);
}
