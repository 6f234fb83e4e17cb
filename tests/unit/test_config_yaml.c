/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What YAML allows beyond plain keys and values: what is too much of it, merge keys, keys of
 * others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/resource.h>

#include "array.h"
#include "clock.h"
#include "emulated.h"
#include "load_config.h"
#include "mistakes.h"
#include "yaml_bounds.h"

/* ---- what is too much ---- */

/* Texts too long to write down. */
struct text {
	char *at;
	size_t length;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *text, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	text->length += (size_t)vsprintf(text->at + text->length, format, args);
	va_end(args);
}

static void repeat(struct text *text, const char *what, unsigned int times)
{
	while (times--)
		add(text, "%s", what);
}

static void nest_lists(struct text *text)
{
	add(text, INSTANCE "more: ");
	repeat(text, "[", 400000);
}

static void nest_mappings(struct text *text)
{
	repeat(text, "{a: ", 100000);
}

static void nest_blocks(struct text *text)
{
	repeat(text, "- ", 100000);
}

/* 800 instances that repeat 2,000 addresses: 43 KB. */
static void repeat_list(struct text *text)
{
	add(text, INSTANCE "- interface: lo\n  ips: &i [");
	for (int i = 0; i < 2000; i++)
		add(text, "10.0.%d.%d,", i / 256, i % 256);
	add(text, "]\n");
	repeat(text, "- {interface: lo, ips: *i}\n", 800);
}

static void laugh(struct text *text)
{
	add(text, "a: &a [x, x, x, x, x, x, x, x, x]\n");
	for (char c = 'b'; c < 'z'; c++) {
		add(text, "%c: &%c [", c, c);
		for (int i = 0; i < 9; i++)
			add(text, "*%c,", c - 1);
		add(text, "]\n");
	}
}

static void anchor_all(struct text *text)
{
	add(text, "a: [");
	for (int i = 0; i < 100000; i++)
		add(text, "&x%d 1,", i);
	add(text, "]\n");
}

static void direct(struct text *text)
{
	for (int i = 0; i < 100000; i++)
		add(text, "%%TAG !a%d! x\n", i);
	add(text, "---\n" INSTANCE);
}

/* The same, with other line ends. */
static void direct_otherwise(struct text *text)
{
	for (int i = 0; i < 100000; i++)
		add(text, "%%TAG !a%d! x%s", i, i % 2 ? "\r" : "\xe2\x80\xa8");
	add(text, "---\n" INSTANCE);
}

static void list_all(struct text *text)
{
	add(text, "a: [");
	repeat(text, "b,", 2000000);
	add(text, "]\n" INSTANCE);
}

/* Each alias was looked for among all keys: 424 KB took 19 seconds. */
static void merge_all(struct text *text)
{
	add(text, "a: &a {z: 1}\nb:\n  <<: [");
	repeat(text, "*a,", 33000);
	add(text, "]\n");
	for (int i = 0; i < 28000; i++)
		add(text, "  k%d: 1\n", i);
	add(text, "  z: 1\n" INSTANCE);
}

/* Each was compared with all known keys, and looked for among them. */
static void make_up_keys(struct text *text)
{
	add(text, INSTANCE "init_config:\n");
	for (int i = 0; i < 400000; i++)
		add(text, "  statsd_i%d: 1\n", i);
}

/* Each took seconds, minutes or hundreds of megabytes; with bounds, less than half a second. Ten
 * seconds of processor time are allowed: the machine may be busy. */
