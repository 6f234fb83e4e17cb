/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The form of a metric's line, judged by the bytes that arrive: its dialect, its prefix, its tags,
 * and what of these changes between two reports. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "chosen_metrics.h"

static void take_two_kinds(struct statsd_fixture *f)
{
	const struct ends v6 = {"2001:db8::", "fd00::2", 1, 2, f->lo};
	const struct ends named = {"10.0.0.1", "10.9.0.1", 1, 2, f->lo};

	take_one(f->sink, &v6, "eth0.5", 0, TICKS_A_MS);
	take_one(f->sink, &named, "lo", 0, 2 * TICKS_A_MS);
}

#define LAST_AND_SAMPLES (METRIC_BIT(METRIC_LAST) | METRIC_BIT(METRIC_SAMPLES))

static void test_dogstatsd(void **state)
{
	struct statsd_fixture *f = *state;

	choose(f, DIALECT_DOGSTATSD, LAST_AND_SAMPLES);
	take_two_kinds(f);
	report(f);
	assert_string_equal(
		text, "system.net.tcp.rtt:1.000000|g|#src:2001:db8::0,dst:fd00::2,iface:eth0.5\n"
		      "system.net.tcp.rtt.samples:1|c|#src:2001:db8::0,dst:fd00::2,iface:eth0.5\n"
		      "system.net.tcp.rtt:2.000000|g"
		      "|#src:10.0.0.1,dst:www.example.org,env:bench,role:peer,iface:lo\n"
		      "system.net.tcp.rtt.samples:1|c"
		      "|#src:10.0.0.1,dst:www.example.org,env:bench,role:peer,iface:lo\n"
		      "system.net.tcp.rtt:2.000000|g"
		      "|#src:10.0.0.1,dst:www.example.org,net:lab,a_b_c,iface:lo\n"
		      "system.net.tcp.rtt.samples:1|c"
		      "|#src:10.0.0.1,dst:www.example.org,net:lab,a_b_c,iface:lo");
}

/* Without tags the two instances are one series. */
static void test_statsd(void **state)
{
	struct statsd_fixture *f = *state;

	choose(f, DIALECT_STATSD, LAST_AND_SAMPLES);
	take_two_kinds(f);
	report(f);
	assert_string_equal(text, "system.net.tcp.rtt.2001_db8__0.fd00__2.eth0_5:1.000000|g\n"
				  "system.net.tcp.rtt.samples.2001_db8__0.fd00__2.eth0_5:1|c\n"
				  "system.net.tcp.rtt.10_0_0_1.www_example_org.lo:2.000000|g\n"
				  "system.net.tcp.rtt.samples.10_0_0_1.www_example_org.lo:1|c");
}

static void test_graphite(void **state)
{
	struct statsd_fixture *f = *state;

	choose(f, DIALECT_GRAPHITE, LAST_AND_SAMPLES);
	take_two_kinds(f);
	report(f);
	assert_string_equal(
		text,
		"system.net.tcp.rtt;src=2001_db8__0;dst=fd00__2;iface=eth0.5:1.000000|g\n"
		"system.net.tcp.rtt.samples;src=2001_db8__0;dst=fd00__2;iface=eth0.5:1|c\n"
		"system.net.tcp.rtt;src=10.0.0.1;dst=www.example.org;env=bench;role=peer;iface=lo"
		":2.000000|g\n"
		"system.net.tcp.rtt.samples;src=10.0.0.1;dst=www.example.org;env=bench;role=peer;"
		"iface=lo:1|c\n"
		"system.net.tcp.rtt;src=10.0.0.1;dst=www.example.org;net=lab;a_b_c=true;iface=lo"
		":2.000000|g\n"
		"system.net.tcp.rtt.samples;src=10.0.0.1;dst=www.example.org;net=lab;a_b_c=true;"
		"iface=lo:1|c");
}

static void test_influx(void **state)
{
	struct statsd_fixture *f = *state;

	choose(f, DIALECT_INFLUX, METRIC_BIT(METRIC_LAST));
	take_two_kinds(f);
	report(f);
	assert_string_equal(
		text,
		"system.net.tcp.rtt,src=2001_db8__0,dst=fd00__2,iface=eth0.5:1.000000|g\n"
		"system.net.tcp.rtt,src=10.0.0.1,dst=www.example.org,env=bench,role=peer,iface=lo"
		":2.000000|g\n"
		"system.net.tcp.rtt,src=10.0.0.1,dst=www.example.org,net=lab,a_b_c=true,iface=lo"
		":2.000000|g");
}

static void test_prefix_everywhere(void **state)
{
	struct statsd_fixture *f = *state;
	char prefix[] = "site.one.";

	f->config.prefix = prefix;
	f->config.telemetry = true;
	f->config.distribution = true;
	choose(f, DIALECT_DOGSTATSD, ALL);
	prefix[0] = 'X'; /* the sink has its own */
	take_everything(f);
	report(f);
	assert_int_equal(count_of(text, "site.one."),
			 count_of(text, "\n") - count_of(text, "--") + 1);
	assert_non_null(strstr(text, "\nsite.one.system.net.tcp.rtt:21"));
	assert_non_null(strstr(text, "site.one.bpf_metro.series:1|g"));
	assert_non_null(strstr(text, "site.one.system.net.tcp.rtt.distribution:20:22:21|d" TAGS));
}

