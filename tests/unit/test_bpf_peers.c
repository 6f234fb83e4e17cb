/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Peers that change, in the kernel's own maps: what is in them after each change, how much was
 * written for it, and what remains if the kernel has no memory for one of the entries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "array.h"
#include "bpf_filter.h"
#include "bpf_peers.h"
#include "clock.h"
#include "instance_ports.h"
#include "peer_key.h"
#include "peering.h"
#include "some_links.h"

#define INSTANCES 4
#define IPS       100000

static struct bpf_programs programs;
static struct prefix ips[INSTANCES][IPS];
static struct ports ports[INSTANCES];
static struct instance instances[INSTANCES];
static struct config config;

/* ---- the calls that write ---- */

static size_t updates, deletions, refused; /* refused: which update from now on; 0: none */
static bool lasting;                       /* .. and all that follow */

/* In place of the library's. */
int bpf_map_update_elem(int fd, const void *key, const void *value, __u64 flags)
{
	union bpf_attr attr = {
		.map_fd = (__u32)fd,
		.key = (__u64)(uintptr_t)key,
		.value = (__u64)(uintptr_t)value,
		.flags = flags,
	};

	updates++;
	if (refused && !--refused) {
		refused += lasting;
		errno = ENOMEM;
		return -ENOMEM;
	}
	return (int)syscall(SYS_bpf, BPF_MAP_UPDATE_ELEM, &attr, sizeof(attr));
}

int bpf_map_delete_elem(int fd, const void *key)
{
	union bpf_attr attr = {.map_fd = (__u32)fd, .key = (__u64)(uintptr_t)key};

	deletions++;
	return (int)syscall(SYS_bpf, BPF_MAP_DELETE_ELEM, &attr, sizeof(attr));
}

/* ---- peers by chance ---- */

static const char *const prefixes[] = {"10.0.0.0/8",  "10.1.0.0/16", "10.1.2.0/24", "10.1.2.0/28",
				       "10.1.2.3",    "10.1.2.4",    "0.0.0.0/0",   "fd00::/8",
				       "fd00:1::/32", "fd00:1::2",   "10.1.2.4/31", "::/0"};
static const char *const addresses[] = {"10.1.2.3", "10.1.2.5", "10.1.2.77", "10.9.0.1",
					"11.0.0.1", "10.7.0.1", "fd00:1::2", "fe80::1"};
static const __u16 ports_of_flows[] = {22, 443, 8000, 9000};

static bool chance(int percent)
{
	return rand() % 100 < percent;
}

static void random_instance(size_t i, size_t many)
{
	static const struct port_range ranges[] = {{443, 443}, {8000, 9000}, {22, 22}};

	ports[i] = (struct ports){};
	for (int k = rand() % 2; k >= 0; k--)
		assert_int_equal(ports_add(&ports[i], &ranges[rand() % ARRAY_SIZE(ranges)]), 0);
	instances[i] = (struct instance){
		.interface = (char *)(chance(70) ? "eth0" : "eth*"),
		.ips = ips[i],
		.ips_count = many ? many : 1 + (size_t)rand() % 4,
		.ports = chance(50) ? &ports[i] : NULL,
	};
	for (size_t k = 0; k < instances[i].ips_count; k++)
		if (many) {
			ips[i][k].bits = 128;
			address_set_v4(&ips[i][k].addr, htonl(0x0a070000 + (__u32)k));
		} else {
			const char *text = prefixes[rand() % ARRAY_SIZE(prefixes)];

			assert_int_equal(prefix_parse(text, &ips[i][k]), 0);
		}
	config.instances_count = i + 1;
	instance_number_ports(&config, &(struct mistakes){});
}

/* Now and then so many that they need a larger map, and a larger filter. */
static struct peers *random_peers(void)
{
	static const struct links fewer = {.at = some_link, .count = 2, .whole = true};
	struct peers *peers;

	config = (struct config){.instances = instances};
	for (size_t i = 0; i < INSTANCES; i++)
		random_instance(i, i == 0 && chance(25) ? 1000 + (size_t)rand() % 5000 : 0);
	assert_int_equal(peers_new(&peers, &config, chance(70) ? &some_links : &fewer), 0);
	return peers;
}

/* ---- what the maps have ---- */

static bool port_in_group(__u32 group, __u16 port)
{
	struct peer_host key = peer_ports_key(group, port);
	__u32 word;

	return !bpf_map_lookup_elem(programs.hosts, &key, &word) && word >> port % PEER_PORTS & 1;
}

