/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What sinks say of the container at the other end of an interface, judged by their bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dialect.h"
#include "statsd_fixture.h"

#define ID    "a4dc0b5e626f2c5c4c5170e34b10e7654ce36f0fcd532739f4445baabea03376"
#define NEXT  "b4dc0b5e626f2c5c4c5170e34b10e7654ce36f0fcd532739f4445baabea03376"
#define OWN   "c4dc0b5e626f2c5c4c5170e34b10e7654ce36f0fcd532739f4445baabea03376"
#define POD   "7d9b6b2a-9f3c-4d51-8a40-1c2f3e4d5b60"
#define HOSTS "src:10.0.0.1,dst:10.0.0.2,env:bench,role:peer,"

static char text[1 << 16];
static struct container_table table;

static void put(struct statsd_fixture *f, const char *id, const char *pod_uid)
{
	struct container container = {};

	strcpy(container.id, id);
	strcpy(container.pod_uid, pod_uid);
	assert_int_equal(container_table_set(&table, f->lo, &container), 0);
	if (f->sink)
		f->sink->ops->relabel(f->sink, f->lo);
}

static int setup(void **state)
{
	instances[0].containers = true;
	return statsd_setup(state);
}

static int teardown(void **state)
{
	instances[0].tags = web_tags;
	instances[0].containers = false;
	unsetenv("DD_ENTITY_ID");
	unsetenv("DD_SERVICE");
	container_table_clear(&table);
	return statsd_teardown(state);
}

static void open_as(struct statsd_fixture *f, enum dialect dialect)
{
	f->config.dialect = dialect;
	f->config.metrics = METRIC_BIT(METRIC_AVG) | METRIC_BIT(METRIC_SAMPLES);
	statsd_reopen(f);
	f->sink->containers = &table;
}

static void take_to(struct statsd_fixture *f, const char *dst, int ms)
{
	const struct ends of = {"10.0.0.1", dst, 1, 2, f->lo};

	take_one(f->sink, &of, "lo", 0, (__u32)ms * TICKS_A_MS);
}

static void report(struct statsd_fixture *f)
{
	assert_true(statsd_report_into(f, text, sizeof(text)) > 0);
}

/* A whole line: in the middle of a datagram, or at its end. */
static void has(const char *line)
{
	const char *at = text;
	size_t length = strlen(line);

	while ((at = strstr(at, line)) && at[length] && at[length] != '\n')
		at++;
	if (!at)
		fail_msg("no line %s in:\n%s", line, text);
}

static void test_dogstatsd(void **state)
{
	struct statsd_fixture *f = *state;

	open_as(f, DIALECT_DOGSTATSD);
	put(f, ID, POD);
	take_to(f, "10.0.0.2", 10);
	take_to(f, "10.9.7.7", 20); /* of an instance that does not want this */
	take_to(f, "10.5.5.5", 30); /* of none */
	report(f);
	has("system.net.tcp.rtt.avg:10.000000|g|#" HOSTS "container_id:" ID ",pod_uid:" POD
	    ",iface:lo|c:" ID);
	has("system.net.tcp.rtt.avg:20.000000|g|#src:10.0.0.1,dst:10.9.7.7,net:lab,a_b_c,iface:lo");
	has("system.net.tcp.rtt.avg:30.000000|g|#src:10.0.0.1,dst:10.5.5.5,iface:lo");
	put(f, ID, "");
	take_to(f, "10.0.0.2", 10);
	report(f);
	has("system.net.tcp.rtt.avg:10.000000|g|#" HOSTS "container_id:" ID ",iface:lo|c:" ID);
}

/* Several containers: the Agent knows pods, too, by a tag. */
static void test_pod_alone(void **state)
{
	struct statsd_fixture *f = *state;

	open_as(f, DIALECT_DOGSTATSD);
	put(f, "", POD);
	take_to(f, "10.0.0.2", 10);
	report(f);
	has("system.net.tcp.rtt.avg:10.000000|g|#" HOSTS "pod_uid:" POD
	    ",dd.internal.entity_id:" POD ",iface:lo");
	open_as(f, DIALECT_GRAPHITE);
	take_to(f, "10.0.0.2", 10);
	report(f);
	has("system.net.tcp.rtt.avg;src=10.0.0.1;dst=10.0.0.2;env=bench;role=peer;pod_uid=" POD
	    ";iface=lo:10.000000|g");
}