static void test_bounds(void **state)
{
	static const struct {
		void (*make)(struct text *text);
		const char *message;
	} cases[] = {
		{nest_lists,
		 "ERROR 4: lists or mappings nested too deep; accepted: up to 32 levels\n"},
		{nest_mappings,
		 "ERROR 1: lists or mappings nested too deep; accepted: up to 32 levels\n"},
		{nest_blocks,
		 "ERROR 1: lists or mappings nested too deep; accepted: up to 32 levels\n"},
		{repeat_list, "ERROR 55: with the alias \"i\", aliases repeat too many values; "
			      "accepted: up to 100000\n"},
		{laugh, "ERROR 6: with the alias \"e\", aliases repeat too many values; accepted: "
			"up to 100000\n"},
		{anchor_all, "ERROR 1: too many anchors (&NAME); accepted: up to 256\n"},
		{direct, "ERROR 17: too many lines that begin with %; accepted: up to 16\n"},
		{direct_otherwise,
		 "ERROR 1: too many lines that begin with %; accepted: up to 16\n"},
		{merge_all,
		 "ERROR 3: too many keys, counting merged ones; accepted: up to "
		 "256\n"
		 "WARNING 2: \"b\" is not a known key and is ignored; known: init_config, "
		 "instances\n"},
		{make_up_keys, "ERROR 5: init_config: has 400000 keys; accepted: up to 1024\n"},
		{list_all, "ERROR 1: too many values; accepted: up to 1048576; a network such as "
			   "10.0.0.0/8 stands for many addresses\n"},
	};
	struct text text = {.at = malloc(16 << 20)};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct config *config;
		__u64 before;

		text.length = 0;
		cases[i].make(&text);
		before = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
		assert_int_equal(load(text.at, text.length, &config), -EINVAL);
		assert_true(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - before < 10 * NS_PER_S);
		assert_string_equal(logged(), cases[i].message);
	}
	free(text.at);
}

/* Instances, made of what comes after &x, a megabyte that aliases repeat. */
static void assert_long_refused(const char *start, const char *repeated, size_t times,
				const char *message)
{
	struct text text = {.at = malloc(2 << 20)};
	__u64 before = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	struct rusage usage;
	struct config *config;

	add(&text, "x: &x ");
	repeat(&text, "y", 1 << 20);
	add(&text, "\ninstances:\n%s", start);
	repeat(&text, repeated, times);
	assert_int_equal(load(text.at, text.length, &config), -EINVAL);
	/* An emulator takes ten times as long. */
	assert_true(is_emulated() || clock_ns(CLOCK_PROCESS_CPUTIME_ID) - before < 3 * NS_PER_S);
	getrusage(RUSAGE_SELF, &usage);
	assert_in_range(usage.ru_maxrss, 1, 1 << 20); /* KiB */
	assert_int_equal(count_of(logged(), message), MISTAKES_TOLD);
	free(text.at);
}

/* What is refused is neither copied nor read to its end, as often as aliases repeat it. */
static void test_long_texts(void **state)
{
	(void)state;
	assert_long_refused("- interface: lo\n  ips: [10.0.0.1]\n  tags:\n", "  - *x\n", 3000,
			    "yyy...\" is too long for a StatsD datagram; accepted: all tags "
			    "together up to 800 bytes\n");
	assert_long_refused("- interface: lo\n  hosts:\n", "  - *x\n", 3000,
			    "yyy...\" is not valid; accepted: a host name or an address\n");
	assert_long_refused("", "- {interface: file, pcap: *x, ips: [10.0.0.1]}\n", 3000,
			    ".pcap: is too long; accepted: the path of a capture file, up to 4096 "
			    "bytes\n");
}

/* Up to the bounds, everything is read. */
static void test_within_bounds(void **state)
{
	struct text text = {.at = malloc(1 << 20)};
	struct config *config;

	(void)state;
	add(&text, "more: ");
	repeat(&text, "[", YAML_DEPTH_MAX - 1);
	repeat(&text, "]", YAML_DEPTH_MAX - 1);
	add(&text, "\ninstances:\n- interface: lo\n  ips: &i [");
	for (int i = 0; i < 999; i++)
		add(&text, "10.0.%d.%d,", i / 256, i % 256);
	add(&text, "]\n");
	repeat(&text, "- {interface: lo, ips: *i}\n", YAML_REPEATED_MAX / 1000);
	assert_int_equal(load(text.at, text.length, &config), 0);
	assert_int_equal(config->instances_count, 101);
	assert_int_equal(config->instances[100].ips_count, 999);
	config_free(config);
	free(text.at);
}

static void test_cycles(void **state)
{
	(void)state;
	assert_refused(INSTANCE "more: &a [*a]\n",
		       "ERROR 4: the alias \"a\" is inside the value that it stands for\n");
	assert_refused("instances:\n- &a\n  interface: lo\n  <<: *a\n",
		       "ERROR 4: the alias \"a\" is inside the value that it stands for\n");
	assert_refused("instances: *a\n", "ERROR 1: not valid YAML: found undefined alias\n");
}

