/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The table of peers against a model, and with more peers than anyone has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "array.h"
#include "peering.h"
#include "some_links.h"

static const struct instance *base;

static void note_instance(void *arg, const struct instance *instance)
{
	char letter[2] = {(char)('a' + (instance - base)), '\0'};

	strcat(arg, letter);
}

/* ---- against a model, and in numbers ---- */

#define RANDOM_PREFIXES 60

static struct address random_address(void)
{
	struct address a;

	for (int i = 0; i < 4; i++)
		a.words[i] = (__u32)(rand() & 3); /* so that many meet */
	if (rand() & 1)
		address_set_v4(&a, (__u32)(rand() & 0x03000003));
	return a;
}

static struct prefix random_prefix(void)
{
	struct prefix p = {.addr = random_address()};
	bool v4 = address_is_v4(&p.addr);
	unsigned int bits = v4 ? 96 + rand() % 33 : rand() % 129;

	for (unsigned int bit = bits; bit < 128; bit++)
		p.addr.bytes[bit / 8] &= (__u8) ~(0x80 >> (bit % 8));
	p.bits = (__u8)bits;
	return p;
}

/* Bit by bit. Short IPv6 prefixes, ::/0 above all, cover the mapped IPv4 addresses, but do not mean
 * them. */
static bool contains(const struct prefix *p, const struct address *a)
{
	if (p->bits < ADDRESS_V4_PREFIX && address_is_v4(a))
		return false;
	for (unsigned int bit = 0; bit < p->bits; bit++)
		if ((p->addr.bytes[bit / 8] ^ a->bytes[bit / 8]) & 0x80 >> bit % 8)
			return false;
	return true;
}

