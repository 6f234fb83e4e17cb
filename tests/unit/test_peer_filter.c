/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The filter in front of the peer maps: lets every peer pass, and few others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "bpf_filter.h"

static struct peer_filter filter;

static struct address address_of(const char *text)
{
	struct address addr;

	assert_int_equal(address_parse(text, &addr), 0);
	return addr;
}

static void add(const char *text)
{
	struct prefix prefix;

	assert_int_equal(prefix_parse(text, &prefix), 0);
	peer_filter_add(&filter, &prefix);
}

static bool passes(const char *text)
{
	struct address addr = address_of(text);

	return peer_filter_passes(&filter, &addr);
}

static void test_nobody(void **state)
{
	(void)state;
	peer_filter_clear(&filter, 0);
	assert_false(passes("10.0.0.1"));
	assert_false(passes("::"));
	assert_false(passes("0.0.0.0"));
}

static void test_families(void **state)
{
	(void)state;
	peer_filter_clear(&filter, 1);
	add("0.0.0.0/0");
	assert_true(passes("10.0.0.1"));
	assert_false(passes("2001:db8::1"));
	peer_filter_clear(&filter, 1);
	add("::/0");
	assert_false(passes("10.0.0.1"));
	assert_true(passes("2001:db8::1"));
}

static void test_levels(void **state)
{
	static const struct {
		const char *prefix, *inside, *outside;
	} cases[] = {
		{"192.0.2.1", "192.0.2.1", "192.0.2.2"},
		{"192.0.2.0/24", "192.0.2.255", "192.0.3.0"},
		{"192.0.2.128/25", "192.0.2.200", "192.0.3.200"},
		{"192.0.2.96/27", "192.0.2.127", "192.0.3.96"},
		{"192.0.2.128/28", "192.0.2.143", "192.0.2.144"},
		{"192.0.2.130/31", "192.0.2.131", "192.0.2.127"},
		{"192.0.0.0/17", "192.0.127.255", "192.1.0.0"},
		{"192.168.0.0/16", "192.168.255.255", "192.169.0.0"},
		{"172.16.0.0/12", "172.31.255.255", "172.32.0.0"},
		{"10.0.0.0/8", "10.255.0.1", "11.0.0.1"},
		{"2001:db8::1", "2001:db8::1", "2001:db8::2"},
		{"2001:db8::/64", "2001:db8::ffff:1", "2001:db8:0:1::1"},
		{"2001:db8::8000:0:0:0/65", "2001:db8:0:0:8000::1", "2001:db8:0:1:8000::1"},
		{"2001:db8:1::/48", "2001:db8:1:ffff::1", "2001:db8:2::1"},
		{"2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		peer_filter_clear(&filter, 65536); /* room enough for none to pass by accident */
		add(cases[i].prefix);
		assert_true(passes(cases[i].inside));
		if (passes(cases[i].outside))
			fail_msg("%s lets %s pass", cases[i].prefix, cases[i].outside);
	}
}

/* The first network of a wider one does not stand for it, at whatever levels. */
static void test_first_network(void **state)
{
	(void)state;
	peer_filter_clear(&filter, 65536);
	add("10.1.0.0/16"), add("10.2.3.0/24"), add("2001:db8::/32"), add("2001:db9:1::/48");
	add("172.0.0.0/28"), add("172.1.0.0"), add("2001:dba::/64"), add("2001:dbb::");
	assert_true(passes("172.0.0.15"));
	assert_true(passes("172.1.0.0"));
	assert_true(passes("2001:dba::1"));
	assert_false(passes("172.0.0.16"));
	assert_false(passes("172.1.0.1"));
	assert_false(passes("2001:dba:0:1::"));
	assert_false(passes("2001:dbb::1"));
}

/* Short prefixes of all lengths, and addresses at both of their ends. */
static void test_every_length(void **state)
{
	(void)state;
	for (unsigned int bits = 0; bits <= 128; bits++) {
		struct prefix prefix = {.bits = (__u8)bits};
		struct address last;

		memset(&last, 0xff, sizeof(last));
		prefix.addr = address_of("2001:db8:1234:5678:9abc:def0:1234:5678");
		for (unsigned int i = 0; i < 128; i++) {
			__u8 mask = (__u8)(0x80 >> i % 8);

			if (i >= bits)
				prefix.addr.bytes[i / 8] &= (__u8)~mask;
			else if (!(prefix.addr.bytes[i / 8] & mask))
				last.bytes[i / 8] &= (__u8)~mask;
		}
		peer_filter_clear(&filter, 1);
		peer_filter_add(&filter, &prefix);
		assert_true(bits == 0 || peer_filter_passes(&filter, &prefix.addr));
		assert_true(peer_filter_passes(&filter, &last));
	}
}

/* 100,000 peers: each passes, and of others one in eight at most. */
static void test_many(void **state)
{
	unsigned int passed = 0, seed = 7;
	struct address addr;

	(void)state;
	peer_filter_clear(&filter, 100000);
	for (__u32 i = 0; i < 100000; i++) {
		struct prefix prefix = {.bits = 128};

		address_set_v4(&prefix.addr, htonl(0x0a000000 + i * 77));
		peer_filter_add(&filter, &prefix);
	}
	for (__u32 i = 0; i < 100000; i++) {
		address_set_v4(&addr, htonl(0x0a000000 + i * 77));
		assert_true(peer_filter_passes(&filter, &addr));
		address_set_v4(&addr, htonl(0x20000000 | (__u32)rand_r(&seed)));
		passed += peer_filter_passes(&filter, &addr);
	}
	assert_in_range(passed, 1, 12500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nobody),       cmocka_unit_test(test_families),
		cmocka_unit_test(test_levels),       cmocka_unit_test(test_first_network),
		cmocka_unit_test(test_every_length), cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests_name("peer_filter", tests, NULL, NULL);
}
