/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Configuration files as people have them, go-metro's among them: what they mean, and what is wrong
 * with them. Run from the top of the repository: files are read from tests/data and packaging. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "array.h"
#include "capture.h"
#include "config.h"

#define SAMPLE_PATH   "packaging/bpf-metro.yaml"
#define GO_METRO_PATH "tests/data/config/go-metro.yaml"
#define MISTAKES_PATH "tests/data/config/mistakes.yaml"
#define MISTAKES_LOG  "tests/data/config/mistakes.log"

/* A file with a complete instance, for tests of something else. */
#define TERM     "the name of a network interface, a pattern such as veth*, or \"default\""
#define INSTANCE "instances:\n- interface: lo\n  ips: [127.0.0.1]\n"

static char directory[] = "/tmp/metro-config-XXXXXX";
static char path[64];
static struct capture capture;

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/c.yaml", directory);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(directory);
}

/* Each test has a log of its own. */
static int setup_log(void **state)
{
	(void)state;
	log_capture(&capture);
	return 0;
}

static int teardown_log(void **state)
{
	(void)state;
	log_release(&capture);
	return 0;
}

/* What was logged, without "TIME ERROR " (or "TIME ", before a warning) and without the file's name
 * in front: a line each. */
static const char *logged(const char *file)
{
	static char out[65536];
	char *line, *text = strdup(capture_read(&capture)), *rest = text;
	size_t length = 0;

	out[0] = '\0';
	while ((line = strsep(&rest, "\n")) && rest) {
		char *message = strstr(line, " ERROR "), *warning = strstr(line, " WARNING ");

		assert_true(message || warning);
		message = warning ? warning + strlen(" WARNING ") : message + strlen(" ERROR ");
		if (file && strncmp(message, file, strlen(file)) == 0)
			message += strlen(file) + 1;
		length += (size_t)snprintf(out + length, sizeof(out) - length, "%s%s\n",
					   warning ? "WARNING " : "", message);
	}
	free(text);
	return out;
}

static void write_bytes(const char *bytes, size_t length)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

static int load_text(const char *text, struct config **config)
{
	write_bytes(text, strlen(text));
	return config_load(path, config);
}

static void assert_prefix(const struct prefix *prefix, const char *expected)
{
	char text[PREFIX_TEXT];

	assert_string_equal(prefix_format(prefix, text), expected);
}

static void assert_defaults(const struct config *c)
{
	assert_int_equal(c->snaplen, 512);
	assert_int_equal(c->idle_ttl_s, 300);
	assert_int_equal(c->exp_ttl_s, 60);
	if (c->statsd_ip) /* "not given" differs from the default, but means the same here */
		assert_string_equal(c->statsd_ip, "127.0.0.1");
	if (c->statsd_port)
		assert_int_equal(c->statsd_port, 8125);
	assert_null(c->statsd_socket);
	assert_null(c->prefix);
	assert_int_equal(c->dialect, DIALECT_DOGSTATSD);
	assert_int_equal(c->metrics, METRICS_DEFAULT);
	assert_false(c->distribution || c->telemetry || c->soften);
	assert_int_equal(c->aggregate.by, AGGREGATE_ADDRESS);
	assert_int_equal(c->max_series, 0);
	assert_int_equal(c->resolve_interval_s, 300);
	assert_true(c->reverse_names);
	assert_null(c->openmetrics_listen);
	assert_int_equal(c->openmetrics_buckets.count, 21);
	assert_int_equal(c->openmetrics_buckets.ns[20], 60000000000);
	if (c->control_socket && *c->control_socket) /* the command line has none */
		assert_string_equal(c->control_socket, "/run/bpf-metro/bpf-metro.sock");
	assert_int_equal(c->log_level, LEVEL_INFO);
	assert_true(c->report_interval_s == 10);
	assert_int_equal(c->max_flows, 32768);
	assert_int_equal(c->marks, 32);
}

static void test_go_metro_file(void **state)
{
	struct config *c;

	(void)state;
	assert_int_equal(config_load(GO_METRO_PATH, &c), 0);
	assert_int_equal(c->snaplen, 256);
	assert_int_equal(c->idle_ttl_s, 120);
	assert_int_equal(c->exp_ttl_s, 30);
	assert_string_equal(c->statsd_ip, "192.0.2.53");
	assert_int_equal(c->statsd_port, 18125);
	assert_false(c->log_to_file);
	assert_int_equal(c->log_level, LEVEL_WARNING);
	assert_int_equal(c->instances_count, 2);
	assert_string_equal(c->instances[0].interface, "lo");
	assert_int_equal(c->instances[0].tags_count, 2);
	assert_string_equal(c->instances[0].tags[0], "team:net");
	assert_string_equal(c->instances[0].tags[1], "quoted: with a space");
	assert_int_equal(c->instances[0].ips_count, 4);
	assert_prefix(&c->instances[0].ips[0], "127.0.0.1");
	assert_prefix(&c->instances[0].ips[1], "10.20.0.0/16");
	assert_prefix(&c->instances[0].ips[2], "2001:db8::1");
	assert_prefix(&c->instances[0].ips[3], "192.0.2.7");
	assert_int_equal(c->instances[0].hosts_count, 1);
	assert_string_equal(c->instances[0].hosts[0], "gateway.example");
	assert_string_equal(c->instances[1].interface, "eth7");
	assert_int_equal(c->instances[1].tags_count, 0);
	assert_string_equal(logged(NULL), "");
	config_free(c);
}

