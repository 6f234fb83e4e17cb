/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Lines of --output summary, byte by byte behind their times; what is merged, and what fails.
 * Figures of captures, the schema and intervals are tested in test_summary.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "statsd_fixture.h"

#define TIMES                                                                                      \
	"{\"from\":\"2026-11-23T10:00:00.123456789Z\",\"to\":\"2026-11-23T10:00:00.123456789Z\","
#define HOSTS "\"src\":\"10.0.0.1\",\"dst\":\"10.0.0.2\","
#define THREE                                                                                      \
	"\"samples\":3,\"last_ns\":21000000,\"avg_ns\":21000000,\"min_ns\":20000000,\"max_ns\":"   \
	"22000000,"
#define THREE_RANKS                                                                                \
	"\"p50_ns\":21102592,\"p95_ns\":21889024,\"p99_ns\":21889024,\"jitter_ns\":1500000,"
#define REST "\"handshakes\":2,\"handshake_ns\":30500000,\"retransmissions\":5}\n"

static void take_everything(struct sink *sink)
{
	take(sink, &flow, "lo", 0, 3, three);
	take_handshake(sink, &flow, "lo", 30 * TICKS_A_MS);
	take_handshake(sink, &flow, "lo", 31 * TICKS_A_MS);
	take_retransmissions(sink, &flow, "lo", 5);
}

static void test_capture(void **state)
{
	struct capture out;
	struct sink *sink;

	(void)state;
	assert_int_equal(sink_summary_open(&sink, NULL, NULL), 0);
	take_everything(sink);
	stdout_capture(&out);
	assert_int_equal(sink->ops->close(sink), 0);
	stdout_restore(&out);
	assert_string_equal(capture_read(&out),
			    TIMES HOSTS "\"tags\":[],\"iface\":\"lo\"," THREE THREE_RANKS REST);
	capture_free(&out);
}

/* Two instances with a peer in common and other tags: a line each, in every interval anew. */
static void test_live(void **state)
{
	struct statsd_fixture *f = *state;
	struct capture out;
	struct sink *sink;
	const char *text;

	assert_int_equal(sink_summary_open(&sink, &f->config, f->peers), 0);
	flow.ifindex = f->lo;
	take_everything(sink);
	stdout_capture(&out);
	sink->ops->report(sink, NULL);
	sink->ops->report(sink, NULL);
	take_one(sink, &flow, "lo", 0, 7 * TICKS_A_MS);
	assert_int_equal(sink->ops->reconfigure(sink, &f->config), 0);
	assert_int_equal(sink->ops->close(sink), 0);
	stdout_restore(&out);
	text = capture_read(&out);
	assert_int_equal(count_of(text, "\n"), 2);
	assert_int_equal(count_of(text, HOSTS "\"tags\":[\"env:bench\",\"role:peer\"],"), 2);
	assert_int_equal(count_of(text, "\"iface\":\"lo\"," THREE THREE_RANKS REST), 1);
	assert_int_equal(count_of(text, "\"samples\":1,\"last_ns\":7000000,"), 1);
	assert_int_equal(count_of(text, "jitter_ns"), 1);
	capture_free(&out);
	flow.ifindex = 0;
}

/* With its tags a series is longer than a line may be: a part of it would be another series. */
static void test_overlong(void **state)
{
	enum { TAGS = 41, TAG = 198 };
	static char texts[TAGS][TAG + 16]; /* a compiler cannot know that i has two digits */
	struct statsd_fixture *f = *state;
	char *tags[TAGS], **tags_before = instances[0].tags;
	struct capture out;
	struct sink *sink;

	for (int i = 0; i < TAGS; i++) {
		snprintf(texts[i], sizeof(texts[i]), "t%02d:%0*d", i, TAG - 4, 0);
		tags[i] = texts[i];
	}
	instances[0].tags = tags;
	instances[0].tags_count = TAGS;
	assert_int_equal(sink_summary_open(&sink, &f->config, f->peers), 0);
	stdout_capture(&out);
	for (int i = 0; i < 2; i++) {
		take_one(sink, &flow, "lo", 0, 7 * TICKS_A_MS);
		sink->ops->report(sink, NULL);
	}
	instances[0].tags_count = 3;
	take_one(sink, &flow, "lo", 0, 7 * TICKS_A_MS);
	assert_int_equal(sink->ops->close(sink), 0);
	stdout_restore(&out);
	assert_int_equal(count_of(capture_read(&out), "\n"), 1);
	assert_int_equal(count_of(capture_read(&f->log), "WARNING series whose tags have"), 1);
	assert_int_equal(count_of(capture_read(&f->log), "left out, 1 of this interval"), 1);
	assert_int_equal(count_of(capture_read(&f->log), "INFO no series was left out"), 1);
	capture_free(&out);
	instances[0].tags = tags_before;
	instances[0].tags_count = 2;
}

static void test_full_standard_output(void **state)
{
	struct capture out, log;
	struct sink *sink;

	(void)state;
	log_capture(&log);
	assert_int_equal(sink_summary_open(&sink, NULL, NULL), 0);
	take_everything(sink);
	stdout_to(&out, open("/dev/full", O_WRONLY));
	assert_int_equal(sink->ops->close(sink), -ENOSPC);
	stdout_restore(&out);
	log_release(&log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_capture),
		STATSD_TEST(test_live),
		STATSD_TEST(test_overlong),
		cmocka_unit_test(test_full_standard_output),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
