/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Replaces the peers while the programs run: no packet of a peer is missed in between. */
#include "bpf_peers.h"
#include "descriptor.h"
#include "peer_key.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BITS_A_PREFIX 16 /* at most one in this many addresses that are no peers passes */

/* ---- the filter ---- */

void peer_filter_clear(struct peer_filter *f, size_t prefixes)
{
	__u32 bits = PEER_FILTER_BITS_MIN;

	while (bits < PEER_FILTER_BITS_MAX && bits / BITS_A_PREFIX < prefixes)
		bits *= 2;
	f->levels = 0;
	f->mask = bits - 1;
	memset(f->words, 0, sizeof(f->words));
}

static void filter_set(struct peer_filter *f, const struct address *addr,
		       enum peer_filter_level level)
{
	__u32 bit = peer_filter_place(addr, level) & f->mask;

	f->levels |= level;
	f->words[bit / 64] |= 1ull << bit % 64;
}

/* A network between /8 and /16 goes in as all of its /16. */
static void filter_set_blocks(struct peer_filter *f, const struct address *addr, unsigned int bits)
{
	__u32 first = ntohl(addr->words[3]) >> 16;
	struct address block = *addr;

	for (__u32 i = 0; i < 1u << (16 - bits); i++) {
		block.words[3] = htonl((first + i) << 16);
		filter_set(f, &block, FILTER_V4_16);
	}
}

static void filter_add_v4(struct peer_filter *f, const struct address *addr, unsigned int bits)
{
	if (bits == 32)
		filter_set(f, addr, FILTER_V4_32);
	else if (bits >= 28)
		filter_set(f, addr, FILTER_V4_28);
	else if (bits >= 24)
		filter_set(f, addr, FILTER_V4_24);
	else if (bits >= 8)
		filter_set_blocks(f, addr, bits < 16 ? bits : 16);
	else
		f->levels |= FILTER_V4_ALL;
}

static void filter_add_v6(struct peer_filter *f, const struct address *addr, unsigned int bits)
{
	if (bits == 128)
		filter_set(f, addr, FILTER_V6_128);
	else if (bits >= 64)
		filter_set(f, addr, FILTER_V6_64);
	else if (bits >= 48)
		filter_set(f, addr, FILTER_V6_48);
	else if (bits >= 32)
		filter_set(f, addr, FILTER_V6_32);
	else
		f->levels |= FILTER_V6_ALL;
}

void peer_filter_add(struct peer_filter *f, const struct prefix *prefix)
{
	if (address_is_v4(&prefix->addr) && prefix->bits >= ADDRESS_V4_PREFIX)
		filter_add_v4(f, &prefix->addr, prefix->bits - ADDRESS_V4_PREFIX);
	else
		filter_add_v6(f, &prefix->addr, prefix->bits);
}

/* The caller has made sure that no program reads the filter that went out of use last time. */
static void filter_follow(struct bpf_programs *p, const struct peers *peers)
{
	struct peer_filters *filters = &p->skel->bss->peer_filters;
	struct peer_filter *next = &filters->filters[!filters->used];

	peer_filter_clear(next, peers_count(peers));
	for (size_t i = 0; i < peers_count(peers); i++)
		peer_filter_add(next, &peers_at(peers, i)->prefix);
	port_groups_filter(next, peers);
	__atomic_store_n(&filters->used, !filters->used, __ATOMIC_RELEASE);
}

/* ---- networks ---- */

static int network_add(struct bpf_programs *p, const struct peers *peers, const struct peer *peer)
{
	struct peer_network network =
		peer_network_key(peer->set, &peer->prefix.addr, peer->prefix.bits);
	__u32 group = port_groups_of(&p->groups, peers, peer);
	__u32 value = group << PEER_VERSION_BITS | p->networks_version;

	if (bpf_map_update_elem(bpf_map__fd(p->skel->maps.peer_networks), &network, &value,
				BPF_ANY))
		return -errno;
	p->skel->bss->network_count++;
	return 0;
}

static int networks_add(struct bpf_programs *p, const struct peers *peers)
{
	int err = 0;

	p->networks_version++;
	for (size_t i = 0; i < peers_count(peers) && !err; i++)
		if (!prefix_is_host(&peers_at(peers, i)->prefix))
			err = network_add(p, peers, peers_at(peers, i));
	return err;
}

/* Deletes those that are not of the present version. */
static void networks_purge(const struct bpf_programs *p)
{
	int fd = bpf_map__fd(p->skel->maps.peer_networks), err = 0;
	struct peer_network keys[2];
	bool have = false;
	__u32 current = 0, value;

	/* The walk needs its last key to go on, so deletion stays one key behind. */
	while (!err) {
		err = bpf_map_get_next_key(fd, have ? &keys[0] : NULL, &keys[1]);
		if (have && !bpf_map_lookup_elem(fd, &keys[0], &value)) {
			if ((__u8)value == p->networks_version)
				current++;
			else
				bpf_map_delete_elem(fd, &keys[0]);
		}
		keys[0] = keys[1];
		have = true;
	}
	p->skel->bss->network_count = current;
}

/* ---- addresses, and interfaces ---- */