static void test_sample_file(void **state)
{
	struct config *c;

	(void)state;
	assert_int_equal(config_load(SAMPLE_PATH, &c), 0);
	assert_defaults(c);
	assert_true(c->log_to_file);
	assert_int_equal(c->instances_count, 1);
	assert_int_equal(c->instances[0].ips_count, 3);
	assert_null(c->statsd_ip);
	assert_int_equal(c->statsd_port, 0);
	assert_string_equal(logged(NULL), "");
	config_free(c);
}

/* The sample's commented keys, once the "# " is gone, are the defaults that it says they are. */
static void test_sample_comments_are_defaults(void **state)
{
	FILE *in = fopen(SAMPLE_PATH, "r"), *out = fopen(path, "w");
	char line[256], key[64];
	unsigned int keys = 0;
	struct config *c;

	(void)state;
	while (fgets(line, sizeof(line), in)) {
		int is_key = sscanf(line, "  # %63[a-z_]: %*s", key) == 1 && strchr(line, ':') &&
			     line[strlen("  # ") + strlen(key)] == ':';

		keys += (unsigned int)is_key;
		fputs(is_key ? "  " : line, out);
		fputs(is_key ? line + strlen("  # ") : "", out);
	}
	fclose(in);
	fclose(out);
	assert_int_equal(keys, 24); /* all but the alias */
	assert_int_equal(config_load(path, &c), 0);
	assert_defaults(c);
	assert_true(c->log_to_file);
	config_free(c);
}

static void test_all_mistakes_at_once(void **state)
{
	struct config *c;
	char expected[32768], found[32768];
	FILE *file = fopen(MISTAKES_LOG, "r");
	size_t length, at = 0;
	const char *log;

	(void)state;
	assert_non_null(file);
	length = fread(expected, 1, sizeof(expected) - 1, file);
	expected[length] = '\0';
	fclose(file);
	assert_int_equal(config_load(MISTAKES_PATH, &c), -EINVAL);
	log = logged("tests/data/config");
	for (; *log && at < sizeof(found) - 1; at++)
		found[at] = *log++;
	found[at] = '\0';
	assert_string_equal(found, expected);
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

static void test_unreadable(void **state)
{
	struct config *c;
	char expected[512];

	(void)state;
	unlink(path);
	assert_int_equal(config_load(path, &c), -ENOENT);
	assert_int_equal(config_load(directory, &c), -EISDIR);
	assert_int_equal(config_load("/dev/zero", &c), -EFBIG);
	snprintf(expected, sizeof(expected),
		 "%s: no such file; write one (man bpf-metro.yaml has examples), or name "
		 "another with --config FILE\n"
		 "%s: cannot read the configuration: Is a directory\n"
		 "/dev/zero: is larger than 16 MiB, so it cannot be a configuration; name the "
		 "right file "
		 "with --config FILE\n",
		 path, directory);
	assert_string_equal(logged(NULL), expected);
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

static char *slurp(const char *name, size_t *length)
{
	char *bytes = malloc(65536);
	FILE *file = fopen(name, "r");

	assert_non_null(file);
	*length = fread(bytes, 1, 65536, file);
	fclose(file);
	return bytes;
}

static void load_and_forget(const char *bytes, size_t length)
{
	struct config *c;

	write_bytes(bytes, length);
	if (config_load(path, &c) == 0)
		config_free(c);
}

/* Checked by the sanitizers alone: whatever a file holds, loading it ends and frees everything. */
static void test_damaged_files(void **state)
{
	static const char *const names[] = {SAMPLE_PATH, GO_METRO_PATH, MISTAKES_PATH};
	static const char odd[] = "\n\t -:[]{}#&*!|>'\"%@`,?~/\\\0\xff\xef\x80 0a";

	(void)state;
	log_set_level(LEVEL_CRITICAL);
	srandom(1);
	for (size_t n = 0; n < ARRAY_SIZE(names); n++) {
		size_t length;
		char *bytes = slurp(names[n], &length);

		for (size_t cut = 0; cut < length; cut += 1 + length / 400)
			load_and_forget(bytes, cut);
		for (int round = 0; round < 1500; round++) {
			size_t at = (size_t)random() % length;
			char old = bytes[at];

			bytes[at] = odd[(size_t)random() % (sizeof(odd) - 1)];
			load_and_forget(bytes, length);
			if (round % 4) /* let some damage pile up */
				bytes[at] = old;
		}
		free(bytes);
	}
	log_set_level(LEVEL_INFO);
}

int main(void)
{
#define LOGGED_TEST(name) cmocka_unit_test_setup_teardown(name, setup_log, teardown_log)
	const struct CMUnitTest tests[] = {
		LOGGED_TEST(test_go_metro_file),
		LOGGED_TEST(test_sample_file),
		LOGGED_TEST(test_sample_comments_are_defaults),
		LOGGED_TEST(test_all_mistakes_at_once),
		LOGGED_TEST(test_good_values),
		LOGGED_TEST(test_booleans),
		LOGGED_TEST(test_nothing_to_measure),
		LOGGED_TEST(test_bad_values),
		LOGGED_TEST(test_long_words),
		LOGGED_TEST(test_unreadable),
		LOGGED_TEST(test_arguments),
		LOGGED_TEST(test_damaged_files),
	};

	return cmocka_run_group_tests_name("config", tests, setup, teardown);
}
