/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The parser: every header that it looks through, and every way in which a packet can be wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "frame.h"
#include "packets.h"

/* Parses an exact copy, so that AddressSanitizer sees every byte read beyond it. */
static enum packet_kind parse_cut(enum link_layer link, const struct bytes *b, size_t captured,
				  size_t wire, struct packet *p)
{
	__u8 *copy = malloc(captured ? captured : 1);
	enum packet_kind kind;

	assert_non_null(copy);
	memcpy(copy, b->at, captured);
	kind = frame_parse(link, copy, captured, wire, p);
	free(copy);
	return kind;
}

static enum packet_kind parse(enum link_layer link, const struct bytes *b, struct packet *p)
{
	return parse_cut(link, b, b->size, b->size, p);
}

static enum packet_kind kind_of(const struct bytes *b)
{
	struct packet p;

	return parse(LINK_ETHERNET, b, &p);
}

/* As all that packets.h makes: from 10.0.0.1 or fd00::1, 40000, to .2, 443. */
static void assert_segment(enum link_layer link, const struct bytes *b, __u32 payload)
{
	struct address src = test_v4(1), dst = test_v4(2);
	struct packet p;

	assert_int_equal(parse(link, b, &p), PACKET_TCP);
	if (memcmp(&p.src, &src, sizeof(src))) {
		src = test_v6(1);
		dst = test_v6(2);
	}
	assert_memory_equal(&p.src, &src, sizeof(src));
	assert_memory_equal(&p.dst, &dst, sizeof(dst));
	assert_int_equal(p.sport, 40000);
	assert_int_equal(p.dport, 443);
	assert_int_equal(p.seq, 0x01020304);
	assert_int_equal(p.ack, 0x05060708);
	assert_int_equal(p.flags, TCP_ACK | TCP_PSH);
	assert_int_equal(p.payload, payload);
}

/* Every prefix of a good packet up to the end of the fixed TCP header is bad or something else;
 * from there on it is as good as the whole. */
static void assert_prefixes(enum link_layer link, const struct bytes *b)
{
	size_t needed = b->tcp + 20;
	struct packet whole, p;

	assert_int_equal(parse(link, b, &whole), PACKET_TCP);
	for (size_t n = 0; n <= b->size; n++) {
		enum packet_kind kind = parse_cut(link, b, n, b->size, &p);

		if (n < needed) {
			assert_int_equal(kind, PACKET_BAD);
		} else {
			assert_int_equal(kind, PACKET_TCP);
			assert_int_equal(p.payload, whole.payload);
			assert_int_equal(p.seq, whole.seq);
		}
	}
}

static void assert_good(enum link_layer link, const struct bytes *b, __u32 payload)
{
	assert_segment(link, b, payload);
	assert_prefixes(link, b);
}

static void test_ipv4(void **state)
{
	(void)state;
	for (__u32 payload = 0; payload < 70; payload++) {
		struct bytes b = {0};

		ethernet(&b, ETHERTYPE_IPV4);
		ipv4(&b, PROTOCOL_TCP);
		tcp(&b, 20, payload);
		assert_good(LINK_ETHERNET, &b, payload);
	}
}

/* What Ethernet adds to a short frame is no data. */
static void test_padding(void **state)
{
	struct bytes b = {0};

	(void)state;
	ethernet(&b, ETHERTYPE_IPV4);
	ipv4(&b, PROTOCOL_TCP);
	tcp(&b, 20, 0);
	put_zeroes(&b, 6);
	assert_segment(LINK_ETHERNET, &b, 0);

	b = (struct bytes){0};
	ethernet(&b, ETHERTYPE_IPV6);
	ipv6(&b, PROTOCOL_TCP);
	tcp(&b, 20, 1);
	put_zeroes(&b, 9);
	assert_segment(LINK_ETHERNET, &b, 1);
}

static void test_ipv6(void **state)
{
	struct bytes b = {0};

	(void)state;
	ethernet(&b, ETHERTYPE_IPV6);
	ipv6(&b, PROTOCOL_TCP);
	tcp(&b, 20, 33);
	assert_good(LINK_ETHERNET, &b, 33);
}

