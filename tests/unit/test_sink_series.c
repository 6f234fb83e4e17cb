/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What dst becomes and how many series there are, judged by the bytes that arrive. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "series.h"
#include "statsd_fixture.h"

static char text[1 << 20];

static int report(struct statsd_fixture *f)
{
	return statsd_report_into(f, text, sizeof(text));
}

/* avg and samples alone. */
static void choose(struct statsd_fixture *f)
{
	f->config.metrics = METRIC_BIT(METRIC_AVG) | METRIC_BIT(METRIC_SAMPLES);
	statsd_reopen(f);
}

static void take_from(struct statsd_fixture *f, const char *src, const char *dst, int ms)
{
	const struct ends of = {src, dst, 1, 2, f->lo};

	take_one(f->sink, &of, "lo", 0, (__u32)ms * TICKS_A_MS);
}

static void take_peer(struct statsd_fixture *f, int number, int ms)
{
	char dst[32];

	snprintf(dst, sizeof(dst), "10.77.%d.%d", number / 250, number % 250);
	take_from(f, "10.0.0.1", dst, ms);
}

/* ---- aggregate ---- */

static void test_network(void **state)
{
	struct statsd_fixture *f = *state;

	f->config.aggregate = (struct aggregate){AGGREGATE_NETWORK, 24, 64};
	choose(f);
	take_from(f, "10.0.0.1", "10.1.2.3", 10);
	take_from(f, "10.0.0.1", "10.1.2.200", 20);
	take_from(f, "10.0.0.1", "10.1.3.3", 1);
	take_from(f, "fd00::1", "2001:db8::1:0:0:1", 30);
	take_from(f, "fd00::1", "2001:db8::2:0:0:1", 50);
	take_from(f, "fd00::1", "2001:db8:0:1::1", 2);
	report(f);
	assert_non_null(strstr(text, "avg:15.000000|g|#src:10.0.0.1,dst:10.1.2.0/24,iface:lo"));
	assert_non_null(strstr(text, "avg:1.000000|g|#src:10.0.0.1,dst:10.1.3.0/24,iface:lo"));
	assert_non_null(strstr(text, "avg:40.000000|g|#src:fd00::1,dst:2001:db8::/64,iface:lo"));
	assert_non_null(strstr(text, "avg:2.000000|g|#src:fd00::1,dst:2001:db8:0:1::/64,iface:lo"));
	assert_int_equal(count_of(text, "samples:"), 4);
}

/* Names are not used, but tags are: hosts of one network in two instances stay two series. */
static void test_network_with_instances(void **state)
{
	struct statsd_fixture *f = *state;

	f->config.aggregate = (struct aggregate){AGGREGATE_NETWORK, 8, 0};
	choose(f);
	take_from(f, "10.0.0.1", "10.0.0.2", 10); /* the first's */
	take_from(f, "10.0.0.1", "10.8.0.1",
		  20);                           /* www's; the first's and the third's, as tagged */
	take_from(f, "10.0.0.1", "10.9.0.2", 1); /* the second's */
	take_from(f, "10.0.0.1", "10.5.0.1", 2); /* nobody's */
	report(f);
	assert_non_null(strstr(text, "avg:15.000000|g|#src:10.0.0.1,dst:10.0.0.0/8,env:bench,"
				     "role:peer,iface:lo"));
	assert_non_null(strstr(text, "avg:1.000000|g|#src:10.0.0.1,dst:10.0.0.0/8,net:lab,a_b_c,"
				     "iface:lo"));
	assert_non_null(strstr(text, "avg:2.000000|g|#src:10.0.0.1,dst:10.0.0.0/8,iface:lo"));
	assert_int_equal(count_of(text, "samples:"), 3);
}

