/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Configuration files as people have them, go-metro's among them: what they mean, and what is wrong
 * with them. Run from the top of the repository: files are read from tests/data and packaging. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config_files.h"

#define SAMPLE_PATH   "packaging/bpf-metro.yaml"
#define GO_METRO_PATH "tests/data/config/go-metro.yaml"
#define MISTAKES_PATH "tests/data/config/mistakes.yaml"
#define MISTAKES_LOG  "tests/data/config/mistakes.log"

static void assert_prefix(const struct prefix *prefix, const char *expected)
{
	char text[PREFIX_TEXT];

	assert_string_equal(prefix_format(prefix, text), expected);
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
	const struct CMUnitTest tests[] = {
		LOGGED_TEST(test_go_metro_file),
		LOGGED_TEST(test_sample_file),
		LOGGED_TEST(test_sample_comments_are_defaults),
		LOGGED_TEST(test_all_mistakes_at_once),
		LOGGED_TEST(test_unreadable),
		LOGGED_TEST(test_damaged_files),
	};

	return cmocka_run_group_tests_name("config", tests, setup, teardown);
}