static void test_tcp_options(void **state)
{
	(void)state;
	for (__u8 header = 20; header <= 60; header += 4) {
		struct bytes b = {0};

		ethernet(&b, ETHERTYPE_IPV4);
		ipv4(&b, PROTOCOL_TCP);
		tcp(&b, header, 11);
		assert_good(LINK_ETHERNET, &b, 11);
	}
}

static void test_data_offset(void **state)
{
	struct bytes b = {0};

	(void)state;
	ethernet(&b, ETHERTYPE_IPV4);
	ipv4(&b, PROTOCOL_TCP);
	tcp(&b, 20, 8);
	for (int words = 0; words < 16; words++) {
		struct packet p;

		b.at[b.tcp + 12] = words << 4 | 0x0f; /* the lower bits are reserved */
		if (words >= 5 && words <= 7) {
			assert_int_equal(parse(LINK_ETHERNET, &b, &p), PACKET_TCP);
			assert_int_equal(p.payload, 28 - 4 * words);
		} else {
			assert_int_equal(parse(LINK_ETHERNET, &b, &p), PACKET_BAD);
		}
	}
}

static void test_all_flags(void **state)
{
	struct bytes b = {0};
	struct packet p;

	(void)state;
	ethernet(&b, ETHERTYPE_IPV4);
	ipv4(&b, PROTOCOL_TCP);
	tcp(&b, 20, 0);
	for (int flags = 0; flags < 256; flags++) {
		b.at[b.tcp + 13] = flags;
		assert_int_equal(parse(LINK_ETHERNET, &b, &p), PACKET_TCP);
		assert_int_equal(p.flags, flags);
	}
}

static void test_vlan_tags(void **state)
{
	static const __u16 types[] = {ETHERTYPE_VLAN, ETHERTYPE_QINQ, ETHERTYPE_QINQ_1};

	(void)state;
	for (int tags = 1; tags <= VLAN_DEPTH + 1; tags++) {
		for (int t = 0; t < 3 * 3; t++) {
			struct bytes b = {0};

			ethernet(&b, types[t / 3]);
			for (int i = 1; i < tags; i++)
				vlan(&b, types[t % 3]);
			vlan(&b, ETHERTYPE_IPV4);
			ipv4(&b, PROTOCOL_TCP);
			tcp(&b, 32, 5);
			if (tags <= VLAN_DEPTH)
				assert_good(LINK_ETHERNET, &b, 5);
			else
				assert_int_equal(kind_of(&b), PACKET_OTHER);
		}
	}
}

static void test_vlan_ipv6(void **state)
{
	struct bytes b = {0};

	(void)state;
	ethernet(&b, ETHERTYPE_QINQ);
	vlan(&b, ETHERTYPE_VLAN);
	vlan(&b, ETHERTYPE_IPV6);
	ipv6(&b, PROTOCOL_HOP_BY_HOP);
	extension(&b, PROTOCOL_TCP, 8);
	tcp(&b, 20, 5);
	assert_good(LINK_ETHERNET, &b, 5);
}

static void test_other_ethertypes(void **state)
{
	static const __u16 types[] = {0x0806, 0x8847, 0x8863, 0x88cc, 0x0000, 0x05dc, 0xffff};

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct bytes b = {0}, tagged = {0};

		ethernet(&b, types[i]);
		ipv4(&b, PROTOCOL_TCP);
		tcp(&b, 20, 0);
		assert_int_equal(kind_of(&b), PACKET_OTHER);
		ethernet(&tagged, ETHERTYPE_VLAN);
		vlan(&tagged, types[i]);
		put_zeroes(&tagged, 60);
		assert_int_equal(kind_of(&tagged), PACKET_OTHER);
	}
}

static void test_raw_ip(void **state)
{
	struct bytes b = {0}, six = {0};

	(void)state;
	ipv4(&b, PROTOCOL_TCP);
	tcp(&b, 20, 7);
	assert_good(LINK_IP, &b, 7);
	ipv6(&six, PROTOCOL_TCP);
	tcp(&six, 20, 7);
	assert_good(LINK_IP, &six, 7);
}

