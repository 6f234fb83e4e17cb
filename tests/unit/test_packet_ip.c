/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The parser: every field of the IP headers that it looks through, right and wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "array.h"
#include "parsing.h"

static void test_ipv4_options(void **state)
{
	(void)state;
	for (int words = 0; words < 16; words++) {
		struct bytes b = {0};

		ethernet(&b, ETHERTYPE_IPV4);
		ipv4(&b, PROTOCOL_TCP);
		b.at[b.ip] = 0x40 | words;
		if (words > 5)
			put_zeroes(&b, 4 * words - 20);
		tcp(&b, 24, 13);
		if (words < 5)
			assert_int_equal(kind_of(&b), PACKET_BAD);
		else
			assert_good(LINK_ETHERNET, &b, 13);
	}
}

static void test_ip_version(void **state)
{
	struct bytes b = {0};

	(void)state;
	ethernet(&b, ETHERTYPE_IPV4);
	ipv4(&b, PROTOCOL_TCP);
	tcp(&b, 20, 40);
	for (int version = 0; version < 16; version++) {
		b.at[b.ip] = version << 4 | 5;
		if (version != 4 && version != 6)
			assert_int_equal(kind_of(&b), PACKET_BAD);
		else
			kind_of(&b);
	}
}

/* What these carry is looked into: test_tunnels.c. */
static bool is_tunnel(int protocol)
{
	static const __u8 tunnels[] = {4, 41, 47, 51, 97, 137};

	return memchr(tunnels, protocol, sizeof(tunnels));
}

static void test_ipv4_other_protocols(void **state)
{
	struct bytes b = {0};

	(void)state;
	ethernet(&b, ETHERTYPE_IPV4);
	ipv4(&b, PROTOCOL_TCP);
	tcp(&b, 20, 40);
	for (int protocol = 0; protocol < 256; protocol++) {
		if (is_tunnel(protocol))
			continue;
		b.at[b.ip + 9] = protocol;
		assert_int_equal(kind_of(&b), protocol == 6 ? PACKET_TCP : PACKET_OTHER);
	}
}

static void test_ipv4_total_length(void **state)
{
	struct bytes b = {0};
	struct packet p;

	(void)state;
	ethernet(&b, ETHERTYPE_IPV4);
	ipv4(&b, PROTOCOL_TCP);
	tcp(&b, 20, 60);
	for (unsigned int total = 0; total <= 0xffff; total++) {
		b.at[b.ip + 2] = total >> 8;
		b.at[b.ip + 3] = total;
		if (total == 0) { /* a super-packet: as long as the frame was on the wire */
			assert_int_equal(parse(LINK_ETHERNET, &b, &p), PACKET_TCP);
			assert_int_equal(p.payload, 60);
			assert_int_equal(parse_cut(LINK_ETHERNET, &b, b.size, 100054, &p),
					 PACKET_TCP);
			assert_int_equal(p.payload, 100000);
			/* a wire length that cannot be */
			for (unsigned int wire = 0; wire < 54; wire++)
				assert_int_equal(parse_cut(LINK_ETHERNET, &b, b.size, wire, &p),
						 PACKET_BAD);
		} else if (total < 40) {
			assert_int_equal(kind_of(&b), PACKET_BAD);
		} else { /* more than was captured is what a snap length leaves */
			assert_int_equal(parse(LINK_ETHERNET, &b, &p), PACKET_TCP);
			assert_int_equal(p.payload, total - 40);
		}
	}
}

static void test_ipv4_fragments(void **state)
{
	static const struct {
		__u16 field;
		enum packet_kind kind;
	} cases[] = {
		{0x0000, PACKET_TCP},      {0x4000, PACKET_TCP},      /* do not fragment */
		{0x8000, PACKET_TCP},                                 /* reserved */
		{0x2000, PACKET_FRAGMENT}, {0x2001, PACKET_FRAGMENT}, /* more follow */
		{0x0001, PACKET_FRAGMENT}, {0x1fff, PACKET_FRAGMENT}, /* the last */
		{0x6000, PACKET_FRAGMENT},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bytes b = {0};

		ethernet(&b, ETHERTYPE_IPV4);
		ipv4(&b, PROTOCOL_TCP);
		b.at[b.ip + 6] = cases[i].field >> 8;
		b.at[b.ip + 7] = cases[i].field;
		tcp(&b, 20, 8);
		assert_int_equal(kind_of(&b), cases[i].kind);
		b.at[b.ip + 9] = 17; /* of UDP: not our concern */
		assert_int_equal(kind_of(&b), PACKET_OTHER);
	}
}

static void test_extension_headers(void **state)
{
	static const __u8 kinds[] = {PROTOCOL_HOP_BY_HOP, PROTOCOL_ROUTING, PROTOCOL_DESTINATION};

	(void)state;
	for (size_t k = 0; k < sizeof(kinds); k++) {
		for (unsigned int size = 8; size <= 2048; size += size < 64 ? 8 : 248) {
			struct bytes b = {0};

			ethernet(&b, ETHERTYPE_IPV6);
			ipv6(&b, kinds[k]);
			extension(&b, PROTOCOL_TCP, size);
			tcp(&b, 20, 21);
			assert_good(LINK_ETHERNET, &b, 21);
		}
	}
}

