/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The three sinks, judged by the bytes that leave them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <net/if.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

#include <cmocka.h>

#include "capture.h"
#include "output.h"
#include "samples.h"
#include "sink.h"
#include "statsd_client.h"
#include "timestamp.h"

#define WALL_NS 1795428000123456789ULL /* 2026-11-23T10:00:00.123456789Z */
#define SECOND  1000000000ULL

static struct flow flow = {"10.0.0.1", "10.0.0.2", 40000, 443, 0};
static char text[1 << 20];

static void take(struct sink *sink, const struct flow *of, const char *iface, __u64 frame,
		 unsigned int count, const __u32 *rtt)
{
	struct flow_record record = make_record(of, 1, count, rtt);
	struct batch batch = {&record, iface, WALL_NS, frame};

	assert_true(count <= sink->ops->batch_limit);
	sink->ops->take(sink, &batch);
}

static void take_one(struct sink *sink, const struct flow *of, const char *iface, __u64 frame,
		     __u32 rtt)
{
	take(sink, of, iface, frame, 1, &rtt);
}

/* --- StatsD --- */

struct statsd_fixture {
	int server;
	__u32 lo;
	struct config config;
	struct peers *peers;
	struct sink *sink;
	struct capture log;
};

static struct statsd_fixture fixture;

static char *web_hosts[] = {"www.example.org"};
static char *web_tags[] = {"env:bench", "role:peer"};
static char *net_tags[] = {"net:lab", "", "a|b\nc"};
static struct prefix web_ips[1], net_ips[1], same_ips[1];
static struct instance instances[] = {
	{
		.interface = "lo",
		.ips = web_ips,
		.ips_count = 1,
		.hosts = web_hosts,
		.hosts_count = 1,
		.tags = web_tags,
		.tags_count = 2,
	},
	{
		.interface = "lo",
		.ips = net_ips,
		.ips_count = 1,
		.tags = net_tags,
		.tags_count = 3,
	},
	{
		/* Some of the first one's peers, with the same tags. */
		.interface = "lo",
		.ips = same_ips,
		.ips_count = 1,
		.tags = web_tags,
		.tags_count = 2,
	},
};

static int statsd_setup(void **state)
{
	struct statsd_fixture *f = &fixture;
	struct address www[2];

	f->lo = if_nametoindex("lo");
	flow.ifindex = f->lo;
	log_capture(&f->log);
	f->server = server_open("127.0.0.1", 0);
	if (prefix_parse("10.0.0.2", &web_ips[0]) || prefix_parse("10.9.0.0/16", &net_ips[0]) ||
	    prefix_parse("10.8.0.0/16", &same_ips[0]))
		return -1;
	f->config = (struct config){
		.statsd_ip = "127.0.0.1",
		.statsd_port = server_port(f->server),
		.instances = instances,
		.instances_count = 3,
	};
	if (peers_new(&f->peers, &f->config))
		return -1;
	if (address_parse("10.8.0.1", &www[0]) || address_parse("10.9.0.1", &www[1]) ||
	    peers_set_host(f->peers, "www.example.org", www, 2) != 1)
		return -1;
	*state = f;
	return sink_statsd_open(&f->sink, &f->config, f->peers);
}

static int statsd_teardown(void **state)
{
	struct statsd_fixture *f = *state;

	if (f->sink)
		f->sink->ops->close(f->sink);
	peers_free(f->peers);
	log_release(&f->log);
	close(f->server);
	return 0;
}

static int report(struct statsd_fixture *f)
{
	f->sink->ops->report(f->sink);
	return server_receive_all(f->server, text, sizeof(text));
}

/* 20, 22 and 21 ms: mean 21, differences 2 and 1. */
static const __u32 three[] = {20 * TICKS_A_MS, 22 * TICKS_A_MS, 21 * TICKS_A_MS};

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
	const struct flow unknown = {"fd00::1", "fd00::2", 1, 2, f->lo};
	const struct flow file = {"10.0.0.1", "10.0.0.2", 1, 2, 0};

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
	const struct flow shared = {"10.0.0.1", "10.9.0.1", 1, 2, f->lo};

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
	const struct flow one = {"10.0.0.1", "10.8.0.1", 1, 2, f->lo};
	const struct flow two = {"10.0.0.1", "10.9.0.1", 1, 2, f->lo};

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
	const struct flow other = {"10.0.0.1", "10.1.1.1", 1, 2, 99};

	take_one(f->sink, &other, "a,b|c#d", 0, TICKS_A_MS);
	report(f);
	assert_int_equal(count_of(text, ",iface:a_b_c#d"), 3);
}

