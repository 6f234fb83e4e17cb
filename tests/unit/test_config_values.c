/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Values in a configuration, one small text each, and those of the command line: good ones, bad
 * ones, and none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config_files.h"

#define TERM "the name of a network interface, a pattern such as veth*, or \"default\""

/* A file with a complete instance, for tests of something else. */
#define INSTANCE "instances:\n- interface: lo\n  ips: [127.0.0.1]\n"

static int load_text(const char *text, struct config **config)
{
	write_bytes(text, strlen(text));
	return config_load(path, config);
}

static void test_good_values(void **state)
{
	static const char *const texts[] = {
		"init_config:\n" INSTANCE,
		"init_config: {}\n" INSTANCE,
		"init_config: ~\n" INSTANCE,
		INSTANCE,
		"---\n" INSTANCE "...\n",
		"init_config: {snaplen: \"512\", idle_ttl: '300', statsd_port: +8125}\n" INSTANCE,
		"init_config: {snaplen: , idle_ttl: null, log_level: , statsd_ip: }\n" INSTANCE,
		"init_config: {report_interval: 10.0, log_level: INFO}\n" INSTANCE,
		"init_config: {exp_ttl: 60, expired_ttl: 60}\n" INSTANCE,
		"init_config: {expired_ttl: 60}\n" INSTANCE,
		"instances:\n- interface: lo\n  ips: &them [127.0.0.1]\n"
		"- interface: lo\n  ips: *them\n",
		"\xef\xbb\xbfinit_config:\r\ninstances:\r\n- interface: lo\r\n  ips:\r\n"
		"  - 127.0.0.1\r\n",
		"instances:\n- interface: lo\n  ips:\n  - 0.0.0.0/0\n  - ::/0\n  hosts:\n  tags: "
		"[]\n",
		"instances:\n- interface: lo\n  hosts: [localhost, a_b.c, db1.example., 1a]\n",
		"instances:\n- {interface: eth0.100, ips: [127.0.0.1], sample: NO}\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct config *c;

		assert_int_equal(load_text(texts[i], &c), 0);
		assert_defaults(c);
		config_free(c);
	}
	assert_string_equal(logged(NULL), "");
}