static int host_add(const struct bpf_programs *p, int map, const struct peers *peers,
		    const struct peer *peer)
{
	struct peer_host host = {.set = peer->set, .addr = peer->prefix.addr};
	__u32 value = port_groups_of(&p->groups, peers, peer);

	return bpf_map_update_elem(map, &host, &value, BPF_ANY) ? -errno : 0;
}

static int interfaces_fill(int map, const struct peers *peers)
{
	for (size_t i = 0; i < peers_interfaces_count(peers); i++) {
		struct peers_interface interface = peers_interface_at(peers, i);
		struct peer_host key = peer_interface_key(interface.number);

		if (bpf_map_update_elem(map, &key, &interface.set, BPF_ANY))
			return -errno;
	}
	return 0;
}

/* Makes a map with room for this many. Returns its descriptor or -errno. */
static int hosts_create(size_t count)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_NO_PREALLOC);
	__u32 room = PEER_HOSTS_MIN;
	int map;

	while (room < count && room < 2 * PEERS_MAX)
		room *= 2;
	map = bpf_map_create(BPF_MAP_TYPE_HASH, "peer_hosts", sizeof(struct peer_host),
			     sizeof(__u32), room, &opts);
	return map < 0 ? -errno : map;
}

static size_t hosts_count(const struct peers *peers)
{
	size_t count = 0;

	for (size_t i = 0; i < peers_count(peers); i++)
		count += prefix_is_host(&peers_at(peers, i)->prefix);
	return count;
}

static int hosts_fill(const struct bpf_programs *p, int map, const struct peers *peers)
{
	int err = hosts_count(peers) > PEERS_MAX ? -E2BIG : interfaces_fill(map, peers);

	if (!err)
		err = port_groups_fill(&p->groups, peers, map);
	for (size_t i = 0; i < peers_count(peers) && !err; i++)
		if (prefix_is_host(&peers_at(peers, i)->prefix))
			err = host_add(p, map, peers, peers_at(peers, i));
	return err;
}

/* The programs use this map from now on; it is p's. The kernel then waits until none runs that
 * began before (12 to 90 ms; Linux 5.0 and later, for any map of maps). */
static int hosts_use(struct bpf_programs *p, int map)
{
	__u32 zero = 0;

	if (bpf_map_update_elem(bpf_map__fd(p->skel->maps.peer_hosts), &zero, &map, BPF_ANY))
		return -errno;
	descriptor_close(&p->hosts);
	p->hosts = map;
	return 0;
}

/* Fills a new map with interfaces and the peers' addresses, and puts it in use. */
static int hosts_set(struct bpf_programs *p, const struct peers *peers)
{
	int map = hosts_create(hosts_count(peers) + peers_interfaces_count(peers) +
			       p->groups.entries),
	    err;

	if (map < 0)
		return map;
	err = hosts_fill(p, map, peers);
	if (!err)
		err = hosts_use(p, map);
	if (err)
		close(map);
	return err;
}

/* The kernel has just these interfaces now. */
static int interfaces_note(struct bpf_programs *p, const struct peers *peers)
{
	size_t count = peers_interfaces_count(peers);
	__u32 *numbers = calloc(count + 1, sizeof(*numbers));

	if (!numbers) {
		log_error("telling the kernel the interfaces: out of memory");
		return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++)
		numbers[i] = peers_interface_at(peers, i).number;
	free(p->interfaces);
	p->interfaces = numbers;
	p->interfaces_count = count;
	return 0;
}

/* Of those that it had, which no longer have peers. */
static void interfaces_drop(const struct bpf_programs *p, const struct peers *peers)
{
	for (size_t i = 0; i < p->interfaces_count; i++) {
		struct peer_host key = peer_interface_key(p->interfaces[i]);

		if (!peers_set_of(peers, p->interfaces[i]))
			bpf_map_delete_elem(p->hosts, &key);
	}
}

/* ---- all of them ---- */

/* In this order, a peer that moves from the addresses to a network, or the other way round, is not
 * missed in between; nor one in a network whose ports change, if the map in use has room for them.
 */
int bpf_peers_set(struct bpf_programs *p, const struct peers *peers)
{
	int err = port_groups_make(&p->groups, peers);

	if (!err && p->hosts >= 0)
		port_groups_fill(&p->groups, peers, p->hosts);
	if (!err)
		err = networks_add(p, peers);
	if (!err)
		err = hosts_set(p, peers);
	if (err) {
		log_error("cannot set the peers in the kernel: %s (at most %d addresses and as "
			  "many networks; before Linux 5.10, %d addresses)",
			  strerror(-err), PEERS_MAX, PEER_HOSTS_MIN);
		return err;
	}
	networks_purge(p);
	filter_follow(p, peers);
	return interfaces_note(p, peers);
}

int bpf_peers_set_interfaces(struct bpf_programs *p, const struct peers *peers)
{
	int err = interfaces_fill(p->hosts, peers);

	if (err) /* it is full: a larger one, or the reason why not */
		return bpf_peers_set(p, peers);
	interfaces_drop(p, peers);
	return interfaces_note(p, peers);
}
