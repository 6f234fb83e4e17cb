/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Instances with ports, whose networks contain each other, against a model: whose a flow is, by
 * what is asked in user space and by the groups of ports that the kernel is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "bpf_ports.h"
#include "instance_ports.h"
#include "peer_key.h"
#include "peering.h"
#include "some_links.h"

#define INSTANCES 5

static const char *const prefixes[] = {
	"10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "10.1.2.3", "10.1.2.4",    "0.0.0.0/0",
	"fd00::/8",   "fd00:1::/32", "fd00:1::2",   "::/0",     "10.1.0.0/24", "::ffff:10.1.2.3"};
static const char *const addresses[] = {"10.1.2.3", "10.1.2.4", "10.1.2.5",  "10.1.0.0",
					"10.9.0.1", "11.0.0.1", "fd00:1::2", "fd00:1::3",
					"fd00:2::", "fe80::1"};
static const __u16 ports_of_flows[] = {1, 442, 443, 444, 5432, 8000, 8500, 8999, 9000, 65535};

static struct prefix ips[INSTANCES][3];
static struct ports ports[INSTANCES];
static struct instance instances[INSTANCES];
static bool resting[INSTANCES];
static struct config config;

static bool chance(int percent)
{
	return rand() % 100 < percent;
}

static void random_ports(struct ports *p)
{
	static const struct port_range ranges[] = {{443, 443},   {5432, 5432}, {8000, 8999},
						   {8500, 9000}, {444, 65535}, {1, 442}};

	*p = (struct ports){};
	for (int i = rand() % 3; i >= 0; i--)
		assert_int_equal(ports_add(p, &ranges[rand() % ARRAY_SIZE(ranges)]), 0);
}

static void random_instance(size_t i)
{
	random_ports(&ports[i]);
	instances[i] = (struct instance){
		.interface = (char *)(chance(70) ? "eth0" : "eth*"),
		.ips = ips[i],
		.ips_count = 1 + (size_t)rand() % 3,
		.ports = chance(75) ? &ports[i] : NULL,
		.tag_port = chance(50),
	};
	for (size_t k = 0; k < instances[i].ips_count; k++)
		assert_int_equal(prefix_parse(prefixes[rand() % ARRAY_SIZE(prefixes)], &ips[i][k]),
				 0);
	config.instances_count = i + 1;
	instance_number_ports(&config, &(struct mistakes){});
}

static struct peers *random_peers(void)
{
	struct peers *peers;

	config = (struct config){.instances = instances};
	for (size_t i = 0; i < INSTANCES; i++)
		random_instance(i);
	assert_int_equal(peers_new(&peers, &config, &some_links), 0);
	for (size_t i = 0; i < INSTANCES; i++) {
		resting[i] = chance(20);
		peers_rest(peers, i, resting[i]);
	}
	return peers;
}

/* ---- the model ---- */

static bool contains(const struct prefix *prefix, const struct address *a)
{
	bool v4 = prefix->bits >= ADDRESS_V4_PREFIX && address_is_v4(&prefix->addr);

	if (address_is_v4(a) != v4)
		return false;
	for (unsigned int bit = 0; bit < prefix->bits; bit++)
		if ((prefix->addr.bytes[bit / 8] ^ a->bytes[bit / 8]) >> (7 - bit % 8) & 1)
			return false;
	return true;
}

static bool has(const struct instance *instance, const struct flow_key *flow)
{
	bool peer = false;

	for (size_t i = 0; i < instance->ips_count; i++)
		peer |= contains(&instance->ips[i], &flow->peer);
	if (flow->ifindex == 1 || (flow->ifindex == 3 && strcmp(instance->interface, "eth*")))
		return false; /* lo is nobody's, eth1 some instances' */
	return peer && (!instance->ports || ports_have(instance->ports, flow->local_port) ||
			ports_have(instance->ports, flow->peer_port));
}

/* ---- held against it ---- */

static void note_instance(void *arg, const struct instance *instance)
{
	unsigned int bit = 1u << (instance - instances), *found = arg;

	assert_false(*found & bit);
	*found |= bit;
}

