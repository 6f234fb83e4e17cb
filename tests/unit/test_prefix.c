/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Addresses and networks as text: what is read, what is refused, and how it is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "array.h"
#include "prefix.h"

static void test_addresses(void **state)
{
	static const struct {
		const char *text;
		const char *canonical; /* NULL: refused */
		bool v4;
	} cases[] = {
		{"10.0.0.1", "10.0.0.1", true},
		{"0.0.0.0", "0.0.0.0", true},
		{"255.255.255.255", "255.255.255.255", true},
		{"::ffff:10.0.0.1", "10.0.0.1", true},
		{"::FFFF:0a00:0001", "10.0.0.1", true},
		{"::", "::", false},
		{"::1", "::1", false},
		{"2001:DB8:0:0:0:0:0:1", "2001:db8::1", false},
		{"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1", false},
		{"2001:0:0:1::1", "2001:0:0:1::1", false},
		{"", NULL, false},
		{"10.0.0", NULL, false},
		{"10.0.0.256", NULL, false},
		{"10.0.0.01", NULL, false},
		{" 10.0.0.1", NULL, false},
		{"10.0.0.1 ", NULL, false},
		{"10.0.0.1/32", NULL, false},
		{"fe80::1%lo", NULL, false},
		{"[::1]", NULL, false},
		{"1:2:3:4:5:6:7:8:9", NULL, false},
		{"localhost", NULL, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct address addr;
		char text[ADDRESS_TEXT];
		int err = address_parse(cases[i].text, &addr);

		if (!cases[i].canonical) {
			assert_int_equal(err, -EINVAL);
			continue;
		}
		assert_int_equal(err, 0);
		assert_string_equal(address_format(&addr, text), cases[i].canonical);
		assert_int_equal(address_is_v4(&addr), cases[i].v4);
	}
}

/* Every pattern of groups that are zero, and of digits in those that are not, against the C
 * library. */
static void test_written_as_inet_ntop_does(void **state)
{
	static const unsigned char some[] = {0x01, 0x0a, 0x10, 0xff};
	char want[INET6_ADDRSTRLEN], got[ADDRESS_TEXT];
	struct address addr;

	(void)state;
	for (unsigned int set = 0; set < 1u << 16; set++) {
		for (unsigned int i = 0; i < sizeof(addr.bytes); i++)
			addr.bytes[i] = set >> i & 1 ? some[(set + i) % sizeof(some)] : 0;
		if (set % 16 == 5)
			addr.bytes[10] = addr.bytes[11] = 0xff;
		assert_non_null(inet_ntop(AF_INET6, addr.bytes, want, sizeof(want)));
		if (address_is_v4(&addr))
			continue;
		assert_ptr_equal(address_write(&addr, got), got + strlen(want));
		assert_string_equal(got, want);
	}
}

static void test_prefixes(void **state)
{
	static const struct {
		const char *text;
		int err;
		unsigned int bits;
		const char *canonical;
	} cases[] = {
		{"10.0.0.1", 0, 128, "10.0.0.1"},
		{"10.0.0.1/32", 0, 128, "10.0.0.1"},
		{"10.0.0.0/8", 0, 104, "10.0.0.0/8"},
		{"10.0.0.0/08", 0, 104, "10.0.0.0/8"},
		{"0.0.0.0/0", 0, 96, "0.0.0.0/0"},
		{"::/0", 0, 0, "::/0"},
		{"::ffff:10.0.0.0/104", 0, 104, "10.0.0.0/8"},
		{"2001:db8::/33", 0, 33, "2001:db8::/33"},
		{"2001:db8::1/128", 0, 128, "2001:db8::1"},
		{"10.0.0.1/8", -EDOM, 104, "10.0.0.0/8"},
		{"10.0.0.129/25", -EDOM, 121, "10.0.0.128/25"},
		{"255.255.255.255/31", -EDOM, 127, "255.255.255.254/31"},
		{"2001:db8::ffff/112", -EDOM, 112, "2001:db8::/112"},
		{"::1/0", -EDOM, 0, "::/0"},
		{"10.0.0.0/33", -ERANGE, 0, NULL},
		{"10.0.0.0/99999999999999999999999", -ERANGE, 0, NULL},
		{"::/129", -ERANGE, 0, NULL},
		{"10.0.0.0/", -EINVAL, 0, NULL},
		{"10.0.0.0/-1", -EINVAL, 0, NULL},
		{"10.0.0.0/+8", -EINVAL, 0, NULL},
		{"10.0.0.0/ 8", -EINVAL, 0, NULL},
		{"10.0.0.0/8/8", -EINVAL, 0, NULL},
		{"10.0.0.0/255.0.0.0", -EINVAL, 0, NULL},
		{"10/8", -EINVAL, 0, NULL},
		{"/8", -EINVAL, 0, NULL},
		{"", -EINVAL, 0, NULL},
		{"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/1", -EINVAL, 0, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct prefix prefix;
		char text[PREFIX_TEXT];

		assert_int_equal(prefix_parse(cases[i].text, &prefix), cases[i].err);
		if (!cases[i].canonical)
			continue;
		assert_int_equal(prefix.bits, cases[i].bits);
		assert_string_equal(prefix_format(&prefix, text), cases[i].canonical);
		assert_int_equal(prefix_is_host(&prefix), cases[i].bits == 128);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_written_as_inet_ntop_does),
		cmocka_unit_test(test_prefixes),
	};

	return cmocka_run_group_tests_name("prefix", tests, NULL, NULL);
}
