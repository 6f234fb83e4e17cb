/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Lists of ports: what is one, and lists made in any order against a bit for each port. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "ports.h"

static void test_parse(void **state)
{
	static const struct {
		const char *text;
		int err;
		__u16 first, last;
	} cases[] = {
		{"443", 0, 443, 443},
		{"1", 0, 1, 1},
		{"65535", 0, 65535, 65535},
		{"8000-8999", 0, 8000, 8999},
		{"1-65535", 0, 1, 65535},
		{"80-80", 0, 80, 80},
		{"0", -ERANGE, 0, 0},
		{"65536", -ERANGE, 0, 0},
		{"0-10", -ERANGE, 0, 0},
		{"10-65536", -ERANGE, 0, 0},
		{"99999999999999999999999999999999999999999", -ERANGE, 0, 0},
		{"9000-8000", -EDOM, 0, 0},
		{"", -EINVAL, 0, 0},
		{"-", -EINVAL, 0, 0},
		{"-80", -EINVAL, 0, 0},
		{"80-", -EINVAL, 0, 0},
		{"80-90-100", -EINVAL, 0, 0},
		{"80 - 90", -EINVAL, 0, 0},
		{" 80", -EINVAL, 0, 0},
		{"+80", -EINVAL, 0, 0},
		{"080", -EINVAL, 0, 0},
		{"0x50", -EINVAL, 0, 0},
		{"80,90", -EINVAL, 0, 0},
		{"http", -EINVAL, 0, 0},
		{"70000-http", -EINVAL, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct port_range range = {7, 7};

		if (ports_parse(cases[i].text, &range) != cases[i].err)
			fail_msg("\"%s\"", cases[i].text);
		if (cases[i].err)
			continue;
		assert_int_equal(range.first, cases[i].first);
		assert_int_equal(range.last, cases[i].last);
	}
}

static bool is_tidy(const struct ports *ports)
{
	for (unsigned int i = 0; i < ports->count; i++)
		if (ports->at[i].last < ports->at[i].first ||
		    (i && ports->at[i].first <= ports->at[i - 1].last + 1))
			return false;
	return true;
}

/* Ports of a small part, and both ends of what there is, so that ranges meet often. */
static __u16 random_port(void)
{
	static const __u16 from[] = {1, 440, 65500};

	return from[rand() % ARRAY_SIZE(from)] + rand() % 36;
}

static void test_model(void **state)
{
	static bool model[65536];

	(void)state;
	srand(21);
	for (int round = 0; round < 300; round++) {
		struct ports ports = {}, again = {};

		memset(model, 0, sizeof(model));
		for (int i = rand() % 12; i >= 0; i--) {
			struct port_range range = {random_port(), random_port()};

			if (range.last < range.first)
				range.last = range.first;
			assert_int_equal(ports_add(&ports, &range), 0);
			assert_true(is_tidy(&ports));
			memset(model + range.first, 1, range.last - range.first + 1u);
		}
		for (__u32 port = 0; port < 65536; port++)
			if (ports_have(&ports, (__u16)port) != model[port])
				fail_msg("round %d: %u", round, port);
		for (__u32 port = 65535; port; port--) /* the same, one by one from behind */
			if (model[port])
				assert_int_equal(
					ports_add(&again,
						  &(struct port_range){(__u16)port, (__u16)port}),
					0);
		assert_true(ports_equal(&ports, &again));
		ports_add(&again, &(struct port_range){30000, 30000});
		assert_int_equal(ports_equal(&ports, &again), model[30000]);
	}
}

static void test_full(void **state)
{
	struct ports ports = {}, before;

	(void)state;
	for (__u16 i = 0; i < PORTS_MAX; i++)
		assert_int_equal(ports_add(&ports, &(struct port_range){10 * i + 10, 10 * i + 10}),
				 0);
	before = ports;
	assert_int_equal(ports_add(&ports, &(struct port_range){5, 5}), -E2BIG);
	assert_memory_equal(&ports, &before, sizeof(ports));
	/* What joins others needs no room. */
	assert_int_equal(ports_add(&ports, &(struct port_range){11, 11}), 0);
	assert_int_equal(ports_add(&ports, &(struct port_range){15, 29}), 0);
	assert_int_equal(ports.count, PORTS_MAX - 1);
	assert_int_equal(ports_add(&ports, &(struct port_range){1, 65535}), 0);
	assert_int_equal(ports.count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests_name("ports", tests, NULL, NULL);
}
