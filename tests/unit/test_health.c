/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* When the daemon is well, when it is not, and what it says then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "health.h"

static struct health health;
static char text[HEALTH_TEXT];

static int set_up(void **state)
{
	(void)state;
	health = (struct health){
		.backend = "bpf",
		.hook = "tcx",
		.sink = "statsd",
		.has_server = true,
		.server = {.server = "[::1]:8125", .heard = true, .since_ms = 99000},
		.interval_s = 10,
		.now_ms = 100000,
		.started_ms = 40000,
		.reported_ms = 97500,
	};
	health_add_name(&health.measured, "eth0");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	health_clear(&health);
	return 0;
}

static void assert_well(const char *expected)
{
	assert_true(health_verdict(&health, text));
	assert_string_equal(text, expected);
}

static void assert_ill(const char *expected)
{
	assert_false(health_verdict(&health, text));
	assert_string_equal(text, expected);
}

#define REST "; last report 2.5 s ago; StatsD server [::1]:8125 takes metrics"

static void test_well(void **state)
{
	(void)state;
	assert_well("measuring on eth0 with BPF at tcx" REST);
	health_add_name(&health.awaited, "wg*");
	assert_well("measuring on eth0 with BPF at tcx, waiting for wg*" REST);
	health.hook = NULL;
	health.fallback = "no CAP_BPF";
	assert_well("measuring on eth0 with libpcap (not BPF: no CAP_BPF), waiting for wg*" REST);
	health.fallback = NULL;
	for (int i = 0; i < 200; i++)
		health_add_name(&health.measured, "veth");
	assert_well(
		"measuring on eth0, veth, veth and 198 more with libpcap, waiting for wg*" REST);
	health.server.heard = false;
	assert_true(health_verdict(&health, text));
	assert_non_null(strstr(text, "; nothing was sent to StatsD server [::1]:8125 yet"));
	health.has_server = false;
	assert_true(health_verdict(&health, text));
	assert_null(strstr(text, "StatsD"));
}

static void test_nothing_measured(void **state)
{
	(void)state;
	health_clear(&health);
	assert_ill("not measuring: there is no interface to measure");
	health_add_name(&health.awaited, "eth1");
	assert_ill("not measuring: waiting for eth1");
	health.reading = true;
	assert_well("reading capture files" REST);
	health.reading = false;
	health_add_name(&health.measured, "eth0");
	health.backend = NULL;
	assert_false(health_verdict(&health, text));
}

/* Two intervals, and a second. */
static void test_late(void **state)
{
	(void)state;
	health.reported_ms = health.now_ms - 21000;
	assert_true(health_verdict(&health, text));
	health.reported_ms--;
	assert_ill("the last report was 21.0 s ago, one is due every 10 s");
	health.reading = true;
	assert_true(health_verdict(&health, text));
}

/* Three intervals. */
static void test_server(void **state)
{
	(void)state;
	health.server.failing = true;
	health.server.error = "Connection refused";
	health.server.since_ms = health.now_ms - 30000;
	assert_well("measuring on eth0 with BPF at tcx; last report 2.5 s ago; StatsD server "
		    "[::1]:8125: Connection refused");
	health.server.since_ms--;
	assert_ill("StatsD server [::1]:8125 takes no metrics since 30 s: Connection refused");
	health_clear(&health);
	health.reported_ms = 0;
	assert_ill("not measuring: there is no interface to measure; the last report was 100.0 s "
		   "ago, one is due every 10 s; StatsD server [::1]:8125 takes no metrics since 30 "
		   "s: Connection refused");
	health.has_server = false;
	health.reported_ms = health.now_ms;
	assert_ill("not measuring: there is no interface to measure");
}

/* Names may be anything, and the sentence ends somewhere. */
static void test_long_words(void **state)
{
	char reason[3000];

	(void)state;
	memset(reason, 'r', sizeof(reason) - 1);
	reason[sizeof(reason) - 1] = '\0';
	health.fallback = reason;
	assert_true(health_verdict(&health, text));
	assert_int_equal(strlen(text), HEALTH_TEXT - 1);
	health_add_name(&health.measured, reason);
	assert_int_equal(strlen(health.measured.at[1]), HEALTH_NAME - 1);
}

static char *written(void)
{
	struct json json;
	size_t length;

	assert_int_equal(json_begin(&json), 0);
	health_write(&health, &json);
	return json_take(&json, &length);
}

/* Clients rely on how it begins, and people on its keys. */
static void test_json(void **state)
{
	char *json, begin[2 * HEALTH_TEXT];

	(void)state;
	health_add_name(&health.awaited, "a\"b");
	json = written();
	health_verdict(&health, text);
	snprintf(begin, sizeof(begin), "{\"healthy\":true,\"summary\":\"%.*s", 30, text);
	assert_memory_equal(json, begin, strlen(begin));
	assert_non_null(strstr(json,
			       "\"measuring\":true,\"backend\":\"bpf\",\"hook\":\"tcx\","
			       "\"fallback\":null,\"interfaces_measured\":1,"
			       "\"interfaces\":[\"eth0\"],\"waiting_for\":[\"a\\\"b\"],"
			       "\"report_age_s\":2.500,\"report_interval_s\":10.000,"
			       "\"output\":\"statsd\",\"servers\":[{\"server\":\"[::1]:8125\","
			       "\"reachable\":true,\"error\":null,\"since_s\":1.000}],"));
	assert_non_null(strstr(json, "\"uptime_s\":60.000}"));
	free(json);

	health.server.heard = false;
	health_clear(&health);
	json = written();
	assert_memory_equal(json, "{\"healthy\":false,\"summary\":\"not ", 32);
	assert_non_null(strstr(json, "\"reachable\":null,\"error\":null,\"since_s\":null}"));
	free(json);
}

#define T(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(well), T(nothing_measured), T(late), T(server), T(long_words), T(json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