static void test_booleans(void **state)
{
	static const struct {
		const char *word;
		bool value;
	} cases[] = {
		{"true", true},   {"Yes", true}, {"ON", true},   {"\"true\"", true}, {"y", true},
		{"FALSE", false}, {"no", false}, {"off", false}, {"N", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[128];
		struct config *c;

		snprintf(text, sizeof(text), "init_config: {log_to_file: %s}\n" INSTANCE,
			 cases[i].word);
		assert_int_equal(load_text(text, &c), 0);
		assert_int_equal(c->log_to_file, cases[i].value);
		config_free(c);
	}
}

#define WHOLE_SNAPLEN "accepted: a whole number from 104 to 262144\n"
#define STATSD_IP     "an IPv4 or IPv6 address, localhost, or a host name\n"
#define SECTIONS      "accepted: init_config, instances\n"

static const struct {
	const char *text;
	const char *message;
} bad[] = {
	{"", "1: the file is empty; accepted: init_config and instances, as in "
	     "man bpf-metro.yaml\n"},
	{" \n\n", "1: the file is empty; accepted: init_config and instances, as in "
		  "man bpf-metro.yaml\n"},
	{"- 1\n", "1: is a list; accepted: lines of the form KEY: VALUE\n"},
	{"init_config: {snaplen: 103}\n" INSTANCE,
	 "1: init_config.snaplen: \"103\" is out of range; " WHOLE_SNAPLEN},
	{"init_config: {snaplen: 0x200}\n" INSTANCE,
	 "1: init_config.snaplen: \"0x200\" is not valid; " WHOLE_SNAPLEN},
	{"init_config: {snaplen: 512.5}\n" INSTANCE,
	 "1: init_config.snaplen: \"512.5\" is not valid; " WHOLE_SNAPLEN},
	{"init_config: {snaplen: -512}\n" INSTANCE,
	 "1: init_config.snaplen: \"-512\" is out of range; " WHOLE_SNAPLEN},
	{"init_config: {snaplen: 99999999999999999999}\n" INSTANCE,
	 "1: init_config.snaplen: \"99999999999999999999\" is out of range; " WHOLE_SNAPLEN},
	{"init_config: {snaplen: \"\"}\n" INSTANCE,
	 "1: init_config.snaplen: \"\" is not valid; " WHOLE_SNAPLEN},
	{"init_config: {snaplen: \"512\\0\"}\n" INSTANCE,
	 "1: init_config.snaplen: contains a zero byte; " WHOLE_SNAPLEN},
	{"init_config: {snaplen: {a: b}}\n" INSTANCE,
	 "1: init_config.snaplen: is a mapping (KEY: VALUE); " WHOLE_SNAPLEN},
	{"init_config: {report_interval: nan}\n" INSTANCE,
	 "1: init_config.report_interval: \"nan\" is not valid; accepted: a number from 0.1 to "
	 "3600\n"},
	{"init_config: {report_interval: 1e1}\n" INSTANCE,
	 "1: init_config.report_interval: \"1e1\" is not valid; accepted: a number from 0.1 to "
	 "3600\n"},
	{"init_config: {report_interval: 0.09}\n" INSTANCE,
	 "1: init_config.report_interval: \"0.09\" is out of range; accepted: a number from 0.1 to "
	 "3600\n"},
	{"init_config: {statsd_ip: -x.example}\n" INSTANCE,
	 "1: init_config.statsd_ip: \"-x.example\" is not valid; accepted: " STATSD_IP},
	{"init_config: {statsd_ip: 127.1}\n" INSTANCE,
	 "1: init_config.statsd_ip: \"127.1\" is not valid; accepted: " STATSD_IP},
	{"init_config: {statsd_ip: ''}\n" INSTANCE,
	 "1: init_config.statsd_ip: \"\" is not valid; accepted: " STATSD_IP},
	{"init_config: {expired_ttl: 5, exp_ttl: 6}\n" INSTANCE,
	 "1: init_config.exp_ttl: exp_ttl and expired_ttl are the same setting, but differ: 5 and "
	 "6; accepted: one of them\n"},
	{"init_confg:\n" INSTANCE,
	 "1: \"init_confg\" is not a known key (did you mean init_config?); " SECTIONS},
	{INSTANCE "\"instance\\n\": 1\n",
	 "4: \"instance?\" is not a known key (did you mean instances?); " SECTIONS},
	{INSTANCE "[a]: 1\n", "4: a list stands where a key should be; accepted: KEY: VALUE\n"},
	{INSTANCE "---\na: 1\n", "4: a second document begins here; accepted: one document, so "
				 "remove the line ---\n"},
	{INSTANCE INSTANCE, "4: instances: is given twice, first in line 1; accepted: once\n"},
	{"instances:\n-\n", "2: instances[0]: is a single value; accepted: lines of the form KEY: "
			    "VALUE\n"},
	{"instances:\n- interface: lo\n",
	 "2: instances[0]: neither ips nor hosts are given; list what to measure (0.0.0.0/0: every "
	 "IPv4 address, ::/0: every IPv6 address)\n"},
	{"instances:\n- interface: lo\n  ips: []\n  hosts:\n",
	 "2: instances[0]: neither ips nor hosts are given; list what to measure (0.0.0.0/0: every "
	 "IPv4 address, ::/0: every IPv6 address)\n"},
	{"instances:\n- ips: ['::1']\n", "2: instances[0]: interface is missing; accepted: "
					 "interface: NAME, with a name that `ip link` shows\n"},
	{"instances:\n- interface:\n  ips: ['::1']\n",
	 "2: instances[0]: interface is missing; accepted: interface: NAME, with a name that `ip "
	 "link` shows\n"},
	{"instances:\n- interface: ''\n  ips: ['::1']\n",
	 "2: instances[0].interface: is empty; accepted: the name of a network interface, as `ip "
	 "link` shows it\n"},
	{"instances:\n- interface: [[lo]]\n  ips: ['::1']\n",
	 "2: instances[0].interface[0]: is a list; accepted: " TERM "\n"},
	{"instances:\n- interface: {lo: 1}\n  ips: ['::1']\n",
	 "2: instances[0].interface: is a mapping (KEY: VALUE); accepted: " TERM "\n"},
	{"instances:\n- interface: []\n  ips: ['::1']\n",
	 "2: instances[0].interface: is an empty list; accepted: names or patterns in it\n"},
	{"instances:\n- interface:\n  - eth*\n  - !eth0\n  ips: ['::1']\n",
	 "4: instances[0].interface[1]: a ! in front needs quotes in YAML; accepted: \"!eth0\"\n"},
	{"instances:\n- interface: [eth*, '!']\n  ips: ['::1']\n",
	 "2: instances[0].interface[1]: leaves nothing out; accepted: a name or a pattern after "
	 "the !, such as \"!veth0\"\n"},
	{"instances:\n- interface: ['!eth0', '!default']\n  ips: ['::1']\n",
	 "2: instances[0].interface: only leaves interfaces out; accepted: with something to leave "
	 "them out of, such as [\"*\", \"!eth0\"]\n"},
	{"instances:\n- interface: [file, eth0]\n  ips: ['::1']\n",
	 "2: instances[0].interface: \"file\" means a capture file, and stands alone; accepted: "
	 "interface: file, in an entry of its own\n"},
	{"instances:\n- interface: ['eth[0', 'a b*', '!sixteenletters16']\n  ips: ['::1']\n",
	 "2: instances[0].interface[0]: \"eth[0\" has a [ without its ]; accepted: a pattern such "
	 "as eth[0-9]\n"
	 "2: instances[0].interface[1]: \"a b*\" cannot match an interface's name; accepted: a "
	 "pattern without spaces and /, such as veth*\n"
	 "2: instances[0].interface[2]: \"sixteenletters16\" is too long; accepted: the name of a "
	 "network interface, at most 15 characters\n"},
	{"instances:\n- interface: sixteenletters16\n  ips: ['::1']\n",
	 "2: instances[0].interface: \"sixteenletters16\" is too long; accepted: the name of a "
	 "network interface, at most 15 characters\n"},
	{"instances:\n- interface: lo\n  hosts:\n  - a\n  - ''\n",
	 "5: instances[0].hosts[1]: \"\" is not valid; accepted: a host name or an address\n"},
	{"instances:\n- interface: lo\n  hosts: [1.2.3]\n",
	 "3: instances[0].hosts[0]: \"1.2.3\" is not valid; accepted: a host name or an address\n"},
	{"instances:\n- interface: lo\n  ips: [2001:db8::1/32]\n",
	 "3: instances[0].ips[0]: \"2001:db8::1/32\" has bits set beyond the prefix; accepted: "
	 "2001:db8::/32 for the whole network, or the address without /BITS\n"},
	{"instances: [\n", "2: not valid YAML: did not find expected node content, while parsing a "
			   "flow node from line 2; put quotes around values such as \"::1\"\n"},
	{"a:\n\tb: 1\n", "2: not valid YAML: found character that cannot start any token, while "
			 "scanning for the next token from line 2; indent with spaces, not tabs\n"},
	{"a: *nobody\n", "1: not valid YAML: found undefined alias\n"},
	{"a: 1\n\xff\n", "2: not valid YAML: invalid leading UTF-8 octet\n"},
};

/* It waits for a reload. Not so a file without a byte, as a full disk leaves it. */
static void test_nothing_to_measure(void **state)
{
	static const char *const texts[] = {
		"# nothing\n",     "init_config:\n",   "instances:\n",
		"instances: []\n", "---\n# nothing\n", "instances:\n# - interface: eth0\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct config *c = NULL;

		log_release(&capture);
		log_capture(&capture);
		assert_int_equal(load_text(texts[i], &c), 0);
		assert_int_equal(c->instances_count, 0);
		assert_int_equal(c->exp_ttl_s, 60);
		assert_string_equal(capture_read(&capture), "");
		config_free(c);
	}
}

static void test_bad_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct config *c = NULL;

		log_release(&capture);
		log_capture(&capture);
		assert_int_equal(load_text(bad[i].text, &c), -EINVAL);
		assert_null(c);
		assert_string_equal(logged(path), bad[i].message);
	}
}