static void test_network_edges(void **state)
{
	struct statsd_fixture *f = *state;

	f->config.aggregate = (struct aggregate){AGGREGATE_NETWORK, 32, 0};
	choose(f);
	take_from(f, "10.0.0.1", "10.1.2.3", 10);
	take_from(f, "fd00::1", "2001:db8::1", 10);
	report(f);
	assert_non_null(strstr(text, "dst:10.1.2.3,"));
	assert_non_null(strstr(text, "dst:::/0,"));
	f->config.aggregate = (struct aggregate){AGGREGATE_NETWORK, 0, 128};
	statsd_reopen(f);
	take_from(f, "10.0.0.1", "10.1.2.3", 10);
	take_from(f, "fd00::1", "2001:db8::", 10);
	report(f);
	assert_non_null(strstr(text, "dst:0.0.0.0/0,"));
	assert_non_null(strstr(text, "dst:2001:db8::0,"));
}

static void test_configured(void **state)
{
	struct statsd_fixture *f = *state;

	f->config.aggregate.by = AGGREGATE_CONFIGURED;
	choose(f);
	take_from(f, "10.0.0.1", "10.0.0.2", 10); /* an address */
	take_from(f, "10.0.0.1", "10.9.7.7", 20); /* of 10.9.0.0/16 */
	take_from(f, "10.0.0.1", "10.9.8.8", 30);
	take_from(f, "10.0.0.1", "10.8.0.1", 40); /* both www.example.org */
	take_from(f, "10.0.0.1", "10.9.0.1", 60);
	take_from(f, "10.0.0.1", "10.5.5.5", 70); /* nobody's */
	report(f);
	assert_non_null(strstr(text, "avg:10.000000|g|#src:10.0.0.1,dst:10.0.0.2,env:bench,"));
	assert_non_null(strstr(text, "avg:25.000000|g|#src:10.0.0.1,dst:10.9.0.0/16,net:lab,"));
	assert_non_null(strstr(text, "avg:50.000000|g|#src:10.0.0.1,dst:www.example.org,env:b"));
	assert_non_null(strstr(text, "avg:60.000000|g|#src:10.0.0.1,dst:www.example.org,net:l"));
	assert_non_null(strstr(text, "avg:70.000000|g|#src:10.0.0.1,dst:10.5.5.5,iface:lo"));
	assert_int_equal(count_of(text, "samples:"), 5);
}

/* ---- direction ---- */

static void take_both_ways(struct statsd_fixture *f, const char *dst)
{
	struct ends of = {"10.0.0.1", dst, 1, 2, f->lo};

	take_one(f->sink, &of, "lo", 0, 10 * TICKS_A_MS);
	of.ifindex = interface_number(f->lo, WAY_IN);
	take_one(f->sink, &of, "lo", 0, 20 * TICKS_A_MS);
}

/* Two series, in every dialect. */
static void test_direction(void **state)
{
	static const struct {
		enum dialect dialect;
		const char *out, *in;
	} cases[] = {
		{DIALECT_DOGSTATSD, "avg:10.000000|g|#src:10.0.0.1,dst:10.5.5.5,iface:lo\n",
		 "avg:20.000000|g|#src:10.0.0.1,dst:10.5.5.5,direction:in,iface:lo\n"},
		{DIALECT_GRAPHITE, "avg;src=10.0.0.1;dst=10.5.5.5;iface=lo:10.000000|g\n",
		 "avg;src=10.0.0.1;dst=10.5.5.5;direction=in;iface=lo:20.000000|g\n"},
		{DIALECT_INFLUX, "avg,src=10.0.0.1,dst=10.5.5.5,iface=lo:10.000000|g\n",
		 "avg,src=10.0.0.1,dst=10.5.5.5,direction=in,iface=lo:20.000000|g\n"},
		{DIALECT_STATSD, "avg.10_0_0_1.10_5_5_5.lo:10.000000|g\n",
		 "avg.10_0_0_1.10_5_5_5.lo.in:20.000000|g\n"},
	};
	struct statsd_fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		f->config.dialect = cases[i].dialect;
		choose(f);
		take_both_ways(f, "10.5.5.5");
		report(f);
		assert_non_null(strstr(text, cases[i].out));
		assert_non_null(strstr(text, cases[i].in));
	}
}

/* Peers are those of the way; a tag of the same name gives way where keys come once, and to data
 * that arrives alone. */
