/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Metrics by choice, distributions, smoothing and telemetry, judged by the bytes that arrive. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "chosen_metrics.h"
#include "counter_names.h"
#include "statsd_client.h"

static void test_all_metrics(void **state)
{
	struct statsd_fixture *f = *state;

	choose(f, DIALECT_DOGSTATSD, ALL);
	take_everything(f);
	assert_int_equal(report(f), 1);
	/* The middle of the bucket that 21 ms (328125 ticks) are in is 327680 + 2048. */
	assert_string_equal(text, "system.net.tcp.rtt.avg:21.000000|g" TAGS "\n"
				  "system.net.tcp.rtt.jitter:1.500000|g" TAGS "\n"
				  "system.net.tcp.rtt:21.000000|g" TAGS "\n"
				  "system.net.tcp.rtt.min:20.000000|g" TAGS "\n"
				  "system.net.tcp.rtt.max:22.000000|g" TAGS "\n"
				  "system.net.tcp.rtt.p50:21.102592|g" TAGS "\n"
				  "system.net.tcp.rtt.p95:21.889024|g" TAGS "\n"
				  "system.net.tcp.rtt.p99:21.889024|g" TAGS "\n"
				  "system.net.tcp.rtt.samples:3|c" TAGS "\n"
				  "system.net.tcp.handshake:30.500000|g" TAGS "\n"
				  "system.net.tcp.retransmissions:5|c" TAGS);
	assert_int_equal(report(f), 0);
}

/* One at a time, and each under a name of its own. */
static void test_each_metric_alone(void **state)
{
	struct statsd_fixture *f = *state;
	char line[200];

	for (enum metric m = 0; m < METRICS; m++) {
		choose(f, DIALECT_DOGSTATSD, METRIC_BIT(m));
		take_everything(f);
		assert_int_equal(report(f), 1);
		snprintf(line, sizeof(line), "%s:", metric_name(m));
		assert_int_equal(strncmp(text, line, strlen(line)), 0);
		assert_int_equal(count_of(text, "\n"), 0);
		for (enum metric other = 0; other < m; other++)
			assert_string_not_equal(metric_name(m), metric_name(other));
		assert_string_not_equal(metric_name(m), METRIC_DISTRIBUTION_NAME);
	}
}

/* What was not measured in an interval is not reported. */
static void test_no_gauge_without_samples(void **state)
{
	struct statsd_fixture *f = *state;

	choose(f, DIALECT_DOGSTATSD, ALL);
	take_handshake(f->sink, &flow, "lo", 30 * TICKS_A_MS);
	assert_int_equal(report(f), 1);
	assert_string_equal(text, "system.net.tcp.handshake:30.000000|g" TAGS);
	take_retransmissions(f->sink, &flow, "lo", 2);
	assert_int_equal(report(f), 1);
	assert_string_equal(text, "system.net.tcp.retransmissions:2|c" TAGS);
	take_one(f->sink, &flow, "lo", 0, TICKS_A_MS);
	assert_int_equal(report(f), 1);
	assert_null(strstr(text, "handshake"));
	assert_non_null(strstr(text, "retransmissions:0|c"));
	choose(f, DIALECT_DOGSTATSD, METRICS_DEFAULT);
	take_handshake(f->sink, &flow, "lo", 30 * TICKS_A_MS);
	take_retransmissions(f->sink, &flow, "lo", 2);
	assert_int_equal(report(f), 0);
}

/* Two addresses of one name: handshakes, counts and histograms are added up, too. */
static void test_all_of_a_name(void **state)
{
	struct statsd_fixture *f = *state;
	const struct ends one = {"10.0.0.1", "10.8.0.1", 1, 2, f->lo};
	const struct ends two = {"10.0.0.1", "10.9.0.1", 1, 2, f->lo};

	choose(f, DIALECT_STATSD, ALL);
	for (int i = 0; i < 99; i++)
		take_one(f->sink, &one, "lo", 0, 1 * TICKS_A_MS);
	take_one(f->sink, &two, "lo", 0, 100 * TICKS_A_MS);
	take_handshake(f->sink, &one, "lo", 10 * TICKS_A_MS);
	take_handshake(f->sink, &two, "lo", 20 * TICKS_A_MS);
	take_retransmissions(f->sink, &one, "lo", 1);
	take_retransmissions(f->sink, &two, "lo", 2);
	report(f);
	assert_int_equal(count_of(text, ".10_0_0_1.www_example_org.lo:"), METRICS);
	assert_non_null(strstr(text, "samples.10_0_0_1.www_example_org.lo:100|c"));
	assert_non_null(strstr(text, "handshake.10_0_0_1.www_example_org.lo:15.000000|g"));
	assert_non_null(strstr(text, "retransmissions.10_0_0_1.www_example_org.lo:3|c"));
	assert_non_null(strstr(text, "max.10_0_0_1.www_example_org.lo:100.000000|g"));
	assert_non_null(strstr(text, "p50.10_0_0_1.www_example_org.lo:1.0"));
	assert_non_null(strstr(text, "p99.10_0_0_1.www_example_org.lo:1.0"));
}