static void test_contains(void **state)
{
	static const struct {
		const char *prefix, *addr;
		bool contained;
	} cases[] = {
		{"10.0.0.0/8", "10.255.255.255", true},
		{"10.0.0.0/8", "11.0.0.0", false},
		{"10.0.0.0/8", "::a00:1", false},
		{"10.0.0.128/25", "10.0.0.128", true},
		{"10.0.0.128/25", "10.0.0.127", false},
		{"10.0.0.4/31", "10.0.0.5", true},
		{"10.0.0.4/31", "10.0.0.6", false},
		{"10.0.0.1", "10.0.0.1", true},
		{"10.0.0.1", "10.0.0.2", false},
		{"0.0.0.0/0", "192.0.2.1", true},
		{"0.0.0.0/0", "::1", false},
		{"0.0.0.0/0", "2001:db8::1", false},
		{"::/0", "2001:db8::1", true},
		{"::/0", "192.0.2.1", false},
		{"::/64", "192.0.2.1", false},
		{"::/64", "::1", true},
		{"2001:db8::/33", "2001:db8:7fff::1", true},
		{"2001:db8::/33", "2001:db8:8000::1", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct prefix prefix;
		struct instance one = {.interface = "eth0", .ips = &prefix, .ips_count = 1};
		const struct config c = {.instances = &one, .instances_count = 1};
		struct address a = addr(cases[i].addr);
		struct peers *peers;

		assert_int_equal(prefix_parse(cases[i].prefix, &prefix), 0);
		assert_int_equal(peers_new(&peers, &c, &some_links), 0);
		assert_int_equal(matches_address(peers, 2, &a), cases[i].contained);
		assert_int_equal(contains(&prefix, &a), cases[i].contained);
		peers_free(peers);
	}
}

/* Three instances on one interface; b rests. */
static void check_model(const struct peers *peers, const struct config *c, const struct address *a)
{
	bool expected = false, told[3] = {false};
	int longest = -1;
	char told_text[16] = "", text[PREFIX_TEXT];
	struct flow_key flow = flow_to(2, a);
	const char *entry;

	for (int i = 0; i < 3; i++)
		for (size_t j = 0; j < c->instances[i].ips_count; j++) {
			const struct prefix *p = &c->instances[i].ips[j];

			if (!contains(p, a))
				continue;
			expected |= i != 1;
			told[i] = true;
			longest = p->bits > longest ? p->bits : longest;
		}
	assert_int_equal(matches_address(peers, 2, a), expected);
	assert_false(matches_address(peers, 3, a));
	peers_each_instance(peers, &flow, note_instance, told_text);
	assert_int_equal(strlen(told_text), told[0] + told[1] + told[2]);
	for (int i = 0; i < 3; i++)
		assert_int_equal(strchr(told_text, 'a' + i) != NULL, told[i]);
	entry = peers_entry(peers, &flow, text);
	assert_int_equal(entry != NULL, longest >= 0);
	if (entry) {
		struct prefix p;

		assert_int_equal(prefix_parse(entry, &p), 0);
		assert_int_equal(p.bits, longest);
		assert_true(contains(&p, a));
	}
}

static void test_random(void **state)
{
	struct prefix ips[3][RANDOM_PREFIXES];
	static struct instance three[3];
	struct config c = {.instances = three, .instances_count = 3};
	struct peers *peers;

	(void)state;
	srand(7);
	base = three;
	for (int round = 0; round < 100; round++) {
		size_t count = 1 + (size_t)rand() % RANDOM_PREFIXES;

		for (int i = 0; i < 3; i++) {
			three[i] = (struct instance){
				.interface = "eth0", .ips = ips[i], .ips_count = count};
			for (size_t j = 0; j < count; j++)
				ips[i][j] = random_prefix();
		}
		assert_int_equal(peers_new(&peers, &c, &some_links), 0);
		assert_true(peers_rest(peers, 1, true));
		for (int i = 0; i < 300; i++) {
			struct address a = random_address();

			check_model(peers, &c, &a);
		}
		peers_free(peers);
	}
}

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

#define ADDRESSES 100000
#define NETWORKS  10000
#define QUESTIONS 1000000

/* 10.0.0.0 and up, and as networks 192.0.0.0/24, 192.0.1.0/24 and so on. */
static struct prefix *many_prefixes(void)
{
	struct prefix *ips = calloc(ADDRESSES + NETWORKS, sizeof(*ips));

	assert_non_null(ips);
	for (unsigned int i = 0; i < ADDRESSES; i++) {
		address_set_v4(&ips[i].addr, htonl(0x0a000000 + i));
		ips[i].bits = 128;
	}
	for (unsigned int i = 0; i < NETWORKS; i++) {
		address_set_v4(&ips[ADDRESSES + i].addr, htonl(0xc0000000 + (i << 8)));
		ips[ADDRESSES + i].bits = 96 + 24;
	}
	return ips;
}

/* The bounds are some fifty times what it takes: what they tell from this is n squared. */
static void test_many(void **state)
{
	struct prefix *ips = many_prefixes();
	struct instance many = {.interface = "eth0", .ips = ips, .ips_count = ADDRESSES + NETWORKS};
	struct config big = {.instances = &many, .instances_count = 1, .reverse_names = true};
	double begin = now_s(), built, named, asked, inherited;
	struct peers *peers, *next;
	struct address a;

	(void)state;
	assert_int_equal(peers_new(&peers, &big, &some_links), 0);
	built = now_s();
	assert_int_equal(peers_count(peers), ADDRESSES + NETWORKS);
	assert_true(matches(peers, 2, "10.1.134.159"));
	assert_false(matches(peers, 2, "10.1.134.160"));
	assert_true(matches(peers, 2, "192.39.15.255"));
	assert_false(matches(peers, 2, "192.39.16.0"));
	for (unsigned int i = 0; i < ADDRESSES; i++)
		assert_int_equal(peers_set_address_name(peers, &ips[i].addr, "one.example"), 1);
	named = now_s();
	for (unsigned int i = 0; i < QUESTIONS; i++) {
		address_set_v4(&a, htonl(0xc0000000 + i * 7));
		if (matches_address(peers, 2, &a) != (i * 7 < NETWORKS << 8))
			fail_msg("question %u", i);
	}
	asked = now_s();
	assert_int_equal(peers_new(&next, &big, &some_links), 0);
	assert_int_equal(peers_inherit(next, peers), 0);
	inherited = now_s();
	assert_string_equal(peers_name(next, 2, &ips[ADDRESSES - 1].addr), "one.example");
	print_message(
		"built in %.0f ms, named in %.0f ms, %.0f ns a question, reloaded in %.0f ms\n",
		(built - begin) * 1e3, (named - built) * 1e3, (asked - named) * 1e9 / QUESTIONS,
		(inherited - asked) * 1e3);
	assert_true(built - begin < 2);
	assert_true(named - built < 4);
	assert_true(asked - named < 10);
	assert_true(inherited - asked < 6);
	peers_free(next);
	peers_free(peers);
	free(ips);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_contains),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests_name("peers_many", tests, NULL, NULL);
}