/* The entry is the longest prefix of those whose instance has the flow. */
static void check_entry(const struct peers *peers, const struct flow_key *flow, unsigned int whose)
{
	char text[PREFIX_TEXT], expected[PREFIX_TEXT];
	const char *entry = peers_entry(peers, flow, text);
	const struct prefix *longest = NULL;

	for (size_t i = 0; i < INSTANCES; i++)
		for (size_t k = 0; whose >> i & 1 && k < instances[i].ips_count; k++)
			if (contains(&ips[i][k], &flow->peer) &&
			    (!longest || longest->bits < ips[i][k].bits))
				longest = &ips[i][k];
	if (!longest)
		assert_null(entry);
	else
		assert_string_equal(entry, prefix_format(longest, expected));
}

/* What the kernel finds: the longest prefix of the flow's set, and its group's ports. */
static bool kernel_finds(const struct peers *peers, const struct port_groups *groups,
			 const struct flow_key *flow)
{
	const struct peer *longest = NULL;
	__u32 number;

	for (size_t i = 0; i < peers_count(peers); i++) {
		const struct peer *peer = peers_at(peers, i);

		if (peer->set == peers_set_of(peers, flow->ifindex) &&
		    contains(&peer->prefix, &flow->peer) &&
		    (!longest || longest->prefix.bits < peer->prefix.bits))
			longest = peer;
	}
	if (!longest)
		return false;
	number = port_groups_of(groups, peers, longest);
	for (size_t i = 0; i < groups->count; i++)
		if (groups->at[i].number == number)
			return peers_ports_of_flow(peers_ports(peers), flow) & groups->at[i].lists;
	assert_int_equal(number, 0);
	return true;
}

static void check_flow(const struct peers *peers, const struct port_groups *groups,
		       const struct peer_filter *filter, const struct flow_key *flow)
{
	unsigned int whose = 0, found = 0;
	bool measured = false;

	for (size_t i = 0; i < INSTANCES; i++) {
		whose |= (unsigned int)has(&instances[i], flow) << i;
		measured |= has(&instances[i], flow) && !resting[i];
	}
	assert_int_equal(peers_match(peers, flow), measured);
	assert_int_equal(kernel_finds(peers, groups, flow), measured);
	if (measured)
		assert_true(peer_filter_passes_ports(filter, flow->local_port, flow->peer_port));
	peers_each_instance(peers, flow, note_instance, &found);
	assert_int_equal(found, whose);
	check_entry(peers, flow, whose);
}

static void check_ports(const struct peers *peers, const struct port_groups *groups,
			const struct peer_filter *filter, struct flow_key *flow)
{
	for (size_t i = 0; i < ARRAY_SIZE(ports_of_flows); i++)
		for (size_t k = 0; k < ARRAY_SIZE(ports_of_flows); k++) {
			flow->local_port = ports_of_flows[i];
			flow->peer_port = ports_of_flows[k];
			check_flow(peers, groups, filter, flow);
		}
}

/* A number stands for the same ports before and after, or is another one. */
static void check_numbers(const struct port_groups *before, const struct port_groups *now)
{
	for (size_t i = 0; i < now->count; i++)
		assert_true(now->at[i].kept || now->at[i].number > before->last);
}

static void test_model(void **state)
{
	static struct peer_filter filter;
	struct port_groups before = {}, groups;
	size_t some = 0;

	(void)state;
	srand(31);
	for (int round = 0; round < 100; round++) {
		struct peers *peers = random_peers();

		assert_int_equal(port_groups_make(&groups, &before, peers), 0);
		check_numbers(&before, &groups);
		some += groups.count > 1;
		port_groups_filter(&filter, peers);
		for (size_t i = 0; i < ARRAY_SIZE(addresses); i++)
			for (__u32 ifindex = 1; ifindex <= 3; ifindex++) {
				struct flow_key flow = {.ifindex = ifindex};

				flow.peer = addr(addresses[i]);
				check_ports(peers, &groups, &filter, &flow);
			}
		peers_free(peers);
		port_groups_clear(&before);
		before = groups;
	}
	assert_true(some > 20);
	port_groups_clear(&before);
}