/* As bpf/flow_maps.h does it. */
static bool kernel_has(const struct flow_key *flow)
{
	const struct peer_filters *filters = &programs.skel->bss->peer_filters;
	int networks = bpf_map__fd(programs.skel->maps.peer_networks);
	struct peer_host interface = peer_interface_key(flow->ifindex);
	struct peer_host host = {.addr = flow->peer};
	struct peer_network network;
	__u32 group;

	if (!peer_filter_passes(peer_filter_used(filters), &flow->peer) ||
	    !peer_filter_passes_ports(peer_filter_used(filters), flow->local_port,
				      flow->peer_port) ||
	    bpf_map_lookup_elem(programs.hosts, &interface, &host.set))
		return false;
	network = peer_network_key(host.set, &flow->peer, 128);
	if (bpf_map_lookup_elem(programs.hosts, &host, &group) &&
	    bpf_map_lookup_elem(networks, &network, &group))
		return false;
	return !group || port_in_group(group, flow->peer_port) ||
	       port_in_group(group, flow->local_port);
}

static void check_flows(const struct peers *peers)
{
	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++)
		for (__u32 ifindex = 1; ifindex <= 3; ifindex++)
			for (size_t k = 0; k < ARRAY_SIZE(ports_of_flows); k++) {
				struct flow_key flow = {.ifindex = ifindex, .local_port = 40000};

				flow.peer = addr(addresses[i]);
				flow.peer_port = ports_of_flows[k];
				assert_int_equal(kernel_has(&flow), peers_match(peers, &flow));
			}
}

struct entry {
	__u8 key[sizeof(struct peer_network)];
	__u32 value;
};

/* Of both maps. */
struct contents {
	struct entry *at;
	size_t count;
};

static int compare_entries(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct entry));
}

static void read_map(struct contents *c, int map)
{
	struct entry next = {};
	bool first = true;

	while (!bpf_map_get_next_key(map, first ? NULL : next.key, next.key)) {
		assert_int_equal(bpf_map_lookup_elem(map, next.key, &next.value), 0);
		c->at = array_grow(c->at, c->count, sizeof(*c->at));
		assert_non_null(c->at);
		c->at[c->count++] = next;
		first = false;
	}
}

static void read_contents(struct contents *c)
{
	*c = (struct contents){};
	if (programs.hosts >= 0)
		read_map(c, programs.hosts);
	read_map(c, bpf_map__fd(programs.skel->maps.peer_networks));
	if (c->count)
		qsort(c->at, c->count, sizeof(*c->at), compare_entries);
}

static size_t count_entries(int map, size_t key_size)
{
	__u8 key[64], next[64];
	size_t count = 0;

	assert_true(key_size <= sizeof(key));
	while (!bpf_map_get_next_key(map, count ? key : NULL, next)) {
		memcpy(key, next, key_size);
		count++;
	}
	return count;
}

/* All that peers need, and nothing else; the filter, too. */
static void check_kernel(const struct peers *peers)
{
	const struct peer_filters *filters = &programs.skel->bss->peer_filters;
	int networks = bpf_map__fd(programs.skel->maps.peer_networks);
	static struct peer_filter filter;
	struct held_peers held;

	assert_int_equal(held_peers_list(&held, peers, &programs.groups), 0);
	assert_int_equal(count_entries(networks, sizeof(struct peer_network)),
			 held.count - held.hosts);
	assert_int_equal(count_entries(programs.hosts, sizeof(struct peer_host)),
			 held.hosts + peers_interfaces_count(peers) + programs.groups.entries);
	check_flows(peers);
	peer_filter_clear(&filter, held.count);
	for (size_t i = 0; i < held.count; i++)
		peer_filter_add(&filter, &held.at[i].prefix);
	port_groups_filter(&filter, peers);
	assert_memory_equal(peer_filter_used(filters), &filter, sizeof(filter));
	held_peers_clear(&held);
}

static void load(void)
{
	const struct backend_settings settings = {
		.marks = MARKS_MIN, .max_flows = 16, .batch_limit = 1, .batch_age = 1};
	char reason[BACKEND_REASON];
	int err = bpf_programs_load(&programs, &settings, false, reason);

	if (err == -EPERM || err == -EACCES || err == -ENOSYS) {
		bpf_programs_unload(&programs);
		print_message("# needs root, and BPF: %s\n", reason);
		skip();
	}
	assert_int_equal(err, 0);
}

/* ---- tests ---- */

static void test_changes(void **state)
{
	size_t grown = 0, shrunk = 0;

	(void)state;
	load();
	srand(41);
	for (int round = 0; round < 150; round++) {
		struct peers *peers = random_peers();
		size_t room = programs.hosts_room;

		assert_int_equal(bpf_peers_set(&programs, peers), 0);
		check_kernel(peers);
		grown += programs.hosts_room > room;
		shrunk += programs.hosts_room < room;
		updates = deletions = 0;
		assert_int_equal(bpf_peers_set(&programs, peers), 0);
		assert_int_equal(updates, peers_interfaces_count(peers));
		assert_int_equal(deletions, 0);
		peers_free(peers);
	}
	assert_true(grown > 2);
	assert_true(shrunk > 2);
	bpf_programs_unload(&programs);
}

