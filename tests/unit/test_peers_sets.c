/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sets of peers against a model: random instances, and interfaces that come, go and change their
 * names. And as many as the sets are there for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "peering.h"
#include "selection.h"

#define INSTANCES 5
#define LINKS     12
#define ADDRESSES 6 /* 10.0.0.1 and up */

static char selections[INSTANCES][32];
static struct prefix ips[INSTANCES][3];
static struct instance instances[INSTANCES];
static struct config config;

static struct link links_at[LINKS];
static struct links links = {.at = links_at, .whole = true};

static bool chance(int percent)
{
	return rand() % 100 < percent;
}

/* Names are of two letters, so that many are the same for a pattern. */
static void random_selection(char text[32])
{
	static const char *const terms[] = {"a*", "b*", "*", "?a", "aa", "[ab]b", "default"};
	static const char *const out[] = {"", "", " !aa", " !*b", " !default"};

	snprintf(text, 32, "%s%s", terms[rand() % ARRAY_SIZE(terms)],
		 out[rand() % ARRAY_SIZE(out)]);
}

static void random_config(void)
{
	config = (struct config){.instances = instances, .instances_count = 1 + rand() % INSTANCES};
	for (size_t i = 0; i < config.instances_count; i++) {
		bool file = chance(20);

		random_selection(selections[i]);
		instances[i] = (struct instance){
			.interface = file ? (char *)"file" : selections[i],
			.pcap = file ? (char *)(chance(50) ? "x.pcap" : "y.pcap") : NULL,
			.ips = ips[i],
			.ips_count = 1 + (size_t)rand() % 3,
		};
		for (size_t k = 0; k < instances[i].ips_count; k++) {
			address_set_v4(&ips[i][k].addr,
				       htonl(0x0a000001 + (__u32)rand() % ADDRESSES));
			ips[i][k].bits = PREFIX_BITS;
		}
	}
}

static void random_links(void)
{
	links.count = 0;
	for (unsigned int ifindex = 1; ifindex <= LINKS; ifindex++) {
		struct link *link = &links_at[links.count];

		if (chance(40))
			continue;
		*link = (struct link){.interface.ifindex = ifindex, .altnames = ""};
		snprintf(link->interface.name, sizeof(link->interface.name), "%c%c",
			 'a' + rand() % 3, 'a' + rand() % 3);
		link->is_default = chance(20);
		links.count++;
	}
}

static bool lists(const struct instance *instance, const struct address *a)
{
	for (size_t i = 0; i < instance->ips_count; i++)
		if (!memcmp(&instance->ips[i].addr, a, sizeof(*a)))
			return true;
	return false;
}

static void note_instance(void *arg, const struct instance *instance)
{
	*(unsigned int *)arg |= 1u << (instance - instances);
}

/* The instances that have the address on an interface, by the configuration alone. */
static unsigned int expected(const struct link *link, const char *file, const struct address *a)
{
	unsigned int set = 0;

	for (size_t i = 0; i < config.instances_count; i++) {
		const struct instance *instance = &instances[i];
		bool here = instance->pcap ? file && !strcmp(instance->pcap, file)
					   : link && selection_has(instance->interface, link);

		set |= here && lists(instance, a) ? 1u << i : 0;
	}
	return set;
}

static void check_address(const struct peers *peers, __u32 number, unsigned int wanted,
			  const struct address *a)
{
	struct flow_key flow = flow_to(number, a);
	unsigned int found = 0;

	peers_each_instance(peers, &flow, note_instance, &found);
	assert_int_equal(found, wanted);
	assert_int_equal(matches_address(peers, number, a), wanted != 0);
}