/* A file of nothing but mistakes does not fill the log, each time it is loaded. */
static void test_many_mistakes(void **state)
{
	struct text text = {.at = malloc(1 << 20)};
	struct config *config;

	(void)state;
	add(&text, "instances:\n- interface: lo\n  ips:\n");
	repeat(&text, "  - nonsense\n", 5000);
	for (int i = 0; i < 1000; i++)
		add(&text, "key%d: 1\n", i);
	assert_int_equal(load(text.at, text.length, &config), -EINVAL);
	assert_int_equal(count_of(logged(), "\n"), 2 * MISTAKES_TOLD + 2);
	assert_non_null(strstr(capture_read(&capture), ": 4900 more mistakes, not shown here\n"));
	assert_non_null(strstr(capture_read(&capture), ": 900 more warnings, not shown here\n"));
	free(text.at);
}

/* ---- merge keys ---- */

static void test_merge(void **state)
{
	struct config *c = load_good("defaults: &defaults\n"
				     "  interface: eth0\n"
				     "  tags: [a:b]\n"
				     "  ips: [192.0.2.1, 192.0.2.2]\n"
				     "later: &later\n"
				     "  <<: *defaults\n"
				     "  interface: eth1\n"
				     "  hosts: [db.example]\n"
				     "instances:\n"
				     "- <<: *defaults\n"
				     "- <<: *defaults\n"
				     "  ips: [192.0.2.3]\n"
				     "- interface: eth2\n"
				     "  <<: *later\n"
				     "- <<: [{interface: eth3}, *later, *defaults]\n"
				     "- <<: {<<: *later, ips: [192.0.2.4]}\n");

	(void)state;
	assert_string_equal(logged(), "");
	assert_int_equal(c->instances_count, 5);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(c->instances[i].tags_count, 1);
		assert_string_equal(c->instances[i].tags[0], "a:b");
		assert_int_equal(c->instances[i].hosts_count, i >= 2);
		assert_int_equal(c->instances[i].ips_count, i == 1 || i == 4 ? 1 : 2);
	}
	assert_string_equal(c->instances[0].interface, "eth0");
	assert_string_equal(c->instances[1].interface, "eth0");
	assert_string_equal(c->instances[2].interface, "eth2"); /* its own wins, wherever */
	assert_string_equal(c->instances[3].interface, "eth3"); /* the first of a list wins */
	assert_string_equal(c->instances[4].interface, "eth1");
	assert_int_equal(c->instances[1].ips[0].addr.bytes[15], 3);
	assert_int_equal(c->instances[4].ips[0].addr.bytes[15], 4);
	config_free(c);

	c = load_good("init_config: {<<: [{snaplen: 200}, {snaplen: 300, marks: 8}]}\n" INSTANCE);
	assert_int_equal(c->snaplen, 200);
	assert_int_equal(c->marks, 8);
	config_free(c);
}

#define MERGEABLE                                                                                  \
	"only mappings can be merged by <<; accepted: <<: *NAME, or <<: [*NAME, *NAME], with "     \
	"anchors &NAME at mappings\n"

static void test_wrong_merges(void **state)
{
	struct text text = {.at = malloc(1 << 16)};

	(void)state;
	assert_refused(INSTANCE "  <<: x\n", "ERROR 4: " MERGEABLE);
	assert_refused(INSTANCE "  <<:\n", "ERROR 4: " MERGEABLE);
	assert_refused(INSTANCE "  <<: [{}, [{}]]\n", "ERROR 4: " MERGEABLE);
	/* what is merged is checked where it stands */
	assert_refused("d: &d {interface: a/b, ips: ['::1']}\ninstances:\n- <<: *d\n",
		       "ERROR 1: instances[0].interface: \"a/b\" cannot be an interface's name; "
		       "accepted: a name without spaces, / and :\n");
	add(&text, INSTANCE "  <<: {");
	for (int i = 0; i < 300; i++)
		add(&text, "key%d: 1, ", i);
	add(&text, "ips: ['::1']}\n");
	assert_int_equal(load(text.at, text.length, &(struct config *){NULL}), -EINVAL);
	assert_non_null(strstr(
		logged(), "ERROR 2: too many keys, counting merged ones; accepted: up to 256\n"));
	free(text.at);
}

