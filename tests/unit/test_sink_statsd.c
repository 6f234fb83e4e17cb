/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The StatsD sink, judged by the datagrams that leave it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>

#include <cmocka.h>

#include "statsd_client.h"
#include "statsd_fixture.h"

static char text[1 << 20];

static int report(struct statsd_fixture *f)
{
	f->sink->ops->report(f->sink, NULL);
	return server_receive_all(f->server, text, sizeof(text));
}

static void test_statsd_bytes(void **state)
{
	struct statsd_fixture *f = *state;

	take(f->sink, &flow, "lo", 0, 3, three);
	assert_int_equal(report(f), 1);
	assert_string_equal(text, "system.net.tcp.rtt.avg:21.000000|g"
				  "|#src:10.0.0.1,dst:10.0.0.2,env:bench,role:peer,iface:lo\n"
				  "system.net.tcp.rtt.jitter:1.500000|g"
				  "|#src:10.0.0.1,dst:10.0.0.2,env:bench,role:peer,iface:lo\n"
				  "system.net.tcp.rtt:21.000000|g"
				  "|#src:10.0.0.1,dst:10.0.0.2,env:bench,role:peer,iface:lo");
}

static void test_statsd_six_decimals(void **state)
{
	struct statsd_fixture *f = *state;
	const __u32 rtt[] = {1, 2}; /* 64 and 128 ns */

	take(f->sink, &flow, "lo", 0, 2, rtt);
	report(f);
	assert_non_null(strstr(text, "rtt.avg:0.000096|g"));
	assert_non_null(strstr(text, "rtt.jitter:0.000064|g"));
	assert_non_null(strstr(text, "rtt:0.000128|g"));
}

static void test_statsd_intervals(void **state)
{
	struct statsd_fixture *f = *state;

	assert_int_equal(report(f), 0);
	take_one(f->sink, &flow, "lo", 0, 50 * TICKS_A_MS);
	assert_int_equal(report(f), 1);
	assert_int_equal(report(f), 0);
	take_one(f->sink, &flow, "lo", 0, 10 * TICKS_A_MS);
	assert_int_equal(report(f), 1);
	assert_non_null(strstr(text, "rtt.avg:10.000000|g"));
	assert_non_null(strstr(text, "rtt.jitter:0.000000|g"));
}

static void test_statsd_without_instance(void **state)
{
	struct statsd_fixture *f = *state;
	const struct ends unknown = {"fd00::1", "fd00::2", 1, 2, f->lo};
	const struct ends file = {"10.0.0.1", "10.0.0.2", 1, 2, 0};

	take_one(f->sink, &unknown, "lo", 0, TICKS_A_MS);
	report(f);
	assert_non_null(strstr(text, "rtt:1.000000|g|#src:fd00::1,dst:fd00::2,iface:lo"));
	assert_int_equal(count_of(text, "src:"), 3);

	f->sink->peers = NULL;
	take_one(f->sink, &file, "file", 7, TICKS_A_MS);
	report(f);
	assert_non_null(strstr(text, "rtt:1.000000|g|#src:10.0.0.1,dst:10.0.0.2,iface:file"));
	assert_int_equal(count_of(text, "src:"), 3);
}

/* Both instances have 10.9.0.1: each has its set, and a tag can't break the line. */
static void test_statsd_instances(void **state)
{
	struct statsd_fixture *f = *state;
	const struct ends shared = {"10.0.0.1", "10.9.0.1", 1, 2, f->lo};

	take_one(f->sink, &shared, "lo", 0, TICKS_A_MS);
	report(f);
	assert_int_equal(count_of(text, "src:"), 6);
	assert_int_equal(count_of(text, "|#src:10.0.0.1,dst:www.example.org,env:bench,role:peer,"
					"iface:lo"),
			 3);
	assert_int_equal(count_of(text, "|#src:10.0.0.1,dst:www.example.org,net:lab,a_b_c,"
					"iface:lo"),
			 3);
}

/* www.example.org is 10.8.0.1 and 10.9.0.1: one series to the server, so one set of gauges. */
static void test_statsd_name_of_two_addresses(void **state)
{
	struct statsd_fixture *f = *state;
	const struct ends one = {"10.0.0.1", "10.8.0.1", 1, 2, f->lo};
	const struct ends two = {"10.0.0.1", "10.9.0.1", 1, 2, f->lo};

	take(f->sink, &one, "lo", 0, 3, three);
	take_one(f->sink, &two, "lo", 0, 1 * TICKS_A_MS);
	report(f);
	assert_int_equal(count_of(text, "dst:www.example.org,env:bench,role:peer"), 3);
	assert_non_null(strstr(text, "rtt.avg:16.000000|g|#src:10.0.0.1,dst:www.example.org,env"));
	assert_non_null(strstr(text, "rtt.jitter:1.500000|g|#src:10.0.0.1,dst:www.example.org,e"));
	assert_non_null(strstr(text, "rtt:1.000000|g|#src:10.0.0.1,dst:www.example.org,env"));
	/* The second instance has but one of the two. */
	assert_non_null(strstr(text, "rtt.avg:1.000000|g|#src:10.0.0.1,dst:www.example.org,net"));
}