/* Our own pod is the origin of our own metrics, and of what is nobody else's. */
static void test_own_identity(void **state)
{
	struct statsd_fixture *f = *state;

	setenv("DD_ENTITY_ID", "own", 1);
	setenv("DD_SERVICE", "metro", 1);
	f->config.telemetry = true;
	open_as(f, DIALECT_DOGSTATSD);
	put(f, ID, "");
	take_to(f, "10.0.0.2", 10);
	take_to(f, "10.5.5.5", 30);
	report(f);
	has("system.net.tcp.rtt.avg:10.000000|g|#" HOSTS "container_id:" ID
	    ",iface:lo,service:metro|c:" ID);
	has("system.net.tcp.rtt.avg:30.000000|g|#src:10.0.0.1,dst:10.5.5.5,iface:lo,"
	    "dd.internal.entity_id:own,service:metro");
	has("bpf_metro.series:2|g|#dd.internal.entity_id:own,service:metro");
	f->config.telemetry = false;
}

static const char *end_of(const struct wire *wire, const char *series)
{
	static struct line line;

	line_clear(&line);
	dialect_end(&line, wire, METRIC_GAUGE, series);
	return line.text;
}

static void test_own_container(void **state)
{
	struct wire wire = {
		.dialect = DIALECT_DOGSTATSD,
		.prefix = "",
		.tags = "dd.internal.entity_id:own,env:x",
		.tags_of_others = "env:x",
		.container = OWN,
	};

	(void)state;
	assert_string_equal(end_of(&wire, ""), "|g|#dd.internal.entity_id:own,env:x|c:" OWN);
	assert_string_equal(end_of(&wire, "a:b"), "|g|#a:b,dd.internal.entity_id:own,env:x|c:" OWN);
	assert_string_equal(end_of(&wire, "a:b|c:" ID), "|g|#a:b,env:x|c:" ID);
	assert_string_equal(end_of(&wire, "a:b|"), "|g|#a:b,env:x");
	wire.tags = wire.tags_of_others = "";
	assert_string_equal(end_of(&wire, ""), "|g|c:" OWN);
	assert_string_equal(end_of(&wire, "a:b|c:" ID), "|g|#a:b|c:" ID);
}

/* What was measured before stays the container's before; a container found late is no reason to
 * wait with what was measured. */
static void test_change(void **state)
{
	struct statsd_fixture *f = *state;

	open_as(f, DIALECT_DOGSTATSD);
	take_to(f, "10.0.0.2", 10);
	put(f, ID, POD);
	take_to(f, "10.0.0.2", 20);
	take_to(f, "10.0.0.2", 22);
	put(f, NEXT, POD);
	take_to(f, "10.0.0.2", 30);
	report(f);
	has("system.net.tcp.rtt.avg:10.000000|g|#" HOSTS "iface:lo");
	has("system.net.tcp.rtt.avg:21.000000|g|#" HOSTS "container_id:" ID ",pod_uid:" POD
	    ",iface:lo|c:" ID);
	has("system.net.tcp.rtt.samples:2|c|#" HOSTS "container_id:" ID ",pod_uid:" POD
	    ",iface:lo|c:" ID);
	has("system.net.tcp.rtt.avg:30.000000|g|#" HOSTS "container_id:" NEXT ",pod_uid:" POD
	    ",iface:lo|c:" NEXT);
	put(f, "", "");
	take_to(f, "10.0.0.2", 40);
	report(f);
	has("system.net.tcp.rtt.avg:40.000000|g|#" HOSTS "iface:lo");
	assert_null(strstr(text, "container_id"));
}

/* Another interface's window goes on. */
static void test_other_interface(void **state)
{
	struct statsd_fixture *f = *state;
	const struct container other = {.id = NEXT};

	open_as(f, DIALECT_DOGSTATSD);
	put(f, ID, "");
	take_to(f, "10.0.0.2", 10);
	assert_int_equal(container_table_set(&table, f->lo + 1, &other), 0);
	f->sink->ops->relabel(f->sink, f->lo + 1);
	take_to(f, "10.0.0.2", 20);
	report(f);
	has("system.net.tcp.rtt.avg:15.000000|g|#" HOSTS "container_id:" ID ",iface:lo|c:" ID);
	assert_int_equal(count_of(text, "rtt.avg:"), 1);
}

