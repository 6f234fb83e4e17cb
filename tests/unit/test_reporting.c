/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The chosen sink, its supplies, and the interval. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <net/if.h>

#include "clock.h"
#include "plain_environment.h"
#include "plans.h"
#include "reporting.h"

static struct capture capture, output;
static struct event_loop *loop;
static struct reporting reporting;
static struct plan plan;
static unsigned int dues;
static int server;
static char text[65536];

static void on_due(void *arg)
{
	assert_ptr_equal(arg, &plan);
	dues++;
}

static int setup(void **state)
{
	(void)state;
	plain_environment();
	log_capture(&capture);
	dues = 0;
	plan = (struct plan){};
	reporting = (struct reporting){.due = on_due, .arg = &plan};
	server = server_open("127.0.0.1", 0);
	return event_loop_new(&loop);
}

static int teardown(void **state)
{
	(void)state;
	reporting_close(&reporting);
	event_loop_free(loop);
	plan_free(&plan);
	close(server);
	log_set_level(LEVEL_INFO);
	log_release(&capture);
	return 0;
}

/* A plan whose server is ours, in which 10.0.0.2 has a tag. */
static struct plan tagged(const char *tag)
{
	char config[256];

	snprintf(config, sizeof(config),
		 "init_config: {statsd_ip: 127.0.0.1, statsd_port: %u, report_interval: 600}\n"
		 "instances:\n- {interface: lo, ips: [10.0.0.2], tags: ['%s']}\n",
		 server_port(server), tag);
	return plan_of(config);
}

static void start(enum output_choice choice)
{
	if (!plan.config)
		plan = tagged("role:db");
	reporting.output = choice;
	assert_int_equal(reporting_start(&reporting, loop, plan.config, plan.peers), 0);
}

static void deliver(void)
{
	struct flow_record record = {
		.key = {.local_port = 40000, .peer_port = 443, .ifindex = if_nametoindex("lo")},
		.count = 1,
		.rtt = {[1] = 2000000 / TICK_NS},
	};
	const struct delivery delivery = {.record = &record, .iface = "lo", .wall_ns = NS_PER_S};

	assert_int_equal(address_parse("10.0.0.1", &record.key.local), 0);
	assert_int_equal(address_parse("10.0.0.2", &record.key.peer), 0);
	reporting_take(&reporting, &delivery);
}

static void report(void)
{
	const __u64 counters[COUNTERS] = {};

	reporting_report(&reporting, counters);
}

static const char *received(void)
{
	server_receive_all(server, text, sizeof(text));
	return text;
}

/* ---- sinks ---- */

static void test_json(void **state)
{
	(void)state;
	stdout_capture(&output);
	start(OUTPUT_JSON);
	assert_int_equal(reporting_batch_limit(&reporting), 1);
	assert_false(reporting_chooses_server(&reporting));
	assert_null(reporting_server_name(&reporting));
	reporting_set_server(&reporting, NULL, 0); /* it has none */
	deliver();
	report();
	assert_int_equal(reporting_close(&reporting), 0);
	stdout_restore(&output);
	assert_non_null(strstr(capture_read(&output), "\"dst\":\"10.0.0.2\",\"dport\":443,"
						      "\"rtt_ns\":2000000}\n"));
	capture_free(&output);
}

static void test_text(void **state)
{
	(void)state;
	stdout_capture(&output);
	start(OUTPUT_TEXT);
	deliver();
	assert_int_equal(reporting_close(&reporting), 0);
	stdout_restore(&output);
	assert_non_null(strstr(capture_read(&output), "round-trip times in ms"));
	capture_free(&output);
}

/* It follows the configuration, but mistakes in the server's name are none of its business. */
static void test_summary(void **state)
{
	(void)state;
	stdout_capture(&output);
	start(OUTPUT_SUMMARY);
	assert_false(reporting_chooses_server(&reporting));
	deliver();
	assert_int_equal(reporting_follow(&reporting, plan.config), 0);
	assert_int_equal(reporting_close(&reporting), 0);
	stdout_restore(&output);
	assert_non_null(strstr(capture_read(&output), "\"dst\":\"10.0.0.2\","));
	capture_free(&output);
}

/* Nothing was measured: no table says that nothing was seen. */
static void test_abandon(void **state)
{
	(void)state;
	reporting_abandon(&reporting, -EPERM); /* there is no sink yet */
	stdout_capture(&output);
	start(OUTPUT_TEXT);
	reporting_abandon(&reporting, -EPERM);
	assert_true(reporting_is_over(&reporting));
	reporting_close(&reporting);
	stdout_restore(&output);
	assert_string_equal(capture_read(&output), "");
	capture_free(&output);
}

static void test_statsd(void **state)
{
	(void)state;
	start(OUTPUT_STATSD);
	assert_int_equal(reporting_batch_limit(&reporting), BATCH_MAX);
	assert_true(reporting_chooses_server(&reporting));
	deliver();
	assert_string_equal(received(), "");
	report();
	assert_non_null(strstr(received(), "system.net.tcp.rtt:2.000000|g|#src:10.0.0.1,"
					   "dst:10.0.0.2,role:db,iface:lo"));
}

/* Standard output is full: stops. */
static void test_lost(void **state)
{
	(void)state;
	output = (struct capture){};
	stdout_to(&output, open("/dev/full", O_WRONLY));
	start(OUTPUT_JSON);
	deliver();
	assert_false(reporting_is_over(&reporting));
	reporting_flush(&reporting);
	stdout_restore(&output);
	assert_true(reporting_is_over(&reporting));
	assert_int_equal(reporting_close(&reporting), -ENOSPC);
}