/* ---- keys of others ---- */

static void assert_warned(const char *text, const char *message)
{
	config_free(load_good(text));
	assert_string_equal(logged(), message);
}

static void test_agent_keys(void **state)
{
	(void)state;
	assert_warned(
		"ad_identifiers: [x]\nlogs: [{type: file}]\n" INSTANCE
		"  min_collection_interval: 15\n  empty_default_hostname: true\n"
		"  service: web\n",
		"WARNING 1: ad_identifiers is for the Datadog Agent and is ignored here\n"
		"WARNING 2: logs is for the Datadog Agent and is ignored here\n"
		"WARNING 6: instances[0]: min_collection_interval is for the Datadog Agent and is "
		"ignored here; init_config.report_interval is the time between reports\n"
		"WARNING 7: instances[0]: empty_default_hostname is for the Datadog Agent and is "
		"ignored here\n"
		"WARNING 8: instances[0]: service is for the Datadog Agent and is ignored here; to "
		"have it as a tag, put it under tags\n");
}

#define KEYS                                                                                       \
	"interface, ips, hosts, tags, direction, ports, tag_port, sample, sample_duration, "       \
	"sample_interval, "                                                                        \
	"pcap, containers\n"
#define IS_NO_KEY   " is not a known key and is ignored; known: "
#define DO_YOU_MEAN " is not a known key (did you mean "

static void test_unknown_keys(void **state)
{
	(void)state;
	assert_warned(INSTANCE "  weight: 3\n  \"a\\nb\": [1]\n",
		      "WARNING 4: instances[0]: \"weight\"" IS_NO_KEY KEYS
		      "WARNING 5: instances[0]: \"a?b\"" IS_NO_KEY KEYS);
	/* a key that holds what is repeated is no mistake, one that repeats it is */
	assert_warned(
		"x-peers: {all: &all [127.0.0.1]}\ninstances:\n- interface: lo\n  ips: *all\n", "");
	assert_warned("x-peers: &x [127.0.0.1]\n" INSTANCE "  peers: *x\n",
		      "WARNING 5: instances[0]: \"peers\"" IS_NO_KEY KEYS);
	/* slips of known keys */
	assert_refused(INSTANCE "  host: [a]\n",
		       "ERROR 4: instances[0]: \"host\"" DO_YOU_MEAN "hosts?); accepted: " KEYS);
	assert_refused(INSTANCE "  Tags: [a]\n",
		       "ERROR 4: instances[0]: \"Tags\"" DO_YOU_MEAN "tags?); accepted: " KEYS);
	assert_refused(INSTANCE "  SAMPLE-INTERVALL: 1\n",
		       "ERROR 4: instances[0]: \"SAMPLE-INTERVALL\"" DO_YOU_MEAN
		       "sample_interval?); accepted: " KEYS);
}

static void test_sample_of_file(void **state)
{
	struct config *c = load_good("instances:\n- {interface: file, pcap: a, hosts: [a], sample: "
				     "true}\n");

	(void)state;
	assert_false(c->instances[0].sample);
	assert_string_equal(logged(), "WARNING 2: instances[0]: sample: true is ignored: a capture "
				      "file is always read whole\n");
	config_free(c);
}

int main(void)
{
#define LOGGED_TEST(name) cmocka_unit_test_setup_teardown(name, catch_log, release_log)
	const struct CMUnitTest tests[] = {
		LOGGED_TEST(test_bounds),        LOGGED_TEST(test_within_bounds),
		LOGGED_TEST(test_long_texts),    LOGGED_TEST(test_cycles),
		LOGGED_TEST(test_many_mistakes), LOGGED_TEST(test_merge),
		LOGGED_TEST(test_wrong_merges),  LOGGED_TEST(test_agent_keys),
		LOGGED_TEST(test_unknown_keys),  LOGGED_TEST(test_sample_of_file),
	};

	return cmocka_run_group_tests_name("config yaml", tests, NULL, NULL);
}
