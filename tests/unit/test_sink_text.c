/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The text sink, judged by what people see. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <time.h>

#include <cmocka.h>

#include "statsd_fixture.h"

static struct capture out;

static void test_text_lines(void **state)
{
	const struct ends v6 = {"fd00::1", "fd00::2", 1, 65535, 2};
	struct sink *sink = NULL;
	int status;

	(void)state;
	assert_int_equal(sink_text_open(&sink, NULL), 0);
	stdout_capture(&out);
	take_one(sink, &flow, "eth0", 0, 1929);
	take_one(sink, &v6, "wg0", 0, 21 * TICKS_A_MS);
	take_one(sink, &flow, "eth0", 12, 19 * TICKS_A_MS);
	status = sink->ops->close(sink);
	stdout_restore(&out);
	assert_int_equal(status, 0);
	assert_string_equal(
		capture_read(&out),
		"10:00:00.123456 eth0 10.0.0.1:40000 > 10.0.0.2:443 rtt     0.123 ms\n"
		"10:00:00.123456 wg0  [fd00::1]:1    > [fd00::2]:65535 rtt    21.000 ms\n"
		"10:00:00.123456 eth0 10.0.0.1:40000 > 10.0.0.2:443    rtt    19.000 ms frame 12\n"
		"\n"
		"round-trip times in ms\n"
		"iface src      dst         samples       min      mean       p50       p95"
		"       p99       max    jitter\n"
		"eth0  10.0.0.1 10.0.0.2          2     0.123     9.562     0.123    19.000"
		"    19.000    19.000     0.000\n"
		"wg0   fd00::1  fd00::2           1    21.000    21.000    21.000    21.000"
		"    21.000    21.000     0.000\n");
	capture_free(&out);
}

static void test_text_direction(void **state)
{
	struct ends in = flow;
	struct sink *sink = NULL;

	(void)state;
	in.ifindex = interface_number(flow.ifindex, WAY_IN);
	assert_int_equal(sink_text_open(&sink, NULL), 0);
	stdout_capture(&out);
	take_one(sink, &in, "eth0", 0, 1929);
	take_one(sink, &flow, "eth0", 0, 1929);
	sink->ops->close(sink);
	stdout_restore(&out);
	assert_non_null(strstr(capture_read(&out), "10:00:00.123456 eth0:in 10.0.0.1:40000 > "));
	assert_non_null(strstr(capture_read(&out), "10:00:00.123456 eth0    10.0.0.1:40000 > "));
	assert_non_null(strstr(capture_read(&out), "\neth0:in 10.0.0.1 10.0.0.2          1 "));
	assert_non_null(strstr(capture_read(&out), "\neth0    10.0.0.1 10.0.0.2          1 "));
	capture_free(&out);
}

static void test_text_without_samples(void **state)
{
	struct sink *sink = NULL;

	(void)state;
	assert_int_equal(sink_text_open(&sink, NULL), 0);
	stdout_capture(&out);
	sink->ops->close(sink);
	stdout_restore(&out);
	assert_string_equal(capture_read(&out), "no round-trip times seen\n");
	capture_free(&out);
}

static void test_text_names_and_jitter(void **state)
{
	struct statsd_fixture *f = *state;
	const struct ends www = {"10.0.0.1", "10.8.0.1", 1, 2, f->lo};
	struct flow_record record = make_record(&www, 1, 1, three);
	struct delivery delivery = {&record, "lo", WALL_NS, 0};
	struct sink *sink = NULL;

	assert_int_equal(sink_text_open(&sink, f->peers), 0);
	stdout_capture(&out);
	sink->ops->take(sink, &delivery);
	set_previous(&record, three[0]);
	record.rtt[1] = three[1];
	sink->ops->take(sink, &delivery);
	sink->ops->close(sink);
	stdout_restore(&out);
	assert_non_null(strstr(capture_read(&out), "10.0.0.1:1 > 10.8.0.1:2 rtt    20.000 ms\n"));
	assert_non_null(strstr(capture_read(&out), "lo    10.0.0.1 www.example.org          2    "
						   "20.000    21.000    20.054    21.889"
						   "    21.889    22.000     2.000\n"));
	capture_free(&out);
}

/* A handshake's time is no sample, nor is something that was only sent again. */
static void test_text_no_samples_in_it(void **state)
{
	struct sink *sink = NULL;

	(void)state;
	assert_int_equal(sink_text_open(&sink, NULL), 0);
	stdout_capture(&out);
	take_handshake(sink, &flow, "eth0", 1929);
	take_retransmissions(sink, &flow, "eth0", 3);
	sink->ops->close(sink);
	stdout_restore(&out);
	assert_string_equal(capture_read(&out), "no round-trip times seen\n");
	capture_free(&out);
}

/* Takes all from a pipe, from the time when its writer has gone to its end. */
struct reader {
	int fd;
	size_t rows; /* of the table */
	bool whole;  /* all lines of it are */
};

static void *read_table(void *arg)
{
	struct reader *reader = arg;
	FILE *pipe = fdopen(reader->fd, "r");
	bool table = false;
	char line[512];

	usleep(100000);
	while (fgets(line, sizeof(line), pipe)) {
		if (table) {
			reader->whole &= !strncmp(line, "eth0  ", 6) &&
					 strstr(line, "     0.123     0.000\n");
			reader->rows++;
		}
		table |= !strncmp(line, "iface ", 6);
	}
	fclose(pipe);
	return NULL;
}

/* At the end, what waits for a slow reader leaves no room for the table; it comes nevertheless. */
static void test_text_table_for_a_slow_reader(void **state)
{
	struct reader reader = {.whole = true};
	struct sink *sink = NULL;
	char dst[] = "10.0.255.255";
	struct ends to = flow;
	pthread_t thread;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	reader.fd = ends[0];
	assert_int_equal(sink_text_open(&sink, NULL), 0);
	stdout_to(&out, ends[1]);
	to.dst = dst;
	for (unsigned int i = 0; !sink->ops->lost(sink); i++) {
		snprintf(dst, sizeof(dst), "10.0.%u.%u", i / 250 % 8, i % 250);
		take_one(sink, &to, "eth0", 0, 1929);
	}
	assert_int_equal(pthread_create(&thread, NULL, read_table, &reader), 0);
	assert_int_equal(sink->ops->close(sink), 0);
	stdout_restore(&out);
	pthread_join(thread, NULL);
	assert_int_equal(reader.rows, 2000);
	assert_true(reader.whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_lines),
		cmocka_unit_test(test_text_direction),
		cmocka_unit_test(test_text_without_samples),
		STATSD_TEST(test_text_names_and_jitter),
		cmocka_unit_test(test_text_no_samples_in_it),
		cmocka_unit_test(test_text_table_for_a_slow_reader),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests_name("sink_text", tests, NULL, NULL);
}