static void check(const struct peers *peers)
{
	static const char *const files[] = {"x.pcap", "y.pcap"};
	struct address a;

	for (unsigned int n = 0; n < ADDRESSES; n++) {
		address_set_v4(&a, htonl(0x0a000001 + n));
		for (unsigned int ifindex = 0; ifindex <= LINKS; ifindex++) {
			const struct link *link = links_find(&links, ifindex);

			check_address(peers, ifindex, link ? expected(link, NULL, &a) : 0, &a);
		}
		for (size_t i = 0; i < ARRAY_SIZE(files); i++)
			check_address(peers, peers_file_index(peers, files[i]),
				      peers_file_index(peers, files[i])
					      ? expected(NULL, files[i], &a)
					      : 0,
				      &a);
	}
}

/* What a backend would be told: each interface has a set, and equal ones have one set. */
static void check_sets(const struct peers *peers)
{
	for (size_t i = 0; i < peers_interfaces_count(peers); i++) {
		struct peers_interface one = peers_interface_at(peers, i);

		assert_int_equal(peers_set_of(peers, one.number), one.set);
		assert_true(one.set > 0);
		for (size_t k = 0; k < i; k++)
			assert_true(peers_interface_at(peers, k).number < one.number);
	}
}

static void note_before(void *arg)
{
	++*(unsigned int *)arg;
}

static void test_random(void **state)
{
	unsigned int told = 0, left_count = 0, changes[3] = {0};

	(void)state;
	srand(11);
	for (int round = 0; round < 300; round++) {
		struct peers *peers;

		random_config();
		random_links();
		assert_int_equal(peers_new(&peers, &config, &links), 0);
		check(peers);
		for (int step = 0; step < 6; step++) {
			enum peers_change change;
			__u32 sets[LINKS + 1];

			for (unsigned int i = 0; i <= LINKS; i++)
				sets[i] = peers_set_of(peers, i);
			random_links();
			change = peers_follow_links(peers, &links, note_before, &told);
			changes[change]++;
			for (unsigned int i = 0, left = 0; i <= LINKS && !left; i++)
				left_count += left = sets[i] && sets[i] != peers_set_of(peers, i);
			check(peers);
			check_sets(peers);
			assert_int_equal(peers_follow_links(peers, &links, NULL, NULL), PEERS_SAME);
		}
		peers_free(peers);
	}
	assert_int_equal(told, left_count);
	for (int i = 0; i < 3; i++)
		assert_true(changes[i] > 20);
}

/* A torn snapshot takes nothing away, and adds what it has. */
static void test_torn(void **state)
{
	unsigned int told = 0, stayed = 0, came = 0;

	(void)state;
	srand(14);
	for (int round = 0; round < 300; round++) {
		__u32 sets[LINKS + 1];
		struct peers *peers;

		random_config();
		random_links();
		assert_int_equal(peers_new(&peers, &config, &links), 0);
		for (unsigned int i = 0; i <= LINKS; i++)
			sets[i] = peers_set_of(peers, i);
		random_links();
		links.whole = false;
		peers_follow_links(peers, &links, note_before, &told);
		links.whole = true;
		check_sets(peers);
		for (unsigned int i = 0; i <= LINKS; i++) {
			const struct link *link = links_find(&links, i);
			bool meant = false;

			for (size_t k = 0; link && k < config.instances_count; k++)
				meant |= !instances[k].pcap &&
					 selection_has(instances[k].interface, link);
			if (sets[i])
				assert_int_equal(peers_set_of(peers, i), sets[i]);
			else
				assert_int_equal(peers_set_of(peers, i) != 0, meant);
			stayed += sets[i] && !link;
			came += !sets[i] && meant;
		}
		peers_follow_links(peers, &links, note_before, &told);
		check(peers);
		peers_free(peers);
	}
	assert_true(stayed > 100 && came > 100);
}

/* What backends have been told stays true until they are told more: as long as they are told of
 * interfaces alone, no prefix of any set changes. */
