/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The index of flows against a plain list, through growth and removals at random. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "flow_index.h"

#define KEYS  4000
#define STEPS 200000

struct entry {
	struct flow_key key;
	bool in;
};

static struct entry entries[KEYS];

static void make_keys(void)
{
	for (unsigned int i = 0; i < KEYS; i++) {
		address_set_v4(&entries[i].key.local, htonl(0x0a000001));
		address_set_v4(&entries[i].key.peer, htonl(0xc0000200 + i / 100));
		entries[i].key.local_port = 443;
		entries[i].key.peer_port = (__u16)(1024 + i % 100);
		entries[i].key.ifindex = 2;
		entries[i].in = false;
	}
}

static void *find(const struct flow_index *index, const struct entry *e)
{
	return flow_index_find(index, flow_index_hash(index, &e->key), &e->key);
}

static void turn(struct flow_index *index, struct entry *e)
{
	__u32 hash = flow_index_hash(index, &e->key);

	if (e->in)
		flow_index_remove(index, hash, e);
	else
		assert_int_equal(flow_index_add(index, hash, e), 0);
	e->in = !e->in;
}

static void check_all(const struct flow_index *index)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < KEYS; i++) {
		assert_ptr_equal(find(index, &entries[i]), entries[i].in ? &entries[i] : NULL);
		count += entries[i].in;
	}
	assert_int_equal(index->count, count);
}

static void test_like_a_list(void **state)
{
	struct flow_index index;

	(void)state;
	make_keys();
	srand(1);
	assert_int_equal(flow_index_open(&index, 1), 0);
	for (unsigned int i = 0; i < STEPS; i++) {
		turn(&index, &entries[rand() % KEYS]);
		if (i % 5000 == 0)
			check_all(&index);
	}
	check_all(&index);
	flow_index_close(&index);
}

/* All in one place, the last: what a removal moves up wraps around. */
static void test_same_hash(void **state)
{
	struct flow_index index;

	(void)state;
	make_keys();
	assert_int_equal(flow_index_open(&index, 8), 0);
	for (unsigned int i = 0; i < 8; i++)
		assert_int_equal(flow_index_add(&index, index.mask - i % 2, &entries[i]), 0);
	for (unsigned int gone = 0; gone < 8; gone++) {
		for (unsigned int i = 0; i < 8; i++)
			assert_ptr_equal(
				flow_index_find(&index, index.mask - i % 2, &entries[i].key),
				i < gone ? NULL : &entries[i]);
		flow_index_remove(&index, index.mask - gone % 2, &entries[gone]);
	}
	assert_int_equal(index.count, 0);
	flow_index_close(&index);
}

static void test_keeps_its_size(void **state)
{
	struct flow_index index;
	__u32 mask;

	(void)state;
	make_keys();
	assert_int_equal(flow_index_open(&index, KEYS), 0);
	mask = index.mask;
	for (unsigned int i = 0; i < KEYS; i++)
		turn(&index, &entries[i]);
	assert_int_equal(index.mask, mask);
	check_all(&index);
	flow_index_close(&index);
}

/* Ports and addresses that follow each other spread as numbers at random would: the longest of the
 * stretches without a gap stays short. */
static void test_spreads(void **state)
{
	unsigned int stretch = 0, longest = 0;
	struct flow_index index;

	(void)state;
	make_keys();
	assert_int_equal(flow_index_open(&index, KEYS), 0);
	for (unsigned int i = 0; i < KEYS; i++)
		turn(&index, &entries[i]);
	for (__u32 i = 0; i <= index.mask; i++) {
		stretch = index.slots[i].entry ? stretch + 1 : 0;
		longest = stretch > longest ? stretch : longest;
	}
	assert_in_range(longest, 2, 200); /* about 25 with half of the slots taken */
	flow_index_close(&index);
}

static void test_secrets_differ(void **state)
{
	struct key_hash_secret a, b;

	(void)state;
	key_hash_draw(&a);
	key_hash_draw(&b);
	assert_memory_not_equal(&a, &b, sizeof(a));
}

/* Ports that share a slot in one table are spread over another. */
static void test_no_shared_slots(void **state)
{
	struct flow_index one, other;
	unsigned int in_one = 0, in_both = 0;

	(void)state;
	make_keys();
	assert_int_equal(flow_index_open(&one, 32), 0);
	assert_int_equal(flow_index_open(&other, 32), 0);
	for (unsigned int i = 0; i < KEYS; i++) {
		bool shared = !(flow_index_hash(&one, &entries[i].key) & one.mask);

		in_one += shared;
		in_both += shared && !(flow_index_hash(&other, &entries[i].key) & other.mask);
	}
	assert_true(in_one > 0 && in_both <= in_one / 2);
	flow_index_close(&one);
	flow_index_close(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_like_a_list),    cmocka_unit_test(test_same_hash),
		cmocka_unit_test(test_keeps_its_size), cmocka_unit_test(test_spreads),
		cmocka_unit_test(test_secrets_differ), cmocka_unit_test(test_no_shared_slots),
	};

	return cmocka_run_group_tests_name("flow_index", tests, NULL, NULL);
}