static void test_cooked(void **state)
{
	for (int v6 = 0; v6 < 2; v6++) {
		for (int tags = 0; tags < 3; tags++) {
			struct bytes b = {0};
			__u16 type = v6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4;

			put_zeroes(&b, 14);
			put16(&b, tags ? ETHERTYPE_VLAN : type);
			for (int i = tags; i > 0; i--)
				vlan(&b, i == 1 ? type : ETHERTYPE_VLAN);
			if (v6)
				ipv6(&b, PROTOCOL_TCP);
			else
				ipv4(&b, PROTOCOL_TCP);
			tcp(&b, 20, 7);
			assert_good(LINK_SLL, &b, 7);
		}
	}
	(void)state;
}

static void test_cooked_2(void **state)
{
	struct bytes b = {0};

	(void)state;
	put16(&b, ETHERTYPE_IPV4);
	put_zeroes(&b, 18);
	ipv4(&b, PROTOCOL_TCP);
	tcp(&b, 20, 7);
	assert_good(LINK_SLL2, &b, 7);
	b.at[0] = 0x99;
	assert_int_equal(parse(LINK_SLL2, &b, &(struct packet){0}), PACKET_OTHER);
}

static void test_loopback(void **state)
{
	struct bytes b = {0}, six = {0};

	(void)state;
	put32(&b, 0x02000000);
	ipv4(&b, PROTOCOL_TCP);
	tcp(&b, 20, 7);
	assert_good(LINK_NULL, &b, 7);
	put32(&six, 30);
	ipv6(&six, PROTOCOL_TCP);
	tcp(&six, 20, 7);
	assert_good(LINK_NULL, &six, 7);
}

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

static void test_ipv4_other_protocols(void **state)
{
	struct bytes b = {0};

	(void)state;
	ethernet(&b, ETHERTYPE_IPV4);
	ipv4(&b, PROTOCOL_TCP);
	tcp(&b, 20, 40);
	for (int protocol = 0; protocol < 256; protocol++) {
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
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
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

		if (next == PROTOCOL_TCP || next == PROTOCOL_AH || next == PROTOCOL_FRAGMENT ||
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

/* Nothing at all, and noise of every length: no crash, no read beyond. */
static void test_noise(void **state)
{
	static const enum link_layer links[] = {LINK_ETHERNET, LINK_IP, LINK_SLL, LINK_SLL2,
						LINK_NULL};
	__u64 noise = 1;
	struct packet p;

	(void)state;
	for (int turn = 0; turn < 200000; turn++) {
		struct bytes b = {0};
		size_t length = turn % 120;

		for (size_t i = 0; i < length; i++) {
			noise = noise * 6364136223846793005ull + 1442695040888963407ull;
			put8(&b, noise >> 56);
		}
		if (turn % 2 && length > 24) {
			b.at[12] = 0x86;
			b.at[13] = 0xdd;
			b.at[14] = 0x60;
			b.at[20] = noise >> 32 & 1 ? 0 : 60;
		}
		parse_cut(links[turn % 5], &b, b.size, noise >> 40, &p);
	}
}

#define S(name) cmocka_unit_test(test_##name)

int main(void)
{
	const struct CMUnitTest tests[] = {
		S(ipv4),
		S(padding),
		S(ipv6),
		S(tcp_options),
		S(data_offset),
		S(all_flags),
		S(vlan_tags),
		S(vlan_ipv6),
		S(other_ethertypes),
		S(raw_ip),
		S(cooked),
		S(cooked_2),
		S(loopback),
		S(ipv4_options),
		S(ip_version),
		S(ipv4_other_protocols),
		S(ipv4_total_length),
		S(ipv4_fragments),
		S(extension_headers),
		S(authentication_header),
		S(ipv6_fragments),
		S(chain),
		S(ipv6_other_protocols),
		S(ipv6_payload_length),
		S(extension_beyond_payload),
		S(noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