static void test_stays(void **state)
{
	struct peer before[INSTANCES * 3 * LINKS];
	unsigned int told = 0;

	(void)state;
	srand(12);
	for (int round = 0; round < 300; round++) {
		struct peers *peers;

		random_config();
		random_links();
		assert_int_equal(peers_new(&peers, &config, &links), 0);
		for (int step = 0; step < 6; step++) {
			size_t count = peers_count(peers);

			for (size_t i = 0; i < count; i++)
				before[i] = *peers_at(peers, i);
			random_links();
			if (peers_follow_links(peers, &links, note_before, &told) == PEERS_SETS)
				continue;
			assert_int_equal(peers_count(peers), count);
			for (size_t i = 0; i < count; i++)
				assert_memory_equal(&before[i], peers_at(peers, i),
						    sizeof(*before));
		}
		peers_free(peers);
	}
}

/* Another configuration: an interface's set keeps its number where it can, and no number means two
 * sets. */
static void test_inherit(void **state)
{
	unsigned int kept = 0;

	(void)state;
	srand(13);
	for (int round = 0; round < 300; round++) {
		struct peers *old, *next;
		struct instance first[INSTANCES];
		struct config before;

		random_config();
		random_links();
		memcpy(first, instances, sizeof(first));
		before = config;
		before.instances = first;
		assert_int_equal(peers_new(&old, &before, &links), 0);
		random_config();
		assert_int_equal(peers_new(&next, &config, &links), 0);
		assert_int_equal(peers_inherit(next, old), 0);
		check(next);
		check_sets(next);
		for (size_t i = 0; i < peers_interfaces_count(next); i++) {
			struct peers_interface now = peers_interface_at(next, i);

			kept += now.set == peers_set_of(old, now.number);
			for (size_t k = 0; k < i; k++) { /* one set, or two numbers */
				struct peers_interface other = peers_interface_at(next, k);
				struct address a;

				for (unsigned int n = 0; n < ADDRESSES && now.set == other.set;
				     n++) {
					address_set_v4(&a, htonl(0x0a000001 + n));
					assert_int_equal(matches_address(next, now.number, &a),
							 matches_address(next, other.number, &a));
				}
			}
		}
		peers_free(old);
		peers_free(next);
	}
	assert_true(kept > 100);
}

/* 200 interfaces with 100,000 peers. */
static void test_many(void **state)
{
	const unsigned int count = 200, addresses = 100000;
	struct prefix *many = calloc(addresses, sizeof(*many));
	struct link *at = calloc(count, sizeof(*at));
	struct links all = {.at = at, .count = count, .whole = true};
	struct instance one = {.interface = "veth*", .ips = many, .ips_count = addresses};
	const struct config big = {.instances = &one, .instances_count = 1};
	unsigned int told = 0;
	struct peers *peers;

	(void)state;
	for (unsigned int i = 0; i < addresses; i++) {
		address_set_v4(&many[i].addr, htonl(0x0a000000 + i));
		many[i].bits = PREFIX_BITS;
	}
	for (unsigned int i = 0; i < count; i++) {
		at[i] = (struct link){.interface.ifindex = i + 1, .altnames = ""};
		sprintf(at[i].interface.name, "veth%u", i);
	}
	all.count = 1;
	assert_int_equal(peers_new(&peers, &big, &all), 0);
	all.count = count;
	assert_int_equal(peers_follow_links(peers, &all, note_before, &told), PEERS_INTERFACES);
	assert_int_equal(peers_count(peers), addresses);
	assert_int_equal(peers_interfaces_count(peers), count);
	for (unsigned int i = 0; i < count; i++) {
		assert_true(matches_address(peers, i + 1, &many[i].addr));
		assert_int_equal(peers_interface_at(peers, i).set,
				 peers_interface_at(peers, 0).set);
	}
	/* All go, and come again: the set has stayed. */
	all.count = 0;
	assert_int_equal(peers_follow_links(peers, &all, note_before, &told), PEERS_INTERFACES);
	all.count = count;
	assert_int_equal(peers_follow_links(peers, &all, note_before, &told), PEERS_INTERFACES);
	assert_int_equal(told, 1); /* when they went */
	peers_free(peers);
	free(at);
	free(many);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random), cmocka_unit_test(test_torn),
		cmocka_unit_test(test_stays),  cmocka_unit_test(test_inherit),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests_name("peers_sets", tests, NULL, NULL);
}
