/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The JSON sink, judged by the lines that leave it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "capture.h"
#include "sinks.h"

static struct capture out;

static struct sink *json_open(void)
{
	struct sink *sink = NULL;

	assert_int_equal(sink_json_open(&sink, NULL), 0);
	assert_int_equal(sink->ops->batch_limit, 1);
	return sink;
}

static void test_json_bytes(void **state)
{
	const struct ends v6 = {"fd00::1", "2001:db8::1:0", 65535, 1, 2};
	struct sink *sink = json_open();
	int status;

	(void)state;
	stdout_capture(&out);
	take_one(sink, &flow, "eth0", 17, 1929);
	take_one(sink, &v6, "wg0", 0, UINT32_MAX);
	status = sink->ops->close(sink);
	stdout_restore(&out);
	assert_int_equal(status, 0);
	assert_string_equal(
		capture_read(&out),
		"{\"time\":\"2026-11-23T10:00:00.123456789Z\",\"iface\":\"eth0\","
		"\"src\":\"10.0.0.1\",\"sport\":40000,\"dst\":\"10.0.0.2\",\"dport\":443,"
		"\"rtt_ns\":123456,\"frame\":17}\n"
		"{\"time\":\"2026-11-23T10:00:00.123456789Z\",\"iface\":\"wg0\","
		"\"src\":\"fd00::1\",\"sport\":65535,\"dst\":\"2001:db8::1:0\",\"dport\":1,"
		"\"rtt_ns\":274877906880}\n");
	capture_free(&out);
}

/* The same connection, of data that leaves and of data that arrives, by one entry of the cache. */
static void test_json_direction(void **state)
{
	struct ends in = flow;
	struct sink *sink = json_open();

	(void)state;
	in.ifindex = interface_number(flow.ifindex, WAY_IN);
	stdout_capture(&out);
	take_one(sink, &flow, "eth0", 17, 1929);
	take_one(sink, &in, "eth0", 17, 1929);
	take_one(sink, &in, "eth0", 0, 1929);
	take_one(sink, &flow, "eth0", 0, 1929);
	sink->ops->close(sink);
	stdout_restore(&out);
	assert_int_equal(count_of(capture_read(&out), "\"rtt_ns\":123456,\"frame\":17}\n"), 1);
	assert_int_equal(count_of(capture_read(&out),
				  "\"rtt_ns\":123456,\"frame\":17,\"direction\":\"in\"}\n"),
			 1);
	assert_int_equal(count_of(capture_read(&out), "\"rtt_ns\":123456,\"direction\":\"in\"}\n"),
			 1);
	assert_int_equal(count_of(capture_read(&out), "\"rtt_ns\":123456}\n"), 1);
	capture_free(&out);
}

static void assert_escaped(const char *iface, const char *escaped)
{
	struct sink *sink = json_open();
	char expected[200];

	stdout_capture(&out);
	take_one(sink, &flow, iface, 0, 1);
	sink->ops->close(sink);
	stdout_restore(&out);
	snprintf(expected, sizeof(expected), ",\"iface\":\"%s\",\"src\"", escaped);
	assert_non_null(strstr(capture_read(&out), expected));
	capture_free(&out);
}

static void test_json_escapes(void **state)
{
	(void)state;
	assert_escaped("a\"b\\c", "a\\\"b\\\\c");
	assert_escaped("\x01\x1f\x7f", "\\u0001\\u001f\\u007f");
	/* what terminals obey, turns text around, or is invisible */
	assert_escaped("\xc2\x9b"
		       "31m",
		       "\\u009b31m");
	assert_escaped("a\xe2\x80\xae"
		       "b",
		       "a\\u202eb");
	assert_escaped("\xf3\xa0\x80\x81", "\\udb40\\udc01");
	assert_escaped("b\xc3\xbcro0", "b\xc3\xbcro0");
	assert_escaped("\xe2\x82\xac\xf0\x9f\x98\x80", "\xe2\x82\xac\xf0\x9f\x98\x80");
	assert_escaped("\xff\xc3", "\\u00ff\\u00c3");            /* no such byte; cut short */
	assert_escaped("\xc0\xaf", "\\u00c0\\u00af");            /* longer than need be */
	assert_escaped("\xed\xa0\x80", "\\u00ed\\u00a0\\u0080"); /* a surrogate */
	assert_escaped("\xf4\x90\x80\x80", "\\u00f4\\u0090\\u0080\\u0080"); /* beyond the last */
	assert_escaped("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80",
		       "\\u0080\\u0080\\u0080\\u0080\\u0080\\u0080\\u0080\\u0080\\u0080\\u0080"
		       "\\u0080\\u0080\\u0080\\u0080\\u0080");
	assert_escaped("", "");
}