/* Any one entry is refused: all is as before, and what comes then succeeds. */
static void test_refusals(void **state)
{
	size_t failed = 0;

	(void)state;
	load();
	log_set_level(LEVEL_CRITICAL);
	srand(42);
	for (int round = 0; round < 200; round++) {
		struct peers *peers = random_peers();
		struct contents before, after;

		read_contents(&before);
		refused = round ? 1 + (size_t)rand() % (chance(50) ? 8 : 3000) : 0;
		if (bpf_peers_set(&programs, peers)) {
			read_contents(&after);
			assert_int_equal(after.count, before.count);
			assert_memory_equal(after.at, before.at, after.count * sizeof(*after.at));
			free(after.at);
			failed++;
		} else {
			check_kernel(peers);
		}
		refused = 0;
		free(before.at);
		peers_free(peers);
	}
	assert_true(failed > 40);
	bpf_programs_unload(&programs);
}

/* Which of the flows of interface 1 are of peers. */
static __u64 matches_of(const struct peers *peers)
{
	__u64 matches = 0;

	for (size_t i = 0; i < ARRAY_SIZE(addresses) * ARRAY_SIZE(ports_of_flows); i++) {
		struct flow_key flow = {.ifindex = 1, .local_port = 40000};

		flow.peer = addr(addresses[i / ARRAY_SIZE(ports_of_flows)]);
		flow.peer_port = ports_of_flows[i % ARRAY_SIZE(ports_of_flows)];
		if (peers ? peers_match(peers, &flow) : kernel_has(&flow))
			matches |= 1ull << i;
	}
	return matches;
}

/* Memory stays short, so that not even what was there can be written again: still, a peer that
 * stays one is never missed, and the next change makes all as it is to be. */
static void test_lasting_refusals(void **state)
{
	struct peers *peers;
	size_t failed = 0;
	__u64 before;

	(void)state;
	load();
	log_set_level(LEVEL_CRITICAL);
	srand(43);
	lasting = true;
	for (int round = 0; round < 300; round++) {
		peers = random_peers();
		assert_int_equal(bpf_peers_set(&programs, peers), 0);
		check_kernel(peers);
		before = matches_of(peers);
		peers_free(peers);
		peers = random_peers();
		refused = 1 + (size_t)rand() % 16;
		if (bpf_peers_set(&programs, peers)) {
			assert_int_equal(before & matches_of(peers) & ~matches_of(NULL), 0);
			failed++;
		}
		refused = 0;
		assert_int_equal(bpf_peers_set(&programs, peers), 0);
		check_kernel(peers);
		peers_free(peers);
	}
	lasting = false;
	assert_true(failed > 100);
	bpf_programs_unload(&programs);
}

static void set_measured(void)
{
	struct peers *peers;
	__u64 begin;

	assert_int_equal(peers_new(&peers, &config, &some_links), 0);
	begin = monotonic_ns();
	assert_int_equal(bpf_peers_set(&programs, peers), 0);
	print_message("# %zu peers: %.1f ms\n", peers_count(peers),
		      (double)(monotonic_ns() - begin) / 1e6);
	assert_int_equal(programs.held.count, peers_count(peers));
	peers_free(peers);
}

/* One of 100,000 is another, by address and then by network. */
static void test_one_of_many(void **state)
{
	(void)state;
	load();
	for (unsigned int bits = 128; bits >= 124; bits -= 4) {
		config = (struct config){.instances = instances, .instances_count = 1};
		instances[0] = (struct instance){
			.interface = (char *)"eth0", .ips = ips[0], .ips_count = IPS};
		for (__u32 i = 0; i < IPS; i++) {
			ips[0][i].bits = (__u8)bits;
			address_set_v4(&ips[0][i].addr, htonl(0x0a000000 + 32 * i));
		}
		set_measured();
		for (__u32 round = 1; round <= 3; round++) {
			address_set_v4(&ips[0][7777].addr, htonl(0x0b000000 + 16 * round));
			updates = deletions = 0;
			set_measured();
			assert_int_equal(updates, 2); /* with the interface */
			assert_int_equal(deletions, 1);
		}
	}
	bpf_programs_unload(&programs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_lasting_refusals),
		cmocka_unit_test(test_one_of_many),
	};

	return cmocka_run_group_tests_name("bpf_peers", tests, NULL, NULL);
}