static void test_statsd_strange_interface(void **state)
{
	struct statsd_fixture *f = *state;
	const struct ends other = {"10.0.0.1", "10.1.1.1", 1, 2, 99};

	take_one(f->sink, &other, "a,b|c#d", 0, TICKS_A_MS);
	report(f);
	assert_int_equal(count_of(text, ",iface:a_b_c_d"), 3);
}

static void test_statsd_many_windows(void **state)
{
	struct statsd_fixture *f = *state;
	char dst[32], line[200];
	int got = 0, length;

	for (int i = 0; i < 300; i++) {
		const struct ends of = {"10.0.0.1", dst, 1, 2, f->lo};

		snprintf(dst, sizeof(dst), "10.77.%d.%d", i / 200, i % 200);
		take_one(f->sink, &of, "lo", 0, i);
	}
	f->sink->ops->report(f->sink, NULL);
	statsd_pump(f->sink);
	while (got < 900) {
		char *rest = text, *next;

		length = server_receive(f->server, text, sizeof(text));
		assert_in_range(length, 1, STATSD_DATAGRAM_MAX);
		while ((next = strsep(&rest, "\n"))) {
			int i = got / 3;

			snprintf(line, sizeof(line),
				 "system.net.tcp.rtt%s:%f|g|#src:10.0.0.1,dst:10.77.%d.%d,iface:lo",
				 (const char *[]){".avg", ".jitter", ""}[got % 3],
				 got % 3 == 1 ? 0 : i * 64e-6, i / 200, i % 200);
			assert_string_equal(next, line);
			got++;
		}
	}
	assert_int_equal(server_receive_all(f->server, text, sizeof(text)), 0);
}

static void test_statsd_close_reports_the_rest(void **state)
{
	struct statsd_fixture *f = *state;

	take_one(f->sink, &flow, "lo", 0, TICKS_A_MS);
	assert_int_equal(f->sink->ops->close(f->sink), 0);
	f->sink = NULL;
	assert_int_equal(server_receive_all(f->server, text, sizeof(text)), 1);
	assert_non_null(strstr(capture_read(&f->log), "1 datagrams sent, 0 refused"));
}

static void test_statsd_reconfigure_keeps_windows(void **state)
{
	struct statsd_fixture *f = *state;
	struct config config = f->config;
	int other = server_open("127.0.0.1", 0);

	take_one(f->sink, &flow, "lo", 0, 10 * TICKS_A_MS);
	config.statsd_port = server_port(other);
	assert_int_equal(f->sink->ops->reconfigure(f->sink, &config), 0);
	take_one(f->sink, &flow, "lo", 0, 20 * TICKS_A_MS);
	assert_int_equal(report(f), 0);
	assert_int_equal(server_receive_all(other, text, sizeof(text)), 1);
	assert_non_null(strstr(text, "rtt.avg:15.000000|g"));
	config.statsd_ip = "not an address";
	assert_int_equal(f->sink->ops->reconfigure(f->sink, &config), -EINVAL);
	close(other);
}

static void test_statsd_open_fails_cleanly(void **state)
{
	struct statsd_fixture *f = *state;
	struct config config = f->config;
	struct sink *sink = NULL;

	config.statsd_ip = "not an address";
	assert_int_equal(sink_statsd_open(&sink, &config, f->peers), -EINVAL);
	assert_null(sink);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATSD_TEST(test_statsd_bytes),
		STATSD_TEST(test_statsd_six_decimals),
		STATSD_TEST(test_statsd_intervals),
		STATSD_TEST(test_statsd_without_instance),
		STATSD_TEST(test_statsd_instances),
		STATSD_TEST(test_statsd_name_of_two_addresses),
		STATSD_TEST(test_statsd_strange_interface),
		STATSD_TEST(test_statsd_many_windows),
		STATSD_TEST(test_statsd_close_reports_the_rest),
		STATSD_TEST(test_statsd_reconfigure_keeps_windows),
		STATSD_TEST(test_statsd_open_fails_cleanly),
	};

	return cmocka_run_group_tests_name("sink_statsd", tests, NULL, NULL);
}
