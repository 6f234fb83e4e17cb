/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Captured bytes to segments: libpcap's link types, and the captured length as a limit. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pcap/dlt.h>

#include "array.h"
#include "frame.h"
#include "packets.h"

static void test_link_types(void **state)
{
	static const struct {
		int dlt;
		enum link_layer link;
	} known[] = {{DLT_EN10MB, LINK_ETHERNET}, {DLT_RAW, LINK_IP},
		     {DLT_IPV4, LINK_IP},         {DLT_IPV6, LINK_IP},
		     {DLT_LINUX_SLL, LINK_SLL},   {DLT_LINUX_SLL2, LINK_SLL2},
		     {DLT_NULL, LINK_NULL},       {DLT_LOOP, LINK_NULL}};
	enum link_layer link;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		assert_int_equal(frame_link_layer(known[i].dlt, &link), 0);
		assert_int_equal(link, known[i].link);
	}
	assert_int_equal(frame_link_layer(DLT_USB_LINUX, &link), -ENOTSUP);
	assert_int_equal(frame_link_layer(-1, &link), -ENOTSUP);
}

/* The packet was longer than what was captured of it: the payload is what it had. */
static void test_snap_length(void **state)
{
	struct bytes b = {0};
	struct inside inside;
	struct packet p;

	(void)state;
	ethernet(&b, ETHERTYPE_IPV4);
	ipv4(&b, PROTOCOL_TCP);
	tcp(&b, 32, 1000);
	assert_int_equal(frame_parse(LINK_ETHERNET, b.at, 54, b.size, &p, &inside), PACKET_TCP);
	assert_int_equal(p.payload, 1000);
	assert_int_equal(frame_parse(LINK_ETHERNET, b.at, 53, b.size, &p, &inside), PACKET_BAD);
	assert_int_equal(frame_parse(LINK_ETHERNET, b.at, 0, b.size, &p, &inside), PACKET_BAD);
	assert_int_equal(frame_parse(LINK_IP, NULL, 0, 0, &p, &inside), PACKET_BAD);
}

/* Every load at the very end of what can be counted. */
static void test_no_overflow(void **state)
{
	struct bytes b = {0};
	struct inside inside;
	struct packet p;

	(void)state;
	ipv6(&b, PROTOCOL_DESTINATION);
	for (int i = 0; i < EXTENSIONS_DEPTH; i++) {
		put8(&b, PROTOCOL_DESTINATION);
		put8(&b, 255);
		put_zeroes(&b, 2046);
	}
	assert_int_equal(frame_parse(LINK_IP, b.at, b.size, 0xffffffff, &p, &inside), PACKET_OTHER);
	assert_int_equal(frame_parse(LINK_IP, b.at, b.size - 2047, 0, &p, &inside), PACKET_BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_link_types),
		cmocka_unit_test(test_snap_length),
		cmocka_unit_test(test_no_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