/* ---- distributions ---- */

static void test_distribution_values(void **state)
{
	struct statsd_fixture *f = *state;
	const __u32 rtt[] = {0, 1, 15625, 15626, 1562500, 4687, UINT32_MAX, 10 * 15625};

	f->config.distribution = true;
	choose(f, DIALECT_DOGSTATSD, 0);
	take(f->sink, &flow, "lo", 0, 8, rtt);
	take_handshake(f->sink, &flow, "lo", 77); /* no sample */
	assert_int_equal(report(f), 1);
	assert_string_equal(text, "system.net.tcp.rtt.distribution:"
				  "0:0.000064:1:1.000064:100:0.299968:274877.90688:10|d" TAGS);
	assert_int_equal(report(f), 0);
}

/* Each sample arrives once and in order, lines are full, and no datagram is too long. */
static void test_distribution_of_many(void **state)
{
	struct statsd_fixture *f = *state;
	const int samples = 40000;
	__u32 next = 100000, rtt[BATCH_MAX];
	int lines = 0, length;
	char *values, *end;

	f->config.distribution = true;
	choose(f, DIALECT_DOGSTATSD, METRIC_BIT(METRIC_SAMPLES));
	for (int taken = 0, got = 0; got < samples;) {
		for (int i = 0; i < BATCH_MAX && taken + i < samples; i++)
			rtt[i] = 100000 + (__u32)(taken + i);
		if (taken < samples) {
			int count = samples - taken < BATCH_MAX ? samples - taken : BATCH_MAX;

			take(f->sink, &flow, "lo", 0, (unsigned int)count, rtt);
			taken += count;
			if (taken == samples)
				f->sink->ops->report(f->sink, NULL);
		} else {
			statsd_pump(f->sink);
		}
		while ((length = recv(f->server, text, sizeof(text) - 1, MSG_DONTWAIT)) > 0) {
			assert_in_range(length, 1, STATSD_DATAGRAM_MAX);
			text[length] = '\0';
			values = strstr(text, METRIC_DISTRIBUTION_NAME ":");
			if (!values)
				continue;
			lines++;
			values += strlen(METRIC_DISTRIBUTION_NAME);
			while (*values == ':') {
				double ms = strtod(values + 1, &end);

				assert_int_equal((__u32)(ms * 15625 + 0.5), next);
				next++;
				got++;
				values = end;
			}
			assert_int_equal(strncmp(values, "|d" TAGS, strlen("|d" TAGS)), 0);
		}
	}
	/* 8 characters and a colon each, in what names and tags leave of 1432 bytes. */
	assert_in_range(lines, samples / 153, samples / 149 + 1);
}

/* Two instances, two sets of tags of different length: the same samples under both. */
static void test_distribution_of_two_instances(void **state)
{
	struct statsd_fixture *f = *state;
	const struct ends shared = {"10.0.0.1", "10.9.0.1", 1, 2, f->lo};
	int counts[2] = {0};

	f->config.distribution = true;
	choose(f, DIALECT_DOGSTATSD, 0);
	for (int i = 0; i < 3000; i++)
		take_one(f->sink, &shared, "lo", 0, 100001);
	assert_true(report(f) >= 2 * 3000 / 153);
	for (char *rest = text, *line; (line = strsep(&rest, "\n"));)
		if (strstr(line, "|d|#"))
			counts[strstr(line, "net:lab") != NULL] += count_of(line, ":6.400064");
	assert_int_equal(counts[0], 3000);
	assert_int_equal(counts[1], 3000);
}

/* ---- smoothing ---- */

static void test_soften(void **state)
{
	struct statsd_fixture *f = *state;

	f->config.soften = true;
	choose(f, DIALECT_DOGSTATSD, METRICS_DEFAULT);
	take_one(f->sink, &flow, "lo", 0, 100 * TICKS_A_MS);
	report(f);
	assert_non_null(strstr(text, "rtt.avg:100.000000|g"));
	assert_non_null(strstr(text, "rtt.jitter:50.000000|g"));
	assert_non_null(strstr(text, "rtt:100.000000|g"));
	assert_int_equal(report(f), 0);
	/* It goes on in the next interval. */
	take_one(f->sink, &flow, "lo", 0, 180 * TICKS_A_MS);
	report(f);
	assert_non_null(strstr(text, "rtt.avg:110.000000|g"));
	assert_non_null(strstr(text, "rtt.jitter:57.500000|g"));
	assert_non_null(strstr(text, "rtt:180.000000|g"));
}