static void test_dialects(void **state)
{
	struct statsd_fixture *f = *state;

	put(f, ID, POD);
	open_as(f, DIALECT_GRAPHITE);
	take_to(f, "10.0.0.2", 10);
	report(f);
	has("system.net.tcp.rtt.avg;src=10.0.0.1;dst=10.0.0.2;env=bench;role=peer;container_id=" ID
	    ";pod_uid=" POD ";iface=lo:10.000000|g");
	open_as(f, DIALECT_INFLUX);
	take_to(f, "10.0.0.2", 10);
	report(f);
	has("system.net.tcp.rtt.avg,src=10.0.0.1,dst=10.0.0.2,env=bench,role=peer,container_id=" ID
	    ",pod_uid=" POD ",iface=lo:10.000000|g");
	open_as(f, DIALECT_STATSD);
	take_to(f, "10.0.0.2", 10);
	put(f, NEXT, POD);
	take_to(f, "10.0.0.2", 20);
	report(f);
	has("system.net.tcp.rtt.avg.10_0_0_1.10_0_0_2.lo:15.000000|g");
}

/* In those that know no tag twice, the configured one counts. */
static void test_configured_tag(void **state)
{
	static char *tags[] = {"container_id:mine"};
	struct statsd_fixture *f = *state;

	instances[0].tags = tags;
	instances[0].tags_count = 1;
	put(f, ID, "");
	open_as(f, DIALECT_INFLUX);
	take_to(f, "10.0.0.2", 10);
	instances[0].tags_count = 2;
	report(f);
	has("system.net.tcp.rtt.avg,src=10.0.0.1,dst=10.0.0.2,container_id=mine,iface=lo:10.000000|"
	    "g");
}

static void test_distribution(void **state)
{
	struct statsd_fixture *f = *state;

	f->config.distribution = true;
	put(f, ID, "");
	open_as(f, DIALECT_DOGSTATSD);
	take_to(f, "10.0.0.2", 10);
	take_to(f, "10.0.0.2", 20);
	report(f);
	has("system.net.tcp.rtt.distribution:10:20|d|#" HOSTS "container_id:" ID ",iface:lo|c:" ID);
	f->config.distribution = false;
}

#define BEGIN "\"src\":\"10.0.0.1\",\"sport\":1,\"dst\":\"10.0.0.2\",\"dport\":2,\"rtt_ns\":1000000"

static void test_json(void **state)
{
	struct statsd_fixture *f = *state;
	struct capture out;

	f->sink->ops->close(f->sink);
	assert_int_equal(sink_json_open(&f->sink, f->peers), 0);
	f->sink->containers = &table;
	stdout_capture(&out);
	take_to(f, "10.0.0.2", 1);
	put(f, ID, POD);
	take_to(f, "10.0.0.2", 1);
	put(f, "", POD);
	take_to(f, "10.0.0.2", 1);
	put(f, NEXT, "");
	take_to(f, "10.0.0.2", 1);
	take_to(f, "10.9.7.7", 1);
	f->sink->ops->close(f->sink);
	f->sink = NULL;
	stdout_restore(&out);
	snprintf(text, sizeof(text), "%s", capture_read(&out));
	capture_free(&out);
	assert_int_equal(count_of(text, BEGIN "}\n"), 1);
	assert_int_equal(
		count_of(text, BEGIN ",\"container_id\":\"" ID "\",\"pod_uid\":\"" POD "\"}\n"), 1);
	assert_int_equal(count_of(text, BEGIN ",\"pod_uid\":\"" POD "\"}\n"), 1);
	assert_int_equal(count_of(text, BEGIN ",\"container_id\":\"" NEXT "\"}\n"), 1);
	assert_int_equal(count_of(text, "\"dst\":\"10.9.7.7\",\"dport\":2,\"rtt_ns\":1000000}\n"),
			 1);
}

static void test_table(void **state)
{
	static const struct container none;
	struct container container = {.pod_uid = POD};

	(void)state;
	assert_null(container_table_find(&table, 1));
	for (__u32 i = 0; i < 300; i++) {
		snprintf(container.id, sizeof(container.id), "%u", i * 7 % 300);
		assert_int_equal(container_table_set(&table, i * 7 % 300, &container), 0);
	}
	assert_int_equal(table.count, 300);
	for (__u32 i = 0; i < 300; i++) {
		const struct container *found = container_table_find(&table, i);

		assert_non_null(found);
		assert_int_equal(atoi(found->id), (int)i);
	}
	for (__u32 i = 0; i < 300; i++)
		assert_int_equal(container_table_set(&table, i * 11 % 300, &none), 0);
	assert_int_equal(table.count, 0);
	assert_int_equal(container_table_set(&table, 5, &none), 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_dogstatsd),
		TEST(test_pod_alone),
		TEST(test_own_identity),
		TEST(test_own_container),
		TEST(test_change),
		TEST(test_other_interface),
		TEST(test_dialects),
		TEST(test_configured_tag),
		TEST(test_distribution),
		TEST(test_json),
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests_name("sinks and containers", tests, NULL, NULL);
}
