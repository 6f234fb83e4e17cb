/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The tag of a flow stands for its key: it must be as good as a random number for each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "array.h"
#include "segments.h"

/* All ephemeral ports of Linux, to all hosts of a /24: 7.2 million. */
#define HOSTS 254
#define PORTS 28232
#define KEYS  (HOSTS * PORTS)

typedef struct flow_key make_key(__u32 host, __u32 port);

static __u32 tags[KEYS], spare[KEYS];

/* By 16 bits, the lower half first. */
static void sort_by(const __u32 *from, __u32 *to, int shift)
{
	static __u32 places[65537];

	memset(places, 0, sizeof(places));
	for (int i = 0; i < KEYS; i++)
		places[(from[i] >> shift & 0xffff) + 1]++;
	for (int i = 0; i < 65536; i++)
		places[i + 1] += places[i];
	for (int i = 0; i < KEYS; i++)
		to[places[from[i] >> shift & 0xffff]++] = from[i];
}

/* Of n random 32-bit numbers, n^2 / 2^33 have occurred before. */
static void assert_as_if_random(make_key *make)
{
	double expected = (double)KEYS * KEYS / 2 / 4294967296.0;
	int again = 0;

	for (__u32 host = 0; host < HOSTS; host++) {
		for (__u32 port = 0; port < PORTS; port++) {
			struct flow_key key = make(host + 1, 32768 + port);

			tags[host * PORTS + port] = flow_tag(&key);
		}
	}
	sort_by(tags, spare, 0);
	sort_by(spare, tags, 16);
	for (int i = 1; i < KEYS; i++)
		again += tags[i] == tags[i - 1];
	if (again > 1.1 * expected)
		fail_msg("%d tags have been there before, not about %.0f", again, expected);
}

static struct flow_key key_v4(__u32 host, __u32 port)
{
	struct flow_key key = {.local_port = (__u16)port, .peer_port = 443, .ifindex = 2};

	address_set_v4(&key.local, htonl(0x0a000001));
	address_set_v4(&key.peer, htonl(0xc0a80100 + host));
	return key;
}

static struct flow_key key_server(__u32 host, __u32 port)
{
	struct flow_key key = key_v4(host, 443);

	key.peer_port = (__u16)port;
	return key;
}

static struct flow_key key_v6(__u32 host, __u32 port)
{
	struct flow_key key = key_v4(host, port);

	key.local = (struct address){.words = {htonl(0x20010db8), htonl(1), 0, htonl(1)}};
	key.peer = (struct address){.words = {htonl(0x20010db8), htonl(2), 0, htonl(host)}};
	return key;
}

/* Addresses made of those of network cards of one maker (RFC 4291, A). */
static struct flow_key key_cards(__u32 host, __u32 port)
{
	struct flow_key key = key_v6(host, port);

	key.peer.words[2] = htonl(0x021b21ff);
	key.peer.words[3] = htonl(0xfe000000 + host * 0x1357);
	return key;
}

/* Random ones (RFC 8981). */
static struct flow_key key_private(__u32 host, __u32 port)
{
	struct flow_key key = key_v6(host, port);
	struct chance chance = {host};

	key.peer.words[2] = (__u32)chance_next(&chance);
	key.peer.words[3] = (__u32)chance_next(&chance);
	return key;
}

static struct flow_key key_networks(__u32 host, __u32 port)
{
	struct flow_key key = key_v6(1, port);

	key.peer.words[1] = htonl(host);
	return key;
}

static struct flow_key key_interfaces(__u32 host, __u32 port)
{
	struct flow_key key = key_v4(1, port);

	key.ifindex = host;
	return key;
}

static void test_networks(void **state)
{
	static make_key *const makes[] = {key_v4,      key_server,   key_v6,        key_cards,
					  key_private, key_networks, key_interfaces};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(makes); i++)
		assert_as_if_random(makes[i]);
}

static void assert_every_bit_counts(struct flow_key key)
{
	__u32 tag = flow_tag(&key);
	__u8 *bytes = (__u8 *)&key;

	for (size_t bit = 0; bit < 8 * sizeof(key); bit++) {
		bytes[bit / 8] ^= 1 << bit % 8;
		if (flow_tag(&key) == tag)
			fail_msg("bit %zu does not count", bit);
		bytes[bit / 8] ^= 1 << bit % 8;
	}
}

static void test_every_bit(void **state)
{
	struct chance chance = {5};
	struct flow_key key;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		for (size_t at = 0; at < sizeof(key); at += sizeof(__u32)) {
			__u32 word = (__u32)chance_next(&chance);

			memcpy((__u8 *)&key + at, &word, sizeof(word));
		}
		assert_every_bit_counts(key);
		assert_every_bit_counts(key_v4((__u32)i, 32768 + (__u32)i));
		assert_every_bit_counts(key_v6((__u32)i, 32768 + (__u32)i));
	}
}

/* No word makes the one that it is multiplied by irrelevant. */
static void test_no_word_hides_another(void **state)
{
	(void)state;
	for (__u32 i = 0; i < 10; i += 2) {
		__u32 a = (__u32)(flow_tag_pair(0, 0, i) - flow_tag_pair(0, 1, i));
		__u32 b = (__u32)(flow_tag_pair(0, 0, i) - flow_tag_pair(1, 0, i));

		assert_true(flow_tag_pair(a, 0, i) != flow_tag_pair(a, 1, i));
		assert_true(flow_tag_pair(a, 0, i) != flow_tag_pair(a, 0x80000000, i));
		assert_true(flow_tag_pair(0, b, i) != flow_tag_pair(1, b, i));
		assert_true(flow_tag_pair(0, b, i) != flow_tag_pair(0x80000000, b, i));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_networks),
		cmocka_unit_test(test_every_bit),
		cmocka_unit_test(test_no_word_hides_another),
	};

	return cmocka_run_group_tests_name("flow_tag", tests, NULL, NULL);
}