static void test_direction_tags(void **state)
{
	struct statsd_fixture *f = *state;
	char *tags[] = {"direction:mine", "env:x"};
	struct instance one = {.interface = "lo",
			       .direction = DIRECTION_BOTH,
			       .ips = net_ips,
			       .ips_count = 1,
			       .tags = tags,
			       .tags_count = 2};
	struct flow_key key = {.peer = net_ips[0].addr, .ifindex = f->lo};
	struct instance *before = f->config.instances;

	f->config.instances = &one;
	f->config.instances_count = 1;
	f->config.dialect = DIALECT_INFLUX;
	peers_free(f->peers);
	assert_int_equal(peers_new(&f->peers, &f->config, &some_links), 0);
	choose(f);
	take_both_ways(f, "10.9.1.1");
	report(f);
	assert_non_null(strstr(text, "dst=10.9.1.1,direction=mine,env=x,iface=lo:10.000000"));
	assert_non_null(strstr(text, "dst=10.9.1.1,direction=in,env=x,iface=lo:20.000000"));
	one.direction = DIRECTION_IN;
	peers_free(f->peers);
	assert_int_equal(peers_new(&f->peers, &f->config, &some_links), 0);
	choose(f);
	assert_false(peers_match(f->peers, &key));
	key.ifindex = interface_number(f->lo, WAY_IN);
	assert_true(peers_match(f->peers, &key));
	take_both_ways(f, "10.9.1.1");
	report(f);
	assert_non_null(strstr(text, "dst=10.9.1.1,iface=lo:10.000000"));
	assert_non_null(strstr(text, "dst=10.9.1.1,direction=in,env=x,iface=lo:20.000000"));
	f->config.instances = before;
}

/* ---- max_series ---- */

static void test_cap(void **state)
{
	struct statsd_fixture *f = *state;

	f->config.max_series = 3;
	f->config.telemetry = true;
	choose(f);
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 10; i++)
			take_peer(f, i, i + 1);
	report(f);
	assert_int_equal(count_of(text, "rtt.samples:2|c"), 3);
	for (int i = 0; i < 3; i++) {
		char dst[32];

		snprintf(dst, sizeof(dst), "dst:10.77.0.%d,", i);
		assert_int_equal(count_of(text, dst), 2);
	}
	/* 4 to 10 ms: none is lost, they are in the sums. */
	assert_non_null(strstr(text, "samples:14|c|#src:10.0.0.1,dst:other,iface:lo"));
	assert_non_null(strstr(text, "avg:7.000000|g|#src:10.0.0.1,dst:other,iface:lo"));
	assert_non_null(strstr(text, "bpf_metro.series_folded:7|c"));
	f->sink->ops->close(f->sink); /* and in the log at the end, always */
	f->sink = NULL;
	assert_non_null(strstr(capture_read(&f->log), "max_series: 7 series went into dst:other"));
	assert_non_null(strstr(text, "bpf_metro.series:4|g"));
}

static void test_exactly_the_cap(void **state)
{
	struct statsd_fixture *f = *state;

	f->config.max_series = 10;
	choose(f);
	for (int i = 0; i < 10; i++)
		take_peer(f, i, i + 1);
	report(f);
	assert_int_equal(count_of(text, "rtt.samples:1|c"), 10);
	assert_null(strstr(text, "other"));
	assert_null(strstr(capture_read(&f->log), "max_series"));
}

/* A host that was reported keeps its place in the next interval, whoever comes first then. */
static void test_cap_is_stable(void **state)
{
	struct statsd_fixture *f = *state;

	f->config.max_series = 3;
	choose(f);
	for (int i = 0; i < 3; i++)
		take_peer(f, i, 1);
	report(f);
	for (int i = 9; i >= 0; i--)
		take_peer(f, i, 1);
	report(f);
	assert_int_equal(count_of(text, "dst:10.77.0.0,"), 2);
	assert_int_equal(count_of(text, "dst:10.77.0.2,"), 2);
	assert_non_null(strstr(text, "samples:7|c|#src:10.0.0.1,dst:other,"));
	/* Those that stay away for an interval lose it .. */
	take_peer(f, 0, 1);
	report(f);
	assert_int_equal(count_of(text, "samples:"), 1);
	/* .. to others. */
	for (int i = 9; i >= 0; i--)
		take_peer(f, i, 1);
	report(f);
	assert_int_equal(count_of(text, "dst:10.77.0.0,"), 2);
	assert_int_equal(count_of(text, "dst:10.77.0.9,"), 2);
	assert_int_equal(count_of(text, "dst:10.77.0.8,"), 2);
	assert_non_null(strstr(text, "samples:7|c|#src:10.0.0.1,dst:other,"));
}