static void test_trace(void **state)
{
	(void)state;
	start(OUTPUT_STATSD);
	deliver();
	assert_string_equal(capture_read(&capture), "");
	log_set_level(LEVEL_TRACE);
	deliver();
	assert_non_null(strstr(capture_read(&capture),
			       "TRACE lo: 10.0.0.1 port 40000 to 10.0.0.2 port 443: 1 samples, "
			       "the last 2.000000 ms; sent again: 0\n"));
}

/* ---- a changed configuration ---- */

/* Tags are those of the peers that are set when it is taken in. */
static void test_peers(void **state)
{
	struct plan other = tagged("role:web");

	(void)state;
	start(OUTPUT_STATSD);
	deliver();
	report();
	assert_non_null(strstr(received(), ",role:db,"));
	reporting_set_peers(&reporting, other.peers);
	deliver();
	report();
	assert_non_null(strstr(received(), ",role:web,"));
	assert_null(strstr(text, ",role:db,"));
	reporting_close(&reporting);
	plan_free(&other);
}

static void test_follow(void **state)
{
	int old = server;
	struct plan other;

	(void)state;
	start(OUTPUT_STATSD);
	server = server_open("127.0.0.1", 0);
	other = tagged("role:db");
	other.config->report_interval_s = 0.1;
	deliver();
	reporting_follow(&reporting, other.config);
	report();
	assert_non_null(strstr(received(), "system.net.tcp.rtt:2.000000|g"));
	close(old);
	while (dues < 2) /* and the interval is no longer ten minutes */
		assert_int_equal(event_loop_once(loop, true), 0);
	plan_free(&other);
}

/* An impossible server: the old one stays. */
static void test_follow_mistake(void **state)
{
	struct config other;

	(void)state;
	start(OUTPUT_STATSD);
	other = *plan.config;
	other.statsd_ip = NULL;
	other.statsd_port = 0;
	setenv("DD_DOGSTATSD_URL", "udp://", 1);
	reporting_follow(&reporting, &other);
	unsetenv("DD_DOGSTATSD_URL");
	assert_non_null(strstr(capture_read(&capture), "ERROR keeping the old StatsD server\n"));
	deliver();
	report();
	assert_non_null(strstr(received(), "system.net.tcp.rtt:2.000000|g"));
}

/* It waits for an address, and gets one. */
static void test_server_name(void **state)
{
	struct address addr;
	char config[256];

	(void)state;
	assert_int_equal(address_parse("127.0.0.1", &addr), 0);
	snprintf(config, sizeof(config),
		 "init_config: {statsd_ip: statsd.test, statsd_port: %u}\n"
		 "instances:\n- {interface: lo, ips: [10.0.0.2]}\n",
		 server_port(server));
	plan = plan_of(config);
	start(OUTPUT_STATSD);
	assert_string_equal(reporting_server_name(&reporting), "statsd.test");
	reporting_set_server(&reporting, &addr, 1);
	deliver();
	report();
	assert_non_null(strstr(received(), "system.net.tcp.rtt:2.000000|g"));
}

/* ---- the interval ---- */

static void test_interval(void **state)
{
	__u64 begin;

	(void)state;
	plan = tagged("role:db");
	plan.config->report_interval_s = 0.1;
	begin = monotonic_ns();
	start(OUTPUT_STATSD);
	while (dues < 3)
		assert_int_equal(event_loop_once(loop, true), 0);
	assert_true(monotonic_ns() - begin >= NS_PER_S / 10 * 3);
	reporting_close(&reporting);
	assert_int_equal(reporting_close(&reporting), 0);
	usleep(150000);
	event_loop_once(loop, false);
	assert_int_equal(dues, 3);
}

/* A loss is told when it begins, and by the end of an interval alone. */
static void test_losses(void **state)
{
	__u64 counters[COUNTERS] = {[COUNTER_RING_LOST] = 5};

	(void)state;
	start(OUTPUT_STATSD);
	reporting_report(&reporting, counters);
	assert_string_equal(capture_read(&capture), "");
	reporting_end_interval(&reporting, counters);
	assert_int_equal(count_of(capture_read(&capture), "in the last interval, 5 samples"), 1);
	counters[COUNTER_RING_LOST] = 9;
	reporting_end_interval(&reporting, counters);
	assert_int_equal(count_of(capture_read(&capture), "in the last interval"), 1);
	reporting_end_interval(&reporting, counters);
	counters[COUNTER_RING_LOST] = 10;
	reporting_end_interval(&reporting, counters);
	assert_int_equal(count_of(capture_read(&capture), "in the last interval, 1 samples"), 1);
}

static void test_silence(void **state)
{
	const __u64 counters[COUNTERS] = {};
	struct silence_terms terms;
	__u64 now = monotonic_ns();

	(void)state;
	reporting.watched = true;
	start(OUTPUT_STATSD);
	terms = reporting_silence_terms(&reporting, counters);
	assert_true(terms.now_ns >= now && terms.now_ns < now + 60 * NS_PER_S);
	assert_true(terms.interval_s == 600);
	assert_true(terms.watched);
	assert_ptr_equal(terms.counters, counters);
}

#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(json),     T(text),   T(abandon), T(statsd),         T(lost),
		T(trace),    T(peers),  T(follow),  T(follow_mistake), T(server_name),
		T(interval), T(losses), T(silence), T(summary),
	};

	return cmocka_run_group_tests_name("reporting", tests, NULL, NULL);
}