static void test_long_words(void **state)
{
	char text[2048], label[65];
	struct config *c;
	char *peers[1] = {text};

	(void)state;
	memset(label, 'a', 64);
	label[64] = '\0';
	assert_int_equal(config_from_arguments("lo", (char *[]){label}, 1, &c), -EINVAL);
	label[63] = '\0';
	snprintf(text, sizeof(text), "%s.%s.%s.%.61s", label, label, label, label);
	assert_int_equal(strlen(text), 253);
	assert_int_equal(config_from_arguments("lo", peers, 1, &c), 0);
	config_free(c);
	strcat(text, "a");
	assert_int_equal(config_from_arguments("lo", peers, 1, &c), -EINVAL);

	snprintf(text, sizeof(text), INSTANCE "  tags: ['%0800d']\n", 1);
	log_release(&capture);
	log_capture(&capture);
	assert_int_equal(load_text(text, &c), -EINVAL);
	assert_string_equal(logged(path),
			    "4: instances[0].tags: are 801 bytes long together, too many for a "
			    "StatsD datagram; accepted: up to 800, counting a comma for each\n");
}

static void test_arguments(void **state)
{
	char *peers[] = {"10.0.0.0/8", "::1", "db.example"};
	char *wrong[] = {"10.0.0.1/8", "1.2.3.4.5", "::1"};
	struct config *c;

	(void)state;
	assert_int_equal(config_from_arguments("eth0", peers, 3, &c), 0);
	assert_defaults(c);
	assert_false(c->log_to_file);
	assert_int_equal(c->instances_count, 1);
	assert_string_equal(c->instances[0].interface, "eth0");
	assert_int_equal(c->instances[0].ips_count, 2);
	assert_string_equal(c->instances[0].hosts[0], "db.example");
	config_free(c);

	assert_int_equal(config_from_arguments("a/b", wrong, 3, &c), -EINVAL);
	assert_int_equal(config_from_arguments("lo", NULL, 0, &c), -EINVAL);
	assert_string_equal(
		logged(NULL),
		"interface: \"a/b\" cannot be an interface's name; accepted: a name without "
		"spaces, / and :\n"
		"peer: \"10.0.0.1/8\" has bits set beyond the prefix; accepted: 10.0.0.0/8 for the "
		"whole network, or the address without /BITS\n"
		"peer: \"1.2.3.4.5\" is not valid; accepted: an address, a network such as "
		"10.0.0.0/8, or a host name\n"
		"peer: none is given; list what to measure (0.0.0.0/0: every IPv4 address, ::/0: "
		"every IPv6 address)\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOGGED_TEST(test_good_values),        LOGGED_TEST(test_booleans),
		LOGGED_TEST(test_nothing_to_measure), LOGGED_TEST(test_bad_values),
		LOGGED_TEST(test_long_words),         LOGGED_TEST(test_arguments),
	};

	return cmocka_run_group_tests_name("config values", tests, setup, teardown);
}
