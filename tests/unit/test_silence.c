/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* When silence is explained, and what is said of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "capture.h"
#include "clock.h"
#include "log.h"
#include "silence.h"

#define INTERVAL_S 10

static __u64 counters[COUNTERS];

static int setup(void **state)
{
	(void)state;
	memset(counters, 0, sizeof(counters));
	log_set_level(LEVEL_CRITICAL);
	return 0;
}

/* The end of interval number n, counted from 1. Returns whether it still looks out. */
static bool report(struct silence *s, unsigned int n, double interval_s, bool watched,
		   const struct census_figures *now)
{
	const struct silence_terms terms = {
		.now_ns = NS_PER_S + (__u64)(n * interval_s * NS_PER_S),
		.interval_s = interval_s,
		.watched = watched,
		.counters = counters,
	};

	return silence_follow(s, "eth0", WAY_OUT, now, &terms);
}

/* After how many reports is it logged, if measuring began an interval before the first? */
static unsigned int told_after(double interval_s, bool watched)
{
	struct silence s = {.since_ns = NS_PER_S};
	const struct census_figures some = {.seen.data_received = 1};
	unsigned int n = 1;

	while (report(&s, n, interval_s, watched, &some))
		n++;
	assert_true(s.told);
	return n;
}

static void test_when(void **state)
{
	(void)state;
	assert_int_equal(told_after(10, false), 6);
	assert_int_equal(told_after(0.1, false), 6);
	assert_int_equal(told_after(20, false), 3);
	assert_int_equal(told_after(60, false), 1);
	assert_int_equal(told_after(3600, false), 1);
	assert_int_equal(told_after(10, true), 1);
	assert_int_equal(told_after(1, true), 1);
	assert_int_equal(told_after(60, true), 1);
}

/* Samples end it, and after them it begins anew. */
static void test_samples(void **state)
{
	struct silence s = {.since_ns = NS_PER_S};
	struct census_figures now = {.unanswered = 1};
	unsigned int n = 1;

	(void)state;
	for (; n <= 5; n++)
		assert_true(report(&s, n, INTERVAL_S, false, &now));
	now.samples++;
	assert_false(report(&s, n++, INTERVAL_S, false, &now));
	for (; n <= 11; n++)
		assert_true(report(&s, n, INTERVAL_S, false, &now));
	assert_false(s.told);
	assert_false(report(&s, n++, INTERVAL_S, false, &now));
	assert_true(s.told);
	assert_false(report(&s, n++, INTERVAL_S, false, &now)); /* and not again */
	now.samples++;
	report(&s, n++, INTERVAL_S, false, &now);
	assert_false(s.told);
}

/* While it pauses no time passes. */
static void test_pause(void **state)
{
	struct silence s = {.since_ns = NS_PER_S};
	const struct census_figures now = {.unanswered = 1};

	(void)state;
	assert_true(report(&s, 5, INTERVAL_S, false, &now));
	silence_excuse(&s);
	assert_true(report(&s, 50, INTERVAL_S, false, &now));
	assert_true(report(&s, 55, INTERVAL_S, false, &now));
	assert_false(report(&s, 56, INTERVAL_S, false, &now));
}

/* Nothing passes, which may be said; then something does. */
static void test_nothing(void **state)
{
	struct silence s = {.since_ns = NS_PER_S};
	struct census_figures now = {};
	unsigned int n = 1;

	(void)state;
	for (; n <= 5; n++)
		assert_true(report(&s, n, INTERVAL_S, false, &now));
	assert_false(s.told_nothing);
	assert_true(report(&s, n++, INTERVAL_S, false, &now));
	assert_true(s.told_nothing);
	now.seen.acks_received++;
	for (; n <= 11; n++)
		assert_true(report(&s, n, INTERVAL_S, false, &now));
	assert_false(report(&s, n, INTERVAL_S, false, &now));
	assert_true(s.told);
}

/* Where downloads are usual, they are not mentioned, but losses are. */
static void test_usual(void **state)
{
	struct census_figures now = {.samples = 1, .seen = {1, 0, 1}};
	static struct capture capture;
	const char *said;

	(void)state;
	log_set_level(LEVEL_WARNING);
	log_capture(&capture);
	for (int lost = 0; lost <= 1; lost++) {
		struct silence s = {.since_ns = NS_PER_S};

		report(&s, 1, INTERVAL_S, false, &now);
		now.seen.data_received += 10;
		now.seen.acks_sent += 10;
		counters[COUNTER_CAPTURE_DROPS] += lost;
		for (unsigned int n = 2; !s.told; n++)
			report(&s, n, INTERVAL_S, false, &now);
		said = capture_read(&capture);
		assert_int_equal(count_of(said, "no round-trip time"), lost);
		assert_int_equal(count_of(said, "seen instead: 1 packets that libpcap lost"), lost);
	}
	log_release(&capture);
}