/* Only DogStatsD is told who sends it, at the end of each line; telemetry has no other tags. */
static void test_identity(void **state)
{
	struct statsd_fixture *f = *state;

	setenv("DD_ENV", "prod", 1);
	setenv("DD_SERVICE", "shop", 1);
	f->config.telemetry = true;
	choose(f, DIALECT_DOGSTATSD, METRIC_BIT(METRIC_LAST));
	take(f->sink, &flow, "lo", 0, 3, three);
	report(f);
	assert_non_null(
		strstr(text, "system.net.tcp.rtt:21.000000|g" TAGS ",env:prod,service:shop\n"));
	assert_non_null(strstr(text, "bpf_metro.series:1|g|#env:prod,service:shop"));
	choose(f, DIALECT_GRAPHITE, METRIC_BIT(METRIC_LAST));
	server_receive_all(f->server, text, sizeof(text)); /* the last report of the sink before */
	take(f->sink, &flow, "lo", 0, 3, three);
	report(f);
	assert_null(strstr(text, "prod"));
	assert_non_null(strstr(text, "bpf_metro.series:1|g"));
}

/* ---- changes ---- */

/* What was measured goes out in the form that was configured when it was measured. */
static void test_reconfigure(void **state)
{
	struct statsd_fixture *f = *state;

	take_one(f->sink, &flow, "lo", 0, 10 * TICKS_A_MS);
	f->config.dialect = DIALECT_GRAPHITE;
	f->config.metrics = METRIC_BIT(METRIC_P50);
	assert_int_equal(f->sink->ops->reconfigure(f->sink, &f->config), 0);
	assert_int_equal(server_receive_all(f->server, text, sizeof(text)), 1);
	assert_int_equal(count_of(text, TAGS), 3);
	take_one(f->sink, &flow, "lo", 0, 20 * TICKS_A_MS);
	assert_int_equal(report(f), 1);
	assert_string_equal(text, "system.net.tcp.rtt.p50;src=10.0.0.1;dst=10.0.0.2;env=bench;"
				  "role=peer;iface=lo:20.000000|g");
}

/* A reload changes peers and tags in the middle of an interval. */
static void test_new_tags(void **state)
{
	struct statsd_fixture *f = *state;
	char *tags[] = {"env:new"};
	struct instance changed = instances[0];
	struct config config = f->config;
	struct peers *peers, *old = f->peers;

	changed.tags = tags;
	changed.tags_count = 1;
	config.instances = &changed;
	config.instances_count = 1;
	take_one(f->sink, &flow, "lo", 0, 10 * TICKS_A_MS);
	assert_int_equal(peers_new(&peers, &config, &some_links), 0);
	f->sink->peers = f->peers = peers;
	peers_free(old);
	assert_int_equal(f->sink->ops->reconfigure(f->sink, &config), 0);
	take_one(f->sink, &flow, "lo", 0, 20 * TICKS_A_MS);
	report(f);
	assert_int_equal(count_of(text, "\n"), 5);
	assert_non_null(strstr(text, "rtt:10.000000|g" TAGS));
	assert_non_null(
		strstr(text, "rtt:20.000000|g|#src:10.0.0.1,dst:10.0.0.2,env:new,iface:lo"));
}

/* Other peers than a moment ago: the tags are theirs from now on. */
static void test_other_peers(void **state)
{
	struct statsd_fixture *f = *state;

	take_one(f->sink, &flow, "lo", 0, 10 * TICKS_A_MS);
	f->sink->peers = NULL;
	take_one(f->sink, &flow, "lo", 0, 20 * TICKS_A_MS);
	report(f);
	assert_non_null(strstr(text, "rtt:10.000000|g" TAGS));
	assert_non_null(strstr(text, "rtt:20.000000|g|#src:10.0.0.1,dst:10.0.0.2,iface:lo"));
}

/* An instance of a capture file: no interface, no index. */
static void test_capture_file(void **state)
{
	struct statsd_fixture *f = *state;
	const struct ends file = {"10.0.0.1", "10.0.0.2", 1, 2, 0};

	take_one(f->sink, &file, "file", 0, TICKS_A_MS);
	take_one(f->sink, &flow, "lo", 0, TICKS_A_MS);
	report(f);
	assert_int_equal(count_of(text, "|#src:10.0.0.1,dst:10.0.0.2,iface:file"), 3);
	assert_int_equal(count_of(text, TAGS), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATSD_TEST(test_dogstatsd),         STATSD_TEST(test_statsd),
		STATSD_TEST(test_graphite),          STATSD_TEST(test_influx),
		STATSD_TEST(test_prefix_everywhere), STATSD_TEST(test_identity),
		STATSD_TEST(test_reconfigure),       STATSD_TEST(test_new_tags),
		STATSD_TEST(test_other_peers),       STATSD_TEST(test_capture_file),
	};

	return cmocka_run_group_tests_name("sink_dialects", tests, NULL, NULL);
}
