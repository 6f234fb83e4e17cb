/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The keys openmetrics_listen and openmetrics_buckets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "array.h"
#include "listen_address.h"
#include "load_config.h"
#include "openmetrics_keys.h"

static void test_addresses(void **state)
{
	struct listen_address address;
	char text[ADDRESS_TEXT];

	(void)state;
	assert_int_equal(listen_address_parse("127.0.0.1:9747", &address), 0);
	assert_string_equal(address_format(&address.addr, text), "127.0.0.1");
	assert_int_equal(address.port, 9747);
	assert_false(listen_address_is_exposed(&address));
	assert_int_equal(listen_address_parse("[::1]:1", &address), 0);
	assert_false(listen_address_is_exposed(&address));
	assert_int_equal(listen_address_parse("[::]:65535", &address), 0);
	assert_true(listen_address_is_exposed(&address));
	assert_int_equal(listen_address_parse("0.0.0.0:9747", &address), 0);
	assert_true(listen_address_is_exposed(&address));
	assert_int_equal(listen_address_parse("unix:/run/a.sock", &address), 0);
	assert_string_equal(address.path, "/run/a.sock");
	assert_false(listen_address_is_exposed(&address));
}

static void test_no_addresses(void **state)
{
	static const char *const wrong[] = {
		"",
		":9747",
		"9747",
		"127.0.0.1",
		"127.0.0.1:",
		"127.0.0.1:0",
		"127.0.0.1:65536",
		"localhost:9747",
		"::1:9747",
		"[::1]",
		"[127.0.0.1]:9747",
		"[]:1",
		"[::1:9747",
		"unix:",
		"unix:run/a",
		"unix:/run/",
		"http://127.0.0.1:9747",
		"127.0.0.1:9747/metrics",
		"[::1]]:1",
		"127.0.0.1:9747 ",
		"[fe80::1%eth0]:1",
	};
	struct listen_address address;
	char path[200] = "unix:/";

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		if (!listen_address_parse(wrong[i], &address))
			fail_msg("%s", wrong[i]);
	memset(path + strlen(path), 'x', 107);
	assert_int_equal(listen_address_parse(path, &address), -EINVAL);
	path[strlen("unix:") + 107] = '\0';
	assert_int_equal(listen_address_parse(path, &address), 0);
}

static void test_mistakes(void **state)
{
	(void)state;
	assert_refused("init_config:\n  openmetrics_listen: localhost:9747\n" INSTANCE,
		       "ERROR 2: init_config.openmetrics_listen: \"localhost:9747\" is not valid; "
		       "accepted: " LISTEN_ACCEPTED "\n");
	assert_refused("init_config:\n  openmetrics_buckets: []\n" INSTANCE,
		       "ERROR 2: init_config.openmetrics_buckets: is empty; accepted: one bound or "
		       "more, or no openmetrics_buckets key\n");
	assert_refused(
		"init_config:\n  openmetrics_buckets: [1, x, 1, 300]\n" INSTANCE,
		"ERROR 2: init_config.openmetrics_buckets[1]: \"x\" is not a bound; accepted: "
		"seconds, 0.000001 to 275, from the lowest to the highest\n"
		"ERROR 2: init_config.openmetrics_buckets[2]: \"1\" is not above the bound "
		"before it; accepted: seconds, 0.000001 to 275, from the lowest to the "
		"highest\n"
		"ERROR 2: init_config.openmetrics_buckets[3]: \"300\" is not a bound; "
		"accepted: seconds, 0.000001 to 275, from the lowest to the highest\n");
}

static void test_too_many(void **state)
{
	char text[2000] = "init_config:\n  openmetrics_buckets: [1";

	(void)state;
	for (int i = 2; i <= 65; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), ", %d", i);
	strcat(text, "]\n" INSTANCE);
	assert_refused(text,
		       "ERROR 2: init_config.openmetrics_buckets[64]: \"65\" is one too many; "
		       "accepted: up to 64 bounds\n");
}

static void test_values(void **state)
{
	struct config *config = load_good(INSTANCE);

	(void)state;
	assert_null(config->openmetrics_listen);
	assert_int_equal(config->openmetrics_buckets.count, 21);
	assert_int_equal(config->openmetrics_buckets.ns[0], 10000);
	assert_int_equal(config->openmetrics_buckets.ns[20], 60000000000);
	for (int i = 1; i < 21; i++)
		assert_true(config->openmetrics_buckets.ns[i] >
			    config->openmetrics_buckets.ns[i - 1]);
	config_free(config);
	config = load_good("init_config:\n  openmetrics_listen: \"[::1]:9747\"\n"
			   "  openmetrics_buckets: [0.000001, 0.1, 275]\n" INSTANCE);
	assert_string_equal(config->openmetrics_listen, "[::1]:9747");
	assert_int_equal(config->openmetrics_buckets.count, 3);
	assert_int_equal(config->openmetrics_buckets.ns[0], 1000);
	assert_int_equal(config->openmetrics_buckets.ns[1], 100000000);
	assert_int_equal(config->openmetrics_buckets.ns[2], 275000000000);
	config_free(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses), cmocka_unit_test(test_no_addresses),
		cmocka_unit_test(test_mistakes),  cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_values),
	};

	return cmocka_run_group_tests(tests, catch_log, release_log);
}
