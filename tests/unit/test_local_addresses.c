/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A set of addresses, given or read from this machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "local_addresses.h"
#include "prefix.h"

static struct address parsed(const char *text)
{
	struct address addr;

	assert_int_equal(address_parse(text, &addr), 0);
	return addr;
}

static bool have(const struct local_addresses *set, const char *text)
{
	struct address addr = parsed(text);

	return local_addresses_have(set, &addr);
}

static void test_empty(void **state)
{
	struct local_addresses set = {0};

	(void)state;
	assert_false(have(&set, "127.0.0.1"));
	assert_int_equal(local_addresses_set(&set, NULL, 0), 0);
	assert_false(have(&set, "127.0.0.1"));
	assert_int_equal(set.count, 0);
	local_addresses_free(&set);
	local_addresses_free(&set);
}

static void test_set(void **state)
{
	const char *const texts[] = {"10.0.0.9", "fd00::1",     "10.0.0.1",
				     "::1",      "192.168.1.1", "10.0.0.1"};
	struct local_addresses set = {0};
	struct address addrs[6];

	(void)state;
	for (int i = 0; i < 6; i++)
		addrs[i] = parsed(texts[i]);
	for (int count = 0; count <= 6; count++) {
		assert_int_equal(local_addresses_set(&set, addrs, count), 0);
		for (int i = 0; i < 5; i++)
			assert_int_equal(have(&set, texts[i]), i < count || (i == 2 && count == 6));
		assert_false(have(&set, "10.0.0.2"));
		assert_false(have(&set, "::ffff:0:1"));
		assert_false(have(&set, "fd00::"));
	}
	/* The caller's array is the caller's. */
	memset(addrs, 0, sizeof(addrs));
	assert_true(have(&set, "fd00::1"));
	local_addresses_free(&set);
	assert_int_equal(set.count, 0);
}

/* There is a loopback interface where tests run, up or not. */
static void test_read(void **state)
{
	struct local_addresses set = {0};
	struct address other = parsed("203.0.113.77");

	(void)state;
	assert_int_equal(local_addresses_set(&set, &other, 1), 0);
	assert_int_equal(local_addresses_read(&set), 0);
	assert_false(have(&set, "203.0.113.77"));
	if (!set.count) {
		local_addresses_free(&set);
		skip();
	}
	for (size_t i = 0; i < set.count; i++)
		assert_true(local_addresses_have(&set, &set.addrs[i]));
	assert_true(have(&set, "127.0.0.1"));
	local_addresses_free(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
