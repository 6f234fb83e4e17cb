/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Addresses to socket addresses and back, and what a set of addresses has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <netinet/in.h>

#include "addresses.h"
#include "array.h"
#include "prefix.h"

static struct address parsed(const char *text)
{
	struct address addr;

	assert_int_equal(address_parse(text, &addr), 0);
	return addr;
}

static void test_set(void **state)
{
	const char *const texts[] = {
		"fd00::1", "10.0.0.2", "::", "10.0.0.1", "10.0.0.2", "fd00::1"};
	struct address addrs[ARRAY_SIZE(texts)], other = parsed("10.0.0.3"), probe;
	size_t count;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		addrs[i] = parsed(texts[i]);
	count = addresses_make_set(addrs, ARRAY_SIZE(texts));
	assert_int_equal(count, 4);
	for (size_t i = 1; i < count; i++)
		assert_true(address_compare(&addrs[i - 1], &addrs[i]) < 0);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		probe = parsed(texts[i]);
		assert_true(addresses_have(addrs, count, &probe));
	}
	assert_false(addresses_have(addrs, count, &other));
	assert_false(addresses_have(NULL, 0, &other));
}

static void test_ipv4(void **state)
{
	const struct address addr = parsed("192.0.2.1");
	struct sockaddr_storage storage;
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&storage;
	struct address back;

	(void)state;
	memset(&storage, 0xff, sizeof(storage));
	assert_int_equal(address_to_socket(&addr, &storage), sizeof(*v4));
	assert_int_equal(v4->sin_family, AF_INET);
	assert_int_equal(v4->sin_port, 0);
	assert_memory_equal(&v4->sin_addr, ((__u8[]){192, 0, 2, 1}), 4);
	assert_true(address_from_socket(&back, (struct sockaddr *)&storage));
	assert_memory_equal(&back, &addr, sizeof(addr));
}

static void test_ipv6(void **state)
{
	const struct address addr = parsed("2001:db8::7");
	struct sockaddr_storage storage;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&storage;
	struct address back;

	(void)state;
	memset(&storage, 0xff, sizeof(storage));
	assert_int_equal(address_to_socket(&addr, &storage), sizeof(*v6));
	assert_int_equal(v6->sin6_family, AF_INET6);
	assert_int_equal(v6->sin6_port, 0);
	assert_int_equal(v6->sin6_scope_id, 0);
	assert_memory_equal(&v6->sin6_addr, addr.bytes, sizeof(addr.bytes));
	assert_true(address_from_socket(&back, (struct sockaddr *)&storage));
	assert_memory_equal(&back, &addr, sizeof(addr));
}

/* Interfaces have addresses of other families, and some have none at all. */
static void test_other_families(void **state)
{
	const struct sockaddr other = {.sa_family = AF_UNIX};
	const struct address before = parsed("10.1.2.3");
	struct address addr = before;

	(void)state;
	assert_false(address_from_socket(&addr, &other));
	assert_false(address_from_socket(&addr, NULL));
	assert_memory_equal(&addr, &before, sizeof(addr));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_ipv4),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_other_families),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