static void test_authentication_header(void **state)
{
	(void)state;
	for (unsigned int size = 8; size <= 40; size += 4) {
		struct bytes b = {0};

		ethernet(&b, ETHERTYPE_IPV6);
		ipv6(&b, PROTOCOL_AH);
		put8(&b, PROTOCOL_TCP);
		put8(&b, size / 4 - 2);
		put_zeroes(&b, size - 2);
		tcp(&b, 20, 21);
		assert_good(LINK_ETHERNET, &b, 21);
	}
}

static void test_ipv6_fragments(void **state)
{
	(void)state;
	for (unsigned int field = 0; field <= 0xffff; field++) {
		bool whole = !(field & 0xfff9); /* "atomic": all but the reserved bits is zero */
		struct bytes b = {0};

		ethernet(&b, ETHERTYPE_IPV6);
		ipv6(&b, PROTOCOL_FRAGMENT);
		put8(&b, PROTOCOL_TCP);
		put8(&b, 0xff); /* reserved, not a length */
		put16(&b, field);
		put32(&b, 0);
		tcp(&b, 20, 21);
		assert_int_equal(kind_of(&b), whole ? PACKET_TCP : PACKET_FRAGMENT);
		if (whole)
			assert_good(LINK_ETHERNET, &b, 21);
	}
}

static void test_chain(void **state)
{
	static const __u8 kinds[] = {PROTOCOL_HOP_BY_HOP, PROTOCOL_DESTINATION, PROTOCOL_ROUTING};

	(void)state;
	for (int depth = 1; depth <= EXTENSIONS_DEPTH + 2; depth++) {
		struct bytes b = {0};

		ethernet(&b, ETHERTYPE_IPV6);
		ipv6(&b, kinds[0]);
		for (int i = 1; i < depth; i++)
			extension(&b, kinds[i % 3], 8 + 8 * i);
		extension(&b, PROTOCOL_TCP, 8);
		tcp(&b, 20, 21);
		if (depth <= EXTENSIONS_DEPTH)
			assert_good(LINK_ETHERNET, &b, 21);
		else
			assert_int_equal(kind_of(&b), PACKET_OTHER);
	}
}

static void test_ipv6_other_protocols(void **state)
{
	(void)state;
	for (int next = 0; next < 256; next++) {
		struct bytes b = {0};

		if (is_tunnel(next) || next == PROTOCOL_TCP || next == PROTOCOL_FRAGMENT ||
		    next == PROTOCOL_HOP_BY_HOP || next == PROTOCOL_ROUTING ||
		    next == PROTOCOL_DESTINATION)
			continue;
		ethernet(&b, ETHERTYPE_IPV6);
		ipv6(&b, PROTOCOL_DESTINATION);
		extension(&b, next, 8);
		tcp(&b, 20, 21);
		assert_int_equal(kind_of(&b), PACKET_OTHER);
	}
}

static void test_ipv6_payload_length(void **state)
{
	struct bytes b = {0};
	struct packet p;

	(void)state;
	ethernet(&b, ETHERTYPE_IPV6);
	ipv6(&b, PROTOCOL_HOP_BY_HOP);
	extension(&b, PROTOCOL_TCP, 8);
	tcp(&b, 20, 60);
	for (unsigned int length = 0; length <= 0xffff; length++) {
		b.at[b.ip + 4] = length >> 8;
		b.at[b.ip + 5] = length;
		if (length == 0) { /* a jumbogram */
			assert_int_equal(parse(LINK_ETHERNET, &b, &p), PACKET_TCP);
			assert_int_equal(p.payload, 60);
			assert_int_equal(parse_cut(LINK_ETHERNET, &b, b.size, 200082, &p),
					 PACKET_TCP);
			assert_int_equal(p.payload, 200000);
			for (unsigned int wire = 0; wire < 82; wire++)
				assert_int_equal(parse_cut(LINK_ETHERNET, &b, b.size, wire, &p),
						 PACKET_BAD);
		} else if (length < 28) {
			assert_int_equal(kind_of(&b), PACKET_BAD);
		} else {
			assert_int_equal(parse(LINK_ETHERNET, &b, &p), PACKET_TCP);
			assert_int_equal(p.payload, length - 28);
		}
	}
}

/* Extension headers that are longer than the packet says it is. */
static void test_extension_beyond_payload(void **state)
{
	struct bytes b = {0};

	(void)state;
	ethernet(&b, ETHERTYPE_IPV6);
	ipv6(&b, PROTOCOL_DESTINATION);
	extension(&b, PROTOCOL_TCP, 64);
	tcp(&b, 20, 0);
	for (unsigned int length = 1; length < 84; length++) {
		b.at[b.ip + 5] = length;
		assert_int_equal(kind_of(&b), PACKET_BAD);
	}
	b.at[b.ip + 5] = 84;
	assert_int_equal(kind_of(&b), PACKET_TCP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		S(ipv4_options),          S(ip_version),          S(ipv4_other_protocols),
		S(ipv4_total_length),     S(ipv4_fragments),      S(extension_headers),
		S(authentication_header), S(ipv6_fragments),      S(chain),
		S(ipv6_other_protocols),  S(ipv6_payload_length), S(extension_beyond_payload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