static const char *explained_way(enum way way, struct census_figures now)
{
	static char text[SILENCE_TEXT];
	struct silence s = {.before.seen = {1, 2, 3}};

	now.seen.data_received += 1;
	now.seen.acks_received += 2;
	now.seen.acks_sent += 3;
	if (!silence_explain(&s, way, &now, counters, text))
		assert_string_equal(text, "");
	return text;
}

static const char *explained(struct census_figures now)
{
	return explained_way(WAY_OUT, now);
}

#define EXPLAINED(beginning, end, ...)                                                             \
	do {                                                                                       \
		const char *text = explained((struct census_figures){__VA_ARGS__});                \
		assert_int_equal(strncmp(text, beginning, strlen(beginning)), 0);                  \
		assert_non_null(strstr(text, end));                                                \
	} while (0)

static void test_texts(void **state)
{
	(void)state;
	assert_string_equal(explained((struct census_figures){}), "");
	assert_string_equal(explained((struct census_figures){.answered = 3}), ""); /* idle */
	EXPLAINED("2 connections to peers without any ACK: ", "do the peers answer",
		  .unanswered = 2);
	EXPLAINED("2 connections to peers without any ACK, 5 data segments from peers: ",
		  "do the ACKs for data that leaves here arrive through another interface",
		  .unanswered = 2, .seen.data_received = 5);
	EXPLAINED("5 data segments from peers, 3 ACKs to peers: ", "only the peers send data",
		  .seen = {5, 0, 3});
	EXPLAINED(
		"5 data segments from peers, 6 ACKs from peers for data that did not leave here: ",
		"what this host sends leaves through another interface", .seen = {5, 6, 0});
	EXPLAINED("3 ACKs to peers: ", "only ACKs leave here", .seen.acks_sent = 3);
	counters[COUNTER_FRAGMENTS] = 7;
	EXPLAINED("7 IP fragments: ", "fragments are not measured");
	counters[COUNTER_FRAGMENTS] = 0;
	counters[COUNTER_ACKS_AMBIGUOUS] = 3;
	counters[COUNTER_ACKS_UNSEEN] = 4;
	EXPLAINED("9 connections with 7 segments of no use", "pass here twice", .answered = 9);
	counters[COUNTER_CAPTURE_DROPS] = 8;
	EXPLAINED("8 packets that libpcap lost: libpcap loses packets", "use the BPF backend",
		  .samples = 0);
	/* What is missing may all have been lost. */
	EXPLAINED("8 packets that libpcap lost, 2 connections to peers without any ACK, ",
		  ": libpcap loses packets, and around a loss nothing is measured: use the BPF "
		  "backend, a smaller snaplen, or fewer peers",
		  .unanswered = 2, .answered = 9);
}

#define ARRIVING(beginning, end, ...)                                                              \
	do {                                                                                       \
		const char *text = explained_way(WAY_IN, (struct census_figures){__VA_ARGS__});    \
		assert_int_equal(strncmp(text, beginning, strlen(beginning)), 0);                  \
		assert_non_null(strstr(text, end));                                                \
	} while (0)

/* Of data that arrives, sent and received have changed places. */
static void test_arriving(void **state)
{
	(void)state;
	ARRIVING("2 connections to peers without any ACK: ",
		 "arrives here leave through another interface", .unanswered = 2);
	ARRIVING("5 data segments from peers, 3 ACKs to peers: ",
		 "only data that arrives for them is measured", .seen = {5, 0, 3});
	ARRIVING("6 ACKs from peers for data that did not arrive here: ",
		 "arrives through another interface", .seen = {0, 6, 0});
	ARRIVING("3 ACKs to peers: ", "only ACKs arrive here", .seen.acks_sent = 3);
}

/* The largest numbers fit. */
static void test_length(void **state)
{
	static char text[SILENCE_TEXT];
	const __u64 most = UINT64_MAX;
	struct census_figures now = {
		.seen = {most, most, most}, .answered = UINT32_MAX, .unanswered = UINT32_MAX};
	struct silence s = {};

	(void)state;
	counters[COUNTER_ACKS_AMBIGUOUS] = counters[COUNTER_FRAGMENTS] = most;
	assert_true(silence_explain(&s, WAY_OUT, &now, counters, text));
	assert_non_null(strstr(text, "(asymmetric routing)?"));
	counters[COUNTER_CAPTURE_DROPS] = most;
	assert_true(silence_explain(&s, WAY_OUT, &now, counters, text));
	assert_string_equal(strstr(text, "fewer peers"), "fewer peers");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_when, setup),
		cmocka_unit_test_setup(test_samples, setup),
		cmocka_unit_test_setup(test_pause, setup),
		cmocka_unit_test_setup(test_usual, setup),
		cmocka_unit_test_setup(test_texts, setup),
		cmocka_unit_test_setup(test_arriving, setup),
		cmocka_unit_test_setup(test_length, setup),
		cmocka_unit_test_setup(test_nothing, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
