/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The parser: link layers, tags and TCP, and noise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "array.h"
#include "parsing.h"

static long load(void *ctx, __u32 offset, void *to, __u32 len)
{
	const struct bytes *b = ctx;

	if (offset > b->size || len > b->size - offset)
		return -1;
	memcpy(to, b->at + offset, len);
	return 0;
}

/* As the kernel does, which has nothing but packet.h. */
static enum packet_kind parse_plainly(struct bytes *b, struct packet *p)
{
	return packet_read(b, load, LINK_ETHERNET, b->at, b->at + b->size, b->size, p);
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
	static const __u16 types[] = {0x0806, 0x8863, 0x88cc, 0x0000, 0x05dc, 0xffff};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
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

/* Behind labels, IP alone is looked for, and behind too many nothing (frame.h does more). */
static void test_mpls(void **state)
{
	struct packet p;

	(void)state;
	for (int labels = 1; labels <= MPLS_DEPTH + 1; labels++) {
		for (int v6 = 0; v6 < 2; v6++) {
			struct bytes b = {0};

			ethernet(&b, labels % 2 ? ETHERTYPE_MPLS : ETHERTYPE_VLAN);
			if (labels % 2 == 0)
				vlan(&b, ETHERTYPE_MPLS);
			for (int i = 1; i <= labels; i++)
				put32(&b, 0x12345000 | (i == labels) << 8 | 64);
			if (v6)
				ipv6(&b, PROTOCOL_TCP);
			else
				ipv4(&b, PROTOCOL_TCP);
			tcp(&b, 20, 7);
			assert_good(LINK_ETHERNET, &b, 7);
			assert_int_equal(parse_plainly(&b, &p),
					 labels <= MPLS_DEPTH ? PACKET_TCP : PACKET_OTHER);
			b.at[b.ip] = 0x00; /* a pseudowire's control word */
			assert_int_equal(parse_plainly(&b, &p), PACKET_OTHER);
		}
	}
}

static void test_pppoe(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		struct bytes b = {0};
		struct packet p;

		ethernet(&b, ETHERTYPE_PPPOE);
		put32(&b, 0x11000007);
		put16(&b, 0);
		put16(&b, v6 ? PPP_IPV6 : PPP_IPV4);
		if (v6)
			ipv6(&b, PROTOCOL_TCP);
		else
			ipv4(&b, PROTOCOL_TCP);
		tcp(&b, 20, 7);
		assert_good(LINK_ETHERNET, &b, 7);
		assert_int_equal(parse_plainly(&b, &p), PACKET_TCP);
		b.at[21]++; /* another protocol of PPP */
		assert_int_equal(parse_plainly(&b, &p), PACKET_OTHER);
		b.at[21]--;
		b.at[15] = 9; /* of discovery */
		assert_int_equal(parse_plainly(&b, &p), PACKET_OTHER);
	}
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		S(ipv4),        S(padding),     S(ipv6),
		S(tcp_options), S(data_offset), S(all_flags),
		S(vlan_tags),   S(vlan_ipv6),   S(other_ethertypes),
		S(raw_ip),      S(cooked),      S(cooked_2),
		S(loopback),    S(mpls),        S(pppoe),
		S(noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