/* Peers of two instances under one label are two series, each with a past of its own. */
static void test_soften_keeps_tags_apart(void **state)
{
	struct statsd_fixture *f = *state;
	const struct ends web = {"10.0.0.1", "10.0.0.2", 40000, 443, f->lo};
	const struct ends net = {"10.0.0.1", "10.9.0.9", 40000, 443, f->lo};

	f->config.soften = true;
	f->config.aggregate = (struct aggregate){.by = AGGREGATE_NETWORK, .bits_v4 = 8};
	choose(f, DIALECT_DOGSTATSD, METRICS_DEFAULT);
	for (int i = 0; i < 3; i++) {
		take_one(f->sink, &web, "lo", 0, 100 * TICKS_A_MS);
		take_one(f->sink, &net, "lo", 0, 500 * TICKS_A_MS);
		report(f);
		assert_non_null(strstr(text, "rtt.avg:100.000000|g|#src:10.0.0.1,dst:10.0.0.0/8,"
					     "env:bench,"));
		assert_non_null(strstr(text, "rtt.avg:500.000000|g|#src:10.0.0.1,dst:10.0.0.0/8,"
					     "net:lab,"));
	}
}

static void test_soften_forgets(void **state)
{
	struct statsd_fixture *f = *state;
	const __u32 rtt[] = {100 * TICKS_A_MS};
	struct flow_record record = make_record(&flow, 1000, 1, rtt);

	f->config.soften = true;
	choose(f, DIALECT_DOGSTATSD, METRICS_DEFAULT);
	take_record(f->sink, &record, "lo");
	report(f);
	record.time_ns += 301 * 1000000000ull; /* idle_ttl is 300 s */
	record.rtt[1] = 180 * TICKS_A_MS;
	take_record(f->sink, &record, "lo");
	report(f);
	assert_non_null(strstr(text, "rtt.avg:180.000000|g"));
	assert_non_null(strstr(text, "rtt.jitter:90.000000|g"));
}

/* ---- telemetry ---- */

static void test_telemetry(void **state)
{
	struct statsd_fixture *f = *state;
	__u64 counters[COUNTERS];
	char line[100];

	f->config.telemetry = true;
	statsd_reopen(f);
	for (int i = 0; i < COUNTERS; i++)
		counters[i] = 1000 + (__u64)i;
	take(f->sink, &flow, "lo", 0, 3, three);
	f->sink->ops->report(f->sink, counters);
	assert_int_equal(server_receive_all(f->server, text, sizeof(text)), 1);
	for (enum counter c = 0; c < COUNTERS; c++) {
		assert_non_null(counter_name(c));
		snprintf(line, sizeof(line), "\nbpf_metro.%s:%d|c\n", counter_name(c), 1000 + c);
		assert_int_equal(count_of(text, line), 1);
	}
	assert_non_null(strstr(text, "\nbpf_metro.datagrams_sent:0|c\n"
				     "bpf_metro.datagrams_refused:0|c\n"
				     "bpf_metro.lines_overlong:0|c\n"
				     "bpf_metro.series_folded:0|c\n"
				     "bpf_metro.series:1|g"));
	/* From now on only what is new, also if that is zero. */
	counters[COUNTER_FLOWS] += 7;
	f->sink->ops->report(f->sink, counters);
	server_receive_all(f->server, text, sizeof(text));
	assert_int_equal(count_of(text, "bpf_metro."), COUNTERS + 5);
	assert_non_null(strstr(text, "bpf_metro.flows:7|c\n"));
	assert_non_null(strstr(text, "bpf_metro.samples:0|c\n"));
	assert_non_null(strstr(text, "bpf_metro.datagrams_sent:1|c\n"));
	assert_non_null(strstr(text, "bpf_metro.series:0|g"));
	/* The last report may come without the backend's. */
	assert_int_equal(report(f), 1);
	assert_int_equal(count_of(text, "bpf_metro."), 5);
}

static void test_telemetry_is_off(void **state)
{
	struct statsd_fixture *f = *state;
	__u64 counters[COUNTERS] = {1, 2, 3};

	f->sink->ops->report(f->sink, counters);
	assert_int_equal(server_receive_all(f->server, text, sizeof(text)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATSD_TEST(test_all_metrics),
		STATSD_TEST(test_each_metric_alone),
		STATSD_TEST(test_no_gauge_without_samples),
		STATSD_TEST(test_all_of_a_name),
		STATSD_TEST(test_distribution_values),
		STATSD_TEST(test_distribution_of_many),
		STATSD_TEST(test_distribution_of_two_instances),
		STATSD_TEST(test_soften),
		STATSD_TEST(test_soften_keeps_tags_apart),
		STATSD_TEST(test_soften_forgets),
		STATSD_TEST(test_telemetry),
		STATSD_TEST(test_telemetry_is_off),
	};

	return cmocka_run_group_tests_name("sink_metrics", tests, NULL, NULL);
}
