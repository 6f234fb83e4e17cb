/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "bpf_peers.h"
#include "peer.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BITS_A_PREFIX 16 /* one address in so many that is no peer passes, at most */

#define READERS_NS    10000000000ull /* no program runs for so long, even if its CPU is taken away */

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

/* A program that was held up may still read the filter that went out of use the last time. If that
 * was not long ago, this waits until none does: for an RCU grace period, 12 to 90 ms. */
static void await_readers(struct bpf_programs *p)
{
	__u64 now = monotonic_ns();

	if (now - p->filter_used_ns < READERS_NS)
		syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
}

static void filter_follow(struct bpf_programs *p, const struct peers *peers)
{
	struct peer_filters *filters = &p->skel->bss->peer_filters;
	struct peer_filter *next = &filters->filters[!filters->used];

	await_readers(p);
	peer_filter_clear(next, peers_count(peers));
	for (size_t i = 0; i < peers_count(peers); i++)
		peer_filter_add(next, &peers_at(peers, i)->prefix);
	__atomic_store_n(&filters->used, !filters->used, __ATOMIC_RELEASE);
	p->filter_used_ns = monotonic_ns();
}

/* ---- the maps ---- */

static int add_to_map(struct bpf_programs *p, const struct peer *peer)
{
	struct peer_host host = {.ifindex = peer->ifindex, .addr = peer->prefix.addr};
	struct peer_network network =
		peer_network_key(peer->ifindex, &peer->prefix.addr, peer->prefix.bits);
	bool one = prefix_is_host(&peer->prefix);
	struct bpf_map *map = one ? p->skel->maps.peer_hosts : p->skel->maps.peer_networks;

	if (bpf_map_update_elem(bpf_map__fd(map), one ? (void *)&host : (void *)&network,
				&p->peers_version, BPF_ANY))
		return -errno;
	if (!one)
		p->skel->bss->network_count++;
	return 0;
}

int bpf_peers_add(struct bpf_programs *p, const struct peer *peer)
{
	struct peer_filters *filters = &p->skel->bss->peer_filters;

	peer_filter_add(&filters->filters[filters->used], &peer->prefix);
	return add_to_map(p, peer);
}

/* Deletes the entries that are not of the present version. Returns how many are. */
static __u32 purge(const struct bpf_programs *p, struct bpf_map *map)
{
	size_t size = bpf_map__key_size(map);
	char keys[2][sizeof(struct peer_network)];
	int fd = bpf_map__fd(map), err;
	bool have = false;
	__u32 current = 0;
	__u8 version;

	/* The key to go on from must still be there, so deletion lags one behind. */
	for (;;) {
		err = bpf_map_get_next_key(fd, have ? keys[0] : NULL, keys[1]);
		if (have && !bpf_map_lookup_elem(fd, keys[0], &version)) {
			if (version == p->peers_version)
				current++;
			else
				bpf_map_delete_elem(fd, keys[0]);
		}
		if (err)
			return current;
		memcpy(keys[0], keys[1], size);
		have = true;
	}
}

int bpf_peers_set(struct bpf_programs *p, const struct peers *peers)
{
	int err;

	p->peers_version++;
	for (size_t i = 0; i < peers_count(peers); i++) {
		err = add_to_map(p, peers_at(peers, i));
		if (err) {
			log_error("telling the kernel the peers: %s (at most %d addresses and as "
				  "many networks)",
				  strerror(-err), PEERS_MAX);
			return err;
		}
	}
	purge(p, p->skel->maps.peer_hosts);
	p->skel->bss->network_count = purge(p, p->skel->maps.peer_networks);
	filter_follow(p, peers);
	return 0;
}