/* Every port against the lists themselves. */
static void test_spans(void **state)
{
	(void)state;
	srand(32);
	for (int round = 0; round < 50; round++) {
		struct peers *peers = random_peers();
		const struct peers_ports *all = peers_ports(peers);

		for (__u32 port = 0; port < 65536; port++) {
			__u64 lists = 0;

			for (size_t i = 0; i < INSTANCES; i++)
				if (instances[i].ports && ports_have(&ports[i], (__u16)port))
					lists |= instance_port_lists(&instances[i]);
			if (peers_ports_of(all, (__u16)port) != lists)
				fail_msg("round %d: port %u", round, port);
		}
		peers_free(peers);
	}
}

static struct peers *three_peers(__u16 last_port)
{
	struct peers *peers;

	config = (struct config){.instances = instances};
	for (size_t i = 0; i < 3; i++) {
		ports[i] = (struct ports){1, {{443, i == 2 ? last_port : 443}}};
		assert_int_equal(prefix_parse(prefixes[i], &ips[i][0]), 0);
		instances[i] = (struct instance){
			.interface = "eth0", .ips = ips[i], .ips_count = 1, .ports = &ports[i]};
		config.instances_count = i + 1;
		instance_number_ports(&config, &(struct mistakes){});
	}
	assert_int_equal(peers_new(&peers, &config, &some_links), 0);
	return peers;
}

/* Of equal lists, one counts; nothing is made of none. */
static void test_lists(void **state)
{
	struct port_groups none = {}, groups;
	static struct peer_filter filter;
	struct peers *peers = three_peers(444);

	(void)state;
	assert_int_equal(instances[1].ports_list, instances[0].ports_list);
	assert_int_not_equal(instances[2].ports_list, instances[0].ports_list);
	assert_int_equal(port_groups_make(&groups, &none, peers), 0);
	assert_int_equal(groups.count, 2); /* of the /8 and the /16, and of the /24 in them */
	assert_int_equal(groups.entries, 2);
	port_groups_clear(&groups);
	peers_free(peers);
	for (size_t i = 0; i < 3; i++)
		instances[i].ports = NULL;
	assert_int_equal(peers_new(&peers, &config, &some_links), 0);
	assert_int_equal(port_groups_make(&groups, &none, peers), 0);
	assert_int_equal(groups.count, 0);
	assert_int_equal(groups.entries, 0);
	port_groups_filter(&filter, peers);
	assert_false(filter.few_ports);
	peers_free(peers);
	port_groups_clear(&groups);
}

/* Groups keep their numbers as long as their ports stay; others get new ones, and after the last
 * those that are free. */
static void test_numbers(void **state)
{
	struct port_groups none = {.last = (1u << PEER_GROUP_BITS) - 2}, first, same, other;
	struct peers *peers = three_peers(444);

	(void)state;
	assert_int_equal(port_groups_make(&first, &none, peers), 0);
	assert_int_equal(first.at[0].number, (1u << PEER_GROUP_BITS) - 1);
	assert_int_equal(first.at[1].number, 1);
	assert_false(first.at[0].kept);
	assert_int_equal(port_groups_make(&same, &first, peers), 0);
	assert_true(same.at[0].kept && same.at[1].kept);
	assert_int_equal(same.at[0].number, first.at[0].number);
	assert_int_equal(same.at[1].number, 1);
	peers_free(peers);
	peers = three_peers(445);
	same.last = 0;
	assert_int_equal(port_groups_make(&other, &same, peers), 0);
	assert_false(other.at[0].kept || other.at[1].kept);
	assert_int_equal(other.at[0].number, 2); /* 1 is still in use */
	assert_int_equal(other.at[1].number, 3);
	peers_free(peers);
	port_groups_clear(&first);
	port_groups_clear(&same);
	port_groups_clear(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_spans),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_numbers),
	};

	return cmocka_run_group_tests_name("peers_ports", tests, NULL, NULL);
}