/* More flows than the sink keeps the text of, taken in turns; one also changes its interface. */
static void test_json_many_flows(void **state)
{
	const unsigned int flows = 2000;
	struct sink *sink = json_open();
	char dst[32], expected[300];
	const char *at;

	(void)state;
	stdout_capture(&out);
	for (unsigned int i = 0; i < 3 * flows; i++) {
		const struct ends of = {"10.0.0.1", dst, i % 7, i % flows, 2};

		snprintf(dst, sizeof(dst), "10.0.0.%u", i % 250);
		take_one(sink, &of, i == 2 * flows ? "old" : "eth0", i + 1, i);
	}
	sink->ops->close(sink);
	stdout_restore(&out);
	at = capture_read(&out);
	for (unsigned int i = 0; i < 3 * flows; i++) {
		int length = snprintf(expected, sizeof(expected),
				      "{\"time\":\"2026-11-23T10:00:00.123456789Z\","
				      "\"iface\":\"%s\",\"src\":\"10.0.0.1\",\"sport\":%u,"
				      "\"dst\":\"10.0.0.%u\",\"dport\":%u,\"rtt_ns\":%u,"
				      "\"frame\":%u}\n",
				      i == 2 * flows ? "old" : "eth0", i % 7, i % 250, i % flows,
				      i * 64, i + 1);

		if (strncmp(at, expected, length))
			assert_string_equal(at, expected);
		at += length;
	}
	assert_string_equal(at, "");
	capture_free(&out);
}

static void test_json_renamed_interface(void **state)
{
	struct sink *sink = json_open();

	(void)state;
	stdout_capture(&out);
	take_one(sink, &flow, "old", 0, 1);
	take_one(sink, &flow, "older", 0, 1);
	sink->ops->close(sink);
	stdout_restore(&out);
	assert_int_equal(count_of(capture_read(&out), "\"iface\":\"old\""), 1);
	assert_int_equal(count_of(capture_read(&out), "\"iface\":\"older\""), 1);
	capture_free(&out);
}

/* Samples are written when there are enough to be worth a write, or when the loop turns. */
static void test_json_is_flushed(void **state)
{
	struct sink *sink = json_open();
	size_t taken, flushed, with_file, reported;

	(void)state;
	stdout_capture(&out);
	take_one(sink, &flow, "eth0", 0, 1);
	taken = strlen(capture_read(&out));
	sink->ops->flush(sink);
	flushed = strlen(capture_read(&out));
	take_one(sink, &flow, "eth0", 1, 1);
	with_file = strlen(capture_read(&out));
	sink->ops->report(sink, NULL);
	reported = strlen(capture_read(&out));
	sink->ops->close(sink);
	stdout_restore(&out);
	assert_int_equal(taken, 0);
	assert_int_not_equal(flushed, 0);
	assert_int_equal(with_file, flushed);
	assert_int_equal(reported, strlen(capture_read(&out)));
	assert_true(reported > with_file);
	assert_int_equal(count_of(capture_read(&out), "\n"), 2);
	capture_free(&out);
}

/* A handshake's time is no sample, nor is something that was only sent again. */
static void test_json_no_samples_in_it(void **state)
{
	struct sink *sink = json_open();

	(void)state;
	stdout_capture(&out);
	take_handshake(sink, &flow, "eth0", 1929);
	take_retransmissions(sink, &flow, "eth0", 3);
	sink->ops->close(sink);
	stdout_restore(&out);
	assert_string_equal(capture_read(&out), "");
	capture_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_bytes),
		cmocka_unit_test(test_json_direction),
		cmocka_unit_test(test_json_escapes),
		cmocka_unit_test(test_json_many_flows),
		cmocka_unit_test(test_json_renamed_interface),
		cmocka_unit_test(test_json_is_flushed),
		cmocka_unit_test(test_json_no_samples_in_it),
	};

	return cmocka_run_group_tests_name("sink_json", tests, NULL, NULL);
}