static void test_statsd_many_windows(void **state)
{
	struct statsd_fixture *f = *state;
	char dst[32], line[200];
	int got = 0, length;

	for (int i = 0; i < 300; i++) {
		const struct flow of = {"10.0.0.1", dst, 1, 2, f->lo};

		snprintf(dst, sizeof(dst), "10.77.%d.%d", i / 200, i % 200);
		take_one(f->sink, &of, "lo", 0, i);
	}
	f->sink->ops->report(f->sink);
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

/* --- JSON --- */

static struct capture out;

static struct sink *json_open(void)
{
	struct sink *sink = NULL;

	assert_int_equal(sink_json_open(&sink, NULL), 0);
	assert_int_equal(sink->ops->batch_limit, 1);
	assert_null(sink->ops->report);
	return sink;
}

static void test_json_bytes(void **state)
{
	const struct flow v6 = {"fd00::1", "2001:db8::1:0", 65535, 1, 2};
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
	assert_escaped("\x01\x1f\x7f", "\\u0001\\u001f\x7f");
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
		const struct flow of = {"10.0.0.1", dst, i % 7, i % flows, 2};

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

/* Live samples are seen at once; those of a file when there are enough to be worth a write. */
static void test_json_flushes_when_live(void **state)
{
	struct sink *sink = json_open();
	size_t live, with_file;

	(void)state;
	stdout_capture(&out);
	take_one(sink, &flow, "eth0", 0, 1);
	live = strlen(capture_read(&out));
	take_one(sink, &flow, "eth0", 1, 1);
	with_file = strlen(capture_read(&out));
	sink->ops->close(sink);
	stdout_restore(&out);
	assert_int_not_equal(live, 0);
	assert_int_equal(with_file, live);
	assert_int_equal(count_of(capture_read(&out), "\n"), 2);
	capture_free(&out);
}

/* Standard output fails with this error: it is told once, kept, and returned by close. */
static void assert_output_fails(int (*open_sink)(struct sink **, const struct peers *), int fd,
				int error)
{
	struct capture log;
	struct sink *sink;
	int status, kept;

	log_capture(&log);
	assert_int_equal(open_sink(&sink, NULL), 0);
	stdout_to(&out, fd);
	take_one(sink, &flow, "eth0", 0, 1);
	kept = sink->error;
	for (int i = 0; i < 2000; i++)
		take_one(sink, &flow, "eth0", i, 1);
	status = sink->ops->close(sink);
	stdout_restore(&out);
	assert_int_equal(kept, error);
	assert_int_equal(status, error);
	assert_int_equal(count_of(capture_read(&log), strerror(-error)), 1);
	log_release(&log);
}

static void test_full_standard_output(void **state)
{
	(void)state;
	assert_output_fails(sink_json_open, open("/dev/full", O_WRONLY), -ENOSPC);
	assert_output_fails(sink_text_open, open("/dev/full", O_WRONLY), -ENOSPC);
}

static int pipe_without_reader(void)
{
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	return ends[1];
}

static void test_closed_standard_output(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_output_fails(sink_json_open, pipe_without_reader(), -EPIPE);
	assert_output_fails(sink_text_open, pipe_without_reader(), -EPIPE);
}

/* --- text --- */

static void test_text_lines(void **state)
{
	const struct flow v6 = {"fd00::1", "fd00::2", 1, 65535, 2};
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
	const struct flow www = {"10.0.0.1", "10.8.0.1", 1, 2, f->lo};
	struct flow_record record = make_record(&www, 1, 1, three);
	struct batch batch = {&record, "lo", WALL_NS, 0};
	struct sink *sink = NULL;

	assert_int_equal(sink_text_open(&sink, f->peers), 0);
	stdout_capture(&out);
	sink->ops->take(sink, &batch);
	set_previous(&record, three[0]);
	record.rtt[1] = three[1];
	sink->ops->take(sink, &batch);
	sink->ops->close(sink);
	stdout_restore(&out);
	assert_non_null(strstr(capture_read(&out), "10.0.0.1:1 > 10.8.0.1:2 rtt    20.000 ms\n"));
	assert_non_null(strstr(capture_read(&out), "lo    10.0.0.1 www.example.org          2    "
						   "20.000    21.000    20.054    21.889"
						   "    21.889    22.000     2.000\n"));
	capture_free(&out);
}

/* --- what they share --- */

static void test_utc(void **state)
{
	struct timestamp stamp;

	(void)state;
	timestamp_init(&stamp, TIMESTAMP_UTC);
	assert_string_equal(timestamp_text(&stamp, 0), "1970-01-01T00:00:00.000000000Z");
	assert_string_equal(timestamp_text(&stamp, SECOND - 1), "1970-01-01T00:00:00.999999999Z");
	assert_string_equal(timestamp_text(&stamp, SECOND), "1970-01-01T00:00:01.000000000Z");
	assert_string_equal(timestamp_text(&stamp, SECOND - 1), "1970-01-01T00:00:00.999999999Z");
	assert_string_equal(timestamp_text(&stamp, WALL_NS), "2026-11-23T10:00:00.123456789Z");
	/* 2028-02-29, a leap day, and what follows it. */
	assert_string_equal(timestamp_text(&stamp, 1835481599 * SECOND + 999999999),
			    "2028-02-29T23:59:59.999999999Z");
	assert_string_equal(timestamp_text(&stamp, 1835481600 * SECOND),
			    "2028-03-01T00:00:00.000000000Z");
	assert_string_equal(timestamp_text(&stamp, UINT64_MAX), "2554-07-21T23:34:33.709551615Z");
}

static void test_clock_is_local_time(void **state)
{
	struct timestamp stamp;

	(void)state;
	setenv("TZ", "EAST-2:30", 1);
	tzset();
	timestamp_init(&stamp, TIMESTAMP_CLOCK);
	assert_string_equal(timestamp_text(&stamp, WALL_NS), "12:30:00.123456");
	assert_string_equal(timestamp_text(&stamp, WALL_NS + SECOND), "12:30:01.123456");
	setenv("TZ", "UTC", 1);
	tzset();
}

struct reader {
	int fd;
	size_t length;
	unsigned int wrong;
};

static void *read_slowly(void *arg)
{
	struct reader *reader = arg;
	unsigned char bytes[8192];
	ssize_t length;

	while ((length = read(reader->fd, bytes, sizeof(bytes))) > 0) {
		for (ssize_t i = 0; i < length; i++)
			reader->wrong += bytes[i] != (unsigned char)(reader->length++ % 251);
		usleep(100);
	}
	return NULL;
}

/* Parts of all sizes through a pipe that somebody made non-blocking. */
static void test_output_waits_for_a_slow_reader(void **state)
{
	struct output *output = malloc(sizeof(*output));
	unsigned char bytes[3000];
	struct reader reader = {0};
	size_t written = 0;
	pthread_t thread;
	int ends[2];

	(void)state;
	assert_non_null(output);
	assert_int_equal(pipe(ends), 0);
	fcntl(ends[1], F_SETFL, O_NONBLOCK);
	reader.fd = ends[0];
	assert_int_equal(pthread_create(&thread, NULL, read_slowly, &reader), 0);
	output_init(output, ends[1]);
	for (size_t length = 0; length < sizeof(bytes); length += 7) {
		for (size_t i = 0; i < length; i++)
			bytes[i] = (written + i) % 251;
		output_bytes(output, bytes, length);
		written += length;
	}
	assert_int_equal(output_flush(output), 0);
	close(ends[1]);
	pthread_join(thread, NULL);
	close(ends[0]);
	free(output);
	assert_int_equal(reader.length, written);
	assert_int_equal(reader.wrong, 0);
}

static void test_output_numbers(void **state)
{
	struct output *output = malloc(sizeof(*output));

	(void)state;
	assert_non_null(output);
	output_init(output, -1);
	output_number(output, 0);
	output_text(output, " ");
	output_number(output, 1234567890);
	output_format(output, " %d ", -5);
	output_number(output, UINT64_MAX);
	assert_int_equal(output->length, strlen("0 1234567890 -5 18446744073709551615"));
	assert_memory_equal(output->bytes, "0 1234567890 -5 18446744073709551615", output->length);
	free(output);
}

int main(void)
{
#define STATSD_TEST(name) cmocka_unit_test_setup_teardown(name, statsd_setup, statsd_teardown)
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
		cmocka_unit_test(test_json_bytes),
		cmocka_unit_test(test_json_escapes),
		cmocka_unit_test(test_json_many_flows),
		cmocka_unit_test(test_json_renamed_interface),
		cmocka_unit_test(test_json_flushes_when_live),
		cmocka_unit_test(test_full_standard_output),
		cmocka_unit_test(test_closed_standard_output),
		cmocka_unit_test(test_text_lines),
		cmocka_unit_test(test_text_without_samples),
		STATSD_TEST(test_text_names_and_jitter),
		cmocka_unit_test(test_utc),
		cmocka_unit_test(test_clock_is_local_time),
		cmocka_unit_test(test_output_waits_for_a_slow_reader),
		cmocka_unit_test(test_output_numbers),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests_name("sinks", tests, NULL, NULL);
}