static void test_cap_says_so_once(void **state)
{
	struct statsd_fixture *f = *state;
	const char *log;

	f->config.max_series = 2;
	choose(f);
	for (int interval = 0; interval < 5; interval++) {
		for (int i = 0; i < (interval < 3 ? 5 : 2); i++)
			take_peer(f, i, 1);
		report(f);
	}
	log = capture_read(&f->log);
	assert_int_equal(count_of(log, "WARNING more series than max_series (2): 3 of this"), 1);
	assert_int_equal(count_of(log, "all series fit into max_series (2) again"), 1);
}

/* One dst:other for each source and each instance's tags, and its statistics are theirs. */
static void test_others_by_source_and_tags(void **state)
{
	struct statsd_fixture *f = *state;

	f->config.max_series = 2;
	choose(f);
	take_peer(f, 0, 1);
	take_peer(f, 1, 1);
	take_from(f, "10.0.0.1", "10.5.0.1", 10);
	take_from(f, "10.0.0.1", "10.5.0.2", 20);
	take_from(f, "10.0.0.1", "10.9.0.7", 30);
	take_from(f, "10.0.0.2", "10.5.0.3", 40);
	report(f);
	assert_non_null(strstr(text, "avg:15.000000|g|#src:10.0.0.1,dst:other,iface:lo"));
	assert_non_null(strstr(text, "avg:30.000000|g|#src:10.0.0.1,dst:other,net:lab,a_b_c,if"));
	/* Two are as many as max_series: further sources are folded, too. */
	assert_non_null(strstr(text, "avg:40.000000|g|#src:other,dst:other,iface:lo"));
	assert_int_equal(count_of(text, "samples:"), 5);
}

/* A host name is one series, however many addresses it has; each instance's tags are one more. */
static void test_cap_counts_series(void **state)
{
	struct statsd_fixture *f = *state;

	f->config.max_series = 2;
	choose(f);
	take_from(f, "10.0.0.1", "10.8.0.1", 10); /* www, under one set of tags */
	take_from(f, "10.0.0.1", "10.0.0.2", 20);
	take_from(f, "10.0.0.1", "10.9.0.1", 30); /* www, under two: no place for both */
	report(f);
	assert_non_null(strstr(text, "avg:10.000000|g|#src:10.0.0.1,dst:www.example.org,env:b"));
	assert_non_null(strstr(text, "avg:20.000000|g|#src:10.0.0.1,dst:10.0.0.2,env:b"));
	assert_non_null(strstr(text, "avg:30.000000|g|#src:10.0.0.1,dst:other,env:b"));
	assert_non_null(strstr(text, "avg:30.000000|g|#src:10.0.0.1,dst:other,net:lab"));
	assert_int_equal(count_of(text, "samples:"), 4);
}

/* The place of an address goes to its name when that is found. */
static void test_place_follows_the_name(void **state)
{
	struct statsd_fixture *f = *state;
	struct address www[3];

	f->config.max_series = 2;
	choose(f);
	take_from(f, "10.0.0.1", "10.77.0.1", 10);
	take_from(f, "10.0.0.1", "10.77.0.2", 10);
	report(f);
	assert_int_equal(count_of(text, "samples:"), 2);
	address_parse("10.8.0.1", &www[0]);
	address_parse("10.9.0.1", &www[1]);
	address_parse("10.0.0.2", &www[2]);
	take_from(f, "10.0.0.1", "10.0.0.2", 10); /* folded: both places are taken */
	report(f);
	assert_non_null(strstr(text, "dst:other,env:bench"));
	take_from(f, "10.0.0.1", "10.0.0.2", 10);
	report(f);
	assert_non_null(strstr(text, "dst:10.0.0.2,env:bench"));
	assert_int_equal(peers_set_host(f->peers, "www.example.org", www, 3), 1);
	assert_int_equal(peers_update(f->peers), 1);
	take_from(f, "10.0.0.1", "10.77.0.3", 10);
	take_from(f, "10.0.0.1", "10.0.0.2", 10);
	take_from(f, "10.0.0.1", "10.77.0.4", 10);
	report(f);
	assert_non_null(strstr(text, "dst:www.example.org,env:bench"));
	assert_non_null(strstr(text, "dst:10.77.0.3,"));
	assert_non_null(strstr(text, "samples:1|c|#src:10.0.0.1,dst:other,"));
}

