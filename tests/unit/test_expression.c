/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Capture filters in user space: what matches, on which link layer, with which VLAN tags. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>

#include "expression.h"
#include "packets.h"

static char reason[256];

static struct bytes packet(int tags, __u16 type)
{
	struct bytes b = {0};

	ethernet(&b, tags ? ETHERTYPE_VLAN : type);
	for (int i = tags; i > 0; i--)
		vlan(&b, i == 1 ? type : ETHERTYPE_VLAN);
	if (type == ETHERTYPE_IPV4)
		ipv4(&b, PROTOCOL_TCP);
	else
		ipv6(&b, PROTOCOL_TCP);
	tcp(&b, 20, 10);
	return b;
}

static bool matches(const char *text, int link_type, const struct bytes *b, size_t from)
{
	struct expression *e;
	bool result;

	assert_int_equal(expression_new(&e, text), 0);
	assert_int_equal(expression_follow(e, link_type, reason, sizeof(reason)), 0);
	result = expression_matches(e, b->at + from, b->size - from, b->size - from);
	expression_free(e);
	return result;
}

static void test_check(void **state)
{
	(void)state;
	assert_int_equal(expression_check("tcp port 80 or host 10.0.0.1", reason, sizeof(reason)),
			 0);
	assert_int_equal(expression_check("ip6 and portrange 1-5", reason, sizeof(reason)), 0);
	assert_int_equal(expression_check("port", reason, sizeof(reason)), -EINVAL);
	assert_non_null(strstr(reason, "syntax error"));
	assert_int_equal(expression_check("port 80)", reason, sizeof(reason)), -EINVAL);
	assert_int_equal(expression_check("port 70000", reason, sizeof(reason)), -EINVAL);
	assert_true(*reason);
}

static void test_ports(void **state)
{
	struct bytes v4 = packet(0, ETHERTYPE_IPV4), v6 = packet(0, ETHERTYPE_IPV6);

	(void)state;
	assert_true(matches("port 443", DLT_EN10MB, &v4, 0));
	assert_true(matches("port 443", DLT_EN10MB, &v6, 0));
	assert_true(matches("src port 40000 and dst port 443", DLT_EN10MB, &v4, 0));
	assert_false(matches("dst port 40000", DLT_EN10MB, &v4, 0));
	assert_false(matches("port 80", DLT_EN10MB, &v6, 0));
	assert_true(matches("ip6 host fd00::2", DLT_EN10MB, &v6, 0));
	assert_true(matches("net 10.0.0.0/8", DLT_EN10MB, &v4, 0));
	assert_true(matches("ether dst 02:00:00:00:00:02", DLT_EN10MB, &v4, 0));
}

static void test_link_layers(void **state)
{
	struct bytes v4 = packet(0, ETHERTYPE_IPV4);
	struct expression *e;

	(void)state;
	assert_true(matches("port 443", DLT_RAW, &v4, v4.ip));
	assert_true(matches("port 443", 101, &v4, v4.ip)); /* LINKTYPE_RAW */
	assert_false(matches("port 80", 101, &v4, v4.ip));

	assert_int_equal(expression_new(&e, "ether host 1:2:3:4:5:6"), 0);
	assert_int_equal(expression_follow(e, DLT_EN10MB, reason, sizeof(reason)), 0);
	assert_int_equal(expression_follow(e, DLT_RAW, reason, sizeof(reason)), -EINVAL);
	assert_int_equal(expression_follow(e, DLT_EN10MB, reason, sizeof(reason)), 0);
	assert_int_equal(expression_follow(e, DLT_RAW, reason, sizeof(reason)), -EALREADY);
	assert_true(*reason);
	expression_free(e);

	/* One expression for packets of two kinds, in turn. */
	assert_int_equal(expression_new(&e, "port 443"), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(expression_follow(e, DLT_EN10MB, reason, sizeof(reason)), 0);
		assert_true(expression_matches(e, v4.at, v4.size, v4.size));
		assert_int_equal(expression_follow(e, DLT_RAW, reason, sizeof(reason)), 0);
		assert_false(expression_matches(e, v4.at, v4.size, v4.size));
		assert_true(expression_matches(e, v4.at + v4.ip, v4.size - v4.ip, v4.size - v4.ip));
	}
	expression_free(e);
}

static void test_tags(void **state)
{
	(void)state;
	for (int tags = 1; tags <= 2; tags++) {
		struct bytes b = packet(tags, ETHERTYPE_IPV4);

		assert_true(matches("port 443", DLT_EN10MB, &b, 0));
		assert_false(matches("port 80", DLT_EN10MB, &b, 0));
		assert_true(matches("not port 80", DLT_EN10MB, &b, 0));
		assert_false(matches("not port 443", DLT_EN10MB, &b, 0));
		assert_true(matches("ether src 02:00:00:00:00:01", DLT_EN10MB, &b, 0));
		assert_true(matches("vlan", DLT_EN10MB, &b, 0));
		assert_int_equal(matches("vlan and port 443", DLT_EN10MB, &b, 0), tags == 1);
		assert_int_equal(matches("vlan and vlan and port 443", DLT_EN10MB, &b, 0),
				 tags == 2);
		assert_true(matches("vlan 0x123", DLT_EN10MB, &b, 0));
		assert_false(matches("vlan 5", DLT_EN10MB, &b, 0));
	}
}

/* A packet of any length is read to its end, and no further. */
static void test_cut(void **state)
{
	(void)state;
	for (int tags = 0; tags <= 5; tags++) {
		struct bytes b = packet(tags, ETHERTYPE_IPV4);
		struct expression *e;

		assert_int_equal(expression_new(&e, "port 443"), 0);
		assert_int_equal(expression_follow(e, DLT_EN10MB, reason, sizeof(reason)), 0);
		for (size_t size = 0; size <= b.size; size++) {
			__u8 *exact = malloc(size + !size);

			memcpy(exact, b.at, size);
			if (tags <= VLAN_DEPTH)
				assert_int_equal(expression_matches(e, exact, size, b.size),
						 size >= b.tcp + 4);
			else
				assert_false(expression_matches(e, exact, size, 0));
			free(exact);
		}
		expression_free(e);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check),       cmocka_unit_test(test_ports),
		cmocka_unit_test(test_link_layers), cmocka_unit_test(test_tags),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests_name("expression", tests, NULL, NULL);
}
