/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whose samples are, among instances with ports, and the tag of the port, judged by the bytes that
 * arrive. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "series.h"
#include "statsd_fixture.h"

static struct ports web = {2, {{443, 443}, {8000, 8999}}}, database = {1, {{5432, 5432}}};
static char *team_web[] = {"team:web"}, *team_db[] = {"team:db", "port:mine"},
	    *everybody[] = {"team:all"};
static struct prefix wide[1], narrow[1], all[1];
static struct instance some_ports[3];

static char text[1 << 20];

static int report(struct statsd_fixture *f)
{
	return statsd_report_into(f, text, sizeof(text));
}

/* The third takes all ports; with count 2 it is not there. */
static void start(struct statsd_fixture *f, size_t count, bool tag_web, bool tag_db)
{
	const struct instance begin[] = {
		{.interface = "lo", .ips = wide, .ports = &web, .tags = team_web},
		{.interface = "lo", .ips = narrow, .ports = &database, .tags = team_db},
		{.interface = "lo", .ips = all, .tags = everybody},
	};

	memcpy(some_ports, begin, sizeof(begin));
	for (size_t i = 0; i < ARRAY_SIZE(some_ports); i++)
		some_ports[i].ips_count = some_ports[i].tags_count = 1;
	some_ports[0].tag_port = tag_web;
	some_ports[1].tag_port = tag_db;
	some_ports[1].ports_list = 1;
	some_ports[1].tags_count = 2;
	assert_int_equal(prefix_parse("10.9.0.0/16", &wide[0]), 0);
	assert_int_equal(prefix_parse("10.9.1.0/24", &narrow[0]), 0);
	assert_int_equal(prefix_parse("10.0.0.0/8", &all[0]), 0);
	f->config.instances = some_ports;
	f->config.instances_count = count;
	f->config.metrics = METRIC_BIT(METRIC_SAMPLES);
	f->sink->ops->close(f->sink);
	f->sink = NULL;
	peers_free(f->peers);
	f->peers = NULL;
	assert_int_equal(peers_new(&f->peers, &f->config, &some_links), 0);
	assert_int_equal(sink_statsd_open(&f->sink, &f->config, f->peers), 0);
}

static void take_ports(struct statsd_fixture *f, const char *dst, __u16 sport, __u16 dport)
{
	const struct ends of = {"10.0.0.1", dst, sport, dport, f->lo};

	take_one(f->sink, &of, "lo", 0, TICKS_A_MS);
}

#define LINE(count, rest)                                                                          \
	"system.net.tcp.rtt.samples:" #count "|c|#src:10.0.0.1,dst:" rest ",iface:lo"

static void assert_lines(const char *const *lines)
{
	unsigned int count = 0;

	for (; lines[count]; count++)
		if (count_of(text, lines[count]) != 1)
			fail_msg("no %s in\n%s", lines[count], text);
	assert_int_equal(count_of(text, "samples:"), count);
}

/* Each instance is credited with its own connections, whichever host they have in common. */
static void test_credit(void **state)
{
	struct statsd_fixture *f = *state;

	start(f, 3, false, false);
	take_ports(f, "10.9.1.1", 40000, 443);
	take_ports(f, "10.9.1.1", 40001, 8500);
	take_ports(f, "10.9.1.1", 40002, 5432);
	take_ports(f, "10.9.1.1", 8001, 50000); /* our end is the server */
	take_ports(f, "10.9.1.1", 40003, 22);
	take_ports(f, "10.9.2.1", 40004, 5432); /* the database's is another network */
	report(f);
	assert_lines((const char *[]){
		LINE(3, "10.9.1.1,team:web"), LINE(1, "10.9.1.1,team:db,port:mine"),
		LINE(5, "10.9.1.1,team:all"), LINE(1, "10.9.2.1,team:all"), NULL});
}

/* Without one that takes all, what is nobody's has nobody's tags. */
static void test_nobody(void **state)
{
	struct statsd_fixture *f = *state;

	start(f, 2, false, true);
	take_ports(f, "10.9.1.1", 40000, 22);
	report(f);
	assert_lines((const char *[]){LINE(1, "10.9.1.1"), NULL});
}