/* A name that is found in the middle of an interval makes no second series, whether it is a
 * configured host's or the address's own. */
static void test_late_name(void **state)
{
	struct statsd_fixture *f = *state;
	struct address addr;

	choose(f);
	take_from(f, "10.0.0.1", "10.0.0.2", 10);
	address_parse("10.0.0.2", &addr);
	assert_int_equal(peers_set_address_name(f->peers, &addr, "db.example.net"), 1);
	take_from(f, "10.0.0.1", "10.0.0.2", 20);
	report(f);
	assert_non_null(strstr(text, "avg:15.000000|g|#src:10.0.0.1,dst:db.example.net,env:b"));
	assert_int_equal(count_of(text, "samples:"), 1);
	take_from(f, "10.0.0.1", "10.0.0.2", 10);
	assert_int_equal(peers_set_host(f->peers, "www.example.org", &addr, 1), 1);
	assert_int_equal(peers_update(f->peers), 1);
	take_from(f, "10.0.0.1", "10.0.0.2", 20);
	report(f);
	/* What had a name keeps it to the interval's end. */
	assert_non_null(strstr(text, "avg:15.000000|g|#src:10.0.0.1,dst:db.example.net,env:b"));
	assert_int_equal(count_of(text, "samples:"), 1);
}

/* Thousands under one network: memory and series are bounded, and no sample is lost. */
static void test_flood(void **state)
{
	struct statsd_fixture *f = *state;
	struct series series = {0};
	const struct series_settings settings = {.max_series = 100};
	const __u32 rtt[] = {TICKS_A_MS};
	struct flow_record record = make_record(&flow, 1, 1, rtt);
	const struct delivery delivery = {.record = &record, .iface = "lo"};
	__u64 samples = 0;
	unsigned int windows = 0;

	(void)f;
	series_configure(&series, &settings);
	for (int round = 0; round < 2; round++) {
		for (__u32 i = 0; i < 100000; i++) {
			record.key.peer.words[3] = htonl(0x0b000000 + i);
			assert_non_null(series_take(&series, NULL, NULL, &delivery));
		}
	}
	for (const struct window *w = series.windows.first; w; w = window_next(w)) {
		samples += w->stats.count;
		windows++;
	}
	assert_int_equal(samples, 200000);
	assert_int_equal(windows, 101);
	assert_int_equal(series.folded, 65536 - 100); /* those that are remembered */
	series_next_interval(&series, NULL);
	assert_int_equal(HASH_COUNT(series.windows.first), 100);
	series_next_interval(&series, NULL);
	assert_null(series.windows.first);
	assert_null(series.interned.first);
	assert_int_equal(series.places, 0);
	series_free(&series);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATSD_TEST(test_network),
		STATSD_TEST(test_network_with_instances),
		STATSD_TEST(test_network_edges),
		STATSD_TEST(test_configured),
		STATSD_TEST(test_direction),
		STATSD_TEST(test_direction_tags),
		STATSD_TEST(test_cap),
		STATSD_TEST(test_exactly_the_cap),
		STATSD_TEST(test_cap_is_stable),
		STATSD_TEST(test_cap_says_so_once),
		STATSD_TEST(test_others_by_source_and_tags),
		STATSD_TEST(test_cap_counts_series),
		STATSD_TEST(test_place_follows_the_name),
		STATSD_TEST(test_late_name),
		STATSD_TEST(test_flood),
	};

	return cmocka_run_group_tests_name("sink_series", tests, NULL, NULL);
}
