/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The parser's fast path gives the same result as the slow one, or leaves the packet to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "packets.h"

struct captured_bytes {
	const __u8 *at;
	__u32 count;
};

static long load(void *ctx, __u32 offset, void *to, __u32 len)
{
	const struct captured_bytes *c = ctx;

	if (offset > c->count || len > c->count - offset)
		return -1;
	memcpy(to, c->at + offset, len);
	return 0;
}

/* Returns what the fast path says. */
static enum plain_kind compare(const struct bytes *b, __u32 captured)
{
	__u8 *copy = malloc(captured + 1); /* for AddressSanitizer to see what is read behind it */
	struct captured_bytes c = {copy, captured};
	struct packet plain = {0}, parsed = {0};
	enum packet_kind kind;
	enum plain_kind short_way;

	assert_non_null(copy);
	memcpy(copy, b->at, captured);
	kind = packet_parse(&c, load, LINK_ETHERNET, (__u32)b->size, &parsed);
	short_way = packet_plain(copy, copy + captured, &plain);
	if (short_way == PLAIN_OTHER)
		assert_int_equal(kind, PACKET_OTHER);
	if (short_way == PLAIN_TCP) {
		assert_int_equal(kind, PACKET_TCP);
		assert_memory_equal(&plain, &parsed, sizeof(plain));
	}
	free(copy);
	return short_way;
}

static struct bytes frame_of(__u16 type, __u8 protocol)
{
	struct bytes b = {0};

	ethernet(&b, type);
	if (type == ETHERTYPE_IPV4)
		ipv4(&b, protocol);
	else
		ipv6(&b, protocol);
	tcp(&b, 20, 30);
	return b;
}

/* A fast path that no packet takes would be useless. */
static void test_plain_packets(void **state)
{
	struct bytes v4 = frame_of(ETHERTYPE_IPV4, PROTOCOL_TCP);
	struct bytes v6 = frame_of(ETHERTYPE_IPV6, PROTOCOL_TCP);
	struct bytes udp = frame_of(ETHERTYPE_IPV4, 17);
	struct bytes arp = {0};

	(void)state;
	ethernet(&arp, 0x0806);
	put_zeroes(&arp, 28);
	assert_int_equal(compare(&v4, 54), PLAIN_TCP);
	assert_int_equal(compare(&v6, 74), PLAIN_TCP);
	assert_int_equal(compare(&udp, 84), PLAIN_OTHER);
	assert_int_equal(compare(&arp, 42), PLAIN_OTHER);
}

static void test_cut_packets(void **state)
{
	struct bytes frames[] = {frame_of(ETHERTYPE_IPV4, PROTOCOL_TCP),
				 frame_of(ETHERTYPE_IPV6, PROTOCOL_TCP)};

	(void)state;
	for (size_t i = 0; i < 2; i++)
		for (__u32 captured = 0; captured < frames[i].size; captured++)
			compare(&frames[i], captured);
}

/* Every value of every byte of the headers, and then several bytes at once. */
static void test_changed_packets(void **state)
{
	struct bytes frames[] = {frame_of(ETHERTYPE_IPV4, PROTOCOL_TCP),
				 frame_of(ETHERTYPE_IPV6, PROTOCOL_TCP)};
	unsigned int seed = 1, ways[3] = {0};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		for (size_t at = 0; at < frames[i].tcp + 20; at++) {
			for (unsigned int value = 0; value < 256; value++) {
				struct bytes b = frames[i];

				b.at[at] = (__u8)value;
				ways[compare(&b, (__u32)b.size)]++;
			}
		}
		for (int n = 0; n < 100000; n++) {
			struct bytes b = frames[i];

			for (int k = 0; k < 3; k++)
				b.at[12 + (size_t)rand_r(&seed) % 62] = (__u8)rand_r(&seed);
			ways[compare(&b, (__u32)b.size)]++;
		}
	}
	assert_true(ways[PLAIN_TCP] > 1000 && ways[PLAIN_OTHER] > 1000 &&
		    ways[PLAIN_UNSURE] > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_packets),
		cmocka_unit_test(test_cut_packets),
		cmocka_unit_test(test_changed_packets),
	};

	return cmocka_run_group_tests_name("packet_plain", tests, NULL, NULL);
}
