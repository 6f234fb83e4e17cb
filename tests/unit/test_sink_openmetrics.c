/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The sink for OpenMetrics: what is added up over intervals, and what goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "caught_log.h"
#include "openmetrics_keys.h"
#include "sink_openmetrics.h"
#include "sinks.h"

static struct config config;
static struct sink *sink;
static struct snapshot *snapshot;
static time_t ahead_s;

int clock_gettime(clockid_t clock, struct timespec *now)
{
	if (syscall(SYS_clock_gettime, clock, now))
		return -1;
	if (clock == CLOCK_MONOTONIC)
		now->tv_sec += ahead_s;
	return 0;
}

static int setup(void **state)
{
	catch_log(state);
	ahead_s = 0;
	snapshot = NULL;
	config = (struct config){.idle_ttl_s = 300};
	config.openmetrics_buckets = (struct bucket_bounds){3, {1000000, 2500000, 60000000000}};
	return sink_openmetrics_open(&sink, &config, NULL);
}

static int teardown(void **state)
{
	snapshot_free(snapshot);
	sink->ops->close(sink);
	return release_log(state);
}

static void look(void)
{
	snapshot_free(snapshot);
	snapshot = sink_openmetrics_snapshot(sink);
	assert_non_null(snapshot);
}

static void report(void)
{
	ahead_s += 10;
	sink->ops->report(sink, NULL);
	look();
}

static void take_peer(const char *dst, __u32 ticks)
{
	const struct ends of = {"10.0.0.1", dst, 1, 2, 0};

	take_one(sink, &of, "eth0", 0, ticks);
}

static const struct snapshot_series *series_of(const char *dst)
{
	char labels[128];
	int length =
		snprintf(labels, sizeof(labels), "src=\"10.0.0.1\",dst=\"%s\",iface=\"eth0\"", dst);

	for (unsigned int i = 0; i < snapshot->series; i++) {
		const struct snapshot_series *s = snapshot_at(snapshot, i);

		if (s->labels_length == (unsigned int)length && !memcmp(s->labels, labels, length))
			return s;
	}
	return NULL;
}

static void assert_buckets(const struct snapshot_series *s, __u64 a, __u64 b, __u64 c, __u64 d)
{
	const __u64 expected[] = {a, b, c, d};

	assert_non_null(s);
	assert_memory_equal(s->buckets, expected, sizeof(expected));
}

static void test_sums(void **state)
{
	const __u32 ticks[] = {TICKS_A_MS, TICKS_A_MS + 1, 60 * 1000 * TICKS_A_MS};

	(void)state;
	take(sink, &flow, "eth0", 0, 3, ticks);
	take_handshake(sink, &flow, "eth0", 1000);
	take_retransmissions(sink, &flow, "eth0", 5);
	look();
	assert_int_equal(snapshot->series, 0); /* not before the report */
	report();
	assert_int_equal(snapshot->series, 1);
	assert_buckets(series_of("10.0.0.2"), 1, 1, 1, 0);
	take_one(sink, &flow, "eth0", 0, 60 * 1000 * TICKS_A_MS + 1);
	take_handshake(sink, &flow, "eth0", 500);
	take_retransmissions(sink, &flow, "eth0", 1);
	report();
	assert_buckets(series_of("10.0.0.2"), 1, 1, 1, 1);
	assert_int_equal(series_of("10.0.0.2")->sum,
			 2 * 60002ull * TICKS_A_MS - 2 * TICKS_A_MS + 2);
	assert_int_equal(series_of("10.0.0.2")->handshakes, 2);
	assert_int_equal(series_of("10.0.0.2")->handshake_sum, 1500);
	assert_int_equal(series_of("10.0.0.2")->retransmissions, 6);
	report();
	assert_buckets(series_of("10.0.0.2"), 1, 1, 1, 1); /* nothing new: all stays */
}

static void test_silence(void **state)
{
	(void)state;
	take_peer("10.0.0.3", 1);
	report();
	ahead_s += 3589;
	take_peer("10.0.0.4", 1);
	report(); /* 3599 s after */
	assert_int_equal(snapshot->series, 2);
	report();
	assert_int_equal(snapshot->series, 1);
	assert_null(series_of("10.0.0.3"));
	take_peer("10.0.0.3", 1); /* begins anew */
	report();
	assert_buckets(series_of("10.0.0.3"), 1, 0, 0, 0);
}

static void test_max_series(void **state)
{
	const struct snapshot_series *other;

	(void)state;
	config.max_series = 2;
	sink->ops->reconfigure(sink, &config);
	take_peer("10.0.0.2", 1);
	take_peer("10.0.0.3", 1);
	take_peer("10.0.0.4", 1);
	take_peer("10.0.0.5", 1);
	report();
	other = series_of("other");
	assert_buckets(other, 2, 0, 0, 0);
	assert_int_equal(snapshot->series, 3);
	assert_int_equal(snapshot->facts.counters[COUNTERS].value, 2);
	assert_string_equal(snapshot->facts.counters[COUNTERS].name, "series_folded");
	report();
	assert_int_equal(snapshot->series, 2); /* silent ones go, the oldest first */
	/* Those that have samples do not go. */
	take_peer("10.0.0.6", 1);
	take_peer("10.0.0.7", 1);
	report();
	assert_int_equal(snapshot->series, 2);
	assert_non_null(series_of("10.0.0.6"));
	assert_non_null(series_of("10.0.0.7"));
	assert_non_null(strstr(capture_read(&capture), "max_series (2)"));
}

static void test_aggregate(void **state)
{
	(void)state;
	config.aggregate = (struct aggregate){AGGREGATE_NETWORK, 24, 64};
	sink->ops->reconfigure(sink, &config);
	take_peer("10.0.0.2", 1);
	take_peer("10.0.0.3", TICKS_A_MS * 2);
	report();
	assert_int_equal(snapshot->series, 1);
	assert_buckets(series_of("10.0.0.0/24"), 1, 1, 0, 0);
}

/* Other bounds cannot go on from the old ones; with the same, all goes on. */
static void test_other_buckets(void **state)
{
	(void)state;
	take_peer("10.0.0.2", TICKS_A_MS);
	sink->ops->reconfigure(sink, &config);
	look();
	assert_buckets(series_of("10.0.0.2"), 1, 0, 0, 0);
	openmetrics_default_buckets(&config.openmetrics_buckets);
	sink->ops->reconfigure(sink, &config);
	look();
	assert_int_equal(snapshot->series, 0);
	take_peer("10.0.0.2", TICKS_A_MS);
	report();
	assert_int_equal(snapshot->bounds.count, 21);
	assert_int_equal(series_of("10.0.0.2")->buckets[6], 1);
}

static void test_counters(void **state)
{
	__u64 counters[COUNTERS] = {[COUNTER_SAMPLES] = 7, [COUNTER_REATTACHED] = 2};

	(void)state;
	sink->ops->report(sink, counters);
	report(); /* without counters: they stay */
	assert_int_equal(snapshot->facts.counters_count, COUNTERS + 1);
	assert_string_equal(snapshot->facts.counters[COUNTER_SAMPLES].name, "samples");
	assert_int_equal(snapshot->facts.counters[COUNTER_SAMPLES].value, 7);
	assert_int_equal(snapshot->facts.counters[COUNTER_REATTACHED].value, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_sums),      TEST(test_silence),       TEST(test_max_series),
		TEST(test_aggregate), TEST(test_other_buckets), TEST(test_counters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