static void test_tag(void **state)
{
	struct statsd_fixture *f = *state;

	start(f, 3, true, true);
	take_ports(f, "10.9.1.1", 40000, 443);
	take_ports(f, "10.9.1.1", 40001, 443);
	take_ports(f, "10.9.1.1", 40001, 8500);
	take_ports(f, "10.9.1.1", 8500, 50000);
	take_ports(f, "10.9.1.1", 8001, 443);  /* both ends are: the peer's */
	take_ports(f, "10.9.1.1", 8001, 8002); /* .. */
	take_ports(f, "10.9.1.1", 443, 5432);  /* each to its own */
	take_ports(f, "10.9.1.1", 40005, 22);
	report(f);
	assert_lines((const char *[]){LINE(4, "10.9.1.1,port:443,team:web"),
				      LINE(2, "10.9.1.1,port:8500,team:web"),
				      LINE(1, "10.9.1.1,port:8002,team:web"),
				      LINE(1, "10.9.1.1,port:5432,team:db,port:mine"),
				      LINE(8, "10.9.1.1,team:all"), NULL});
}

/* For servers that take no tag twice, ours comes first and counts; plain StatsD has none. */
static void test_dialects(void **state)
{
	struct statsd_fixture *f = *state;

	f->config.dialect = DIALECT_GRAPHITE;
	start(f, 2, true, true);
	take_ports(f, "10.9.1.1", 40000, 5432);
	report(f);
	assert_non_null(strstr(text, ";dst=10.9.1.1;port=5432;team=db;iface=lo:1|c"));
	f->config.dialect = DIALECT_STATSD;
	start(f, 2, true, true);
	take_ports(f, "10.9.1.1", 40000, 8001);
	take_ports(f, "10.9.1.1", 40000, 8002);
	report(f);
	assert_string_equal(text, "system.net.tcp.rtt.samples.10_0_0_1.10_9_1_1.lo:2|c");
}

/* The entry that a connection is measured for is its instance's. */
static void test_configured(void **state)
{
	struct statsd_fixture *f = *state;

	f->config.aggregate.by = AGGREGATE_CONFIGURED;
	start(f, 3, false, false);
	take_ports(f, "10.9.1.1", 40000, 5432);
	take_ports(f, "10.9.1.1", 40000, 443);
	take_ports(f, "10.9.1.1", 40000, 22);
	report(f);
	assert_lines((const char *[]){
		LINE(1, "10.9.1.0/24,team:db,port:mine"), LINE(1, "10.9.1.0/24,team:all"),
		LINE(1, "10.9.0.0/16,team:web"), LINE(1, "10.9.0.0/16,team:all"),
		LINE(1, "10.0.0.0/8,team:all"), NULL});
}

/* max_series counts a port as a series if it is a tag, and ephemeral ports never. */
static void test_folding(void **state)
{
	struct statsd_fixture *f = *state;

	f->config.max_series = 2;
	f->config.telemetry = true;
	start(f, 2, true, false);
	for (__u16 i = 0; i < 10; i++) {
		take_ports(f, "10.9.1.1", 40000 + i, 8000);
		take_ports(f, "10.9.1.1", 40000 + i, 8001);
		take_ports(f, "10.9.1.1", 40000 + i, 8002 + i % 3);
		take_ports(f, "10.9.1.1", 40000 + i, 5432);
	}
	report(f);
	assert_non_null(strstr(text, LINE(10, "10.9.1.1,port:8000,team:web")));
	assert_non_null(strstr(text, LINE(10, "10.9.1.1,port:8001,team:web")));
	assert_non_null(strstr(text, LINE(10, "other,team:db,port:mine")));
	assert_non_null(strstr(text, "bpf_metro.series_folded:4|c"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATSD_TEST(test_credit),   STATSD_TEST(test_nobody),     STATSD_TEST(test_tag),
		STATSD_TEST(test_dialects), STATSD_TEST(test_configured), STATSD_TEST(test_folding),
	};

	return cmocka_run_group_tests_name("sink ports", tests, NULL, NULL);
}
