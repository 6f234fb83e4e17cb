/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Of two filters, the programs ask one, and what peers make of it is worked out in the other. */
#include "bpf_filter.h"
#include "array.h"

#include <arpa/inet.h>
#include <string.h>

#define BITS_A_PREFIX 16 /* at most one in this many addresses that are no peers passes */

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

/* ---- changed while in use ---- */

static void make_spare(struct peer_filter *spare, const struct held_peers *held,
		       const struct peers *peers)
{
	peer_filter_clear(spare, held->count);
	for (size_t i = 0; i < held->count; i++)
		peer_filter_add(spare, &held->at[i].prefix);
	port_groups_filter(spare, peers);
}

/* Where the two have room for equally many, bits have the same places. */
static void admit_prefixes(struct peer_filter *used, const struct peer_filter *spare,
			   const struct held_peers *held)
{
	if (used->mask != spare->mask) {
		for (size_t i = 0; i < held->count; i++)
			peer_filter_add(used, &held->at[i].prefix);
		return;
	}
	used->levels |= spare->levels;
	for (size_t i = 0; i <= used->mask / 64; i++)
		used->words[i] |= spare->words[i];
}

static void admit_ports(struct peer_filter *used, const struct peer_filter *spare)
{
	if (!spare->few_ports)
		used->few_ports = 0;
	for (size_t i = 0; i < ARRAY_SIZE(used->ports); i++)
		used->ports[i] |= spare->ports[i];
}

void peer_filters_admit(struct peer_filters *filters, const struct held_peers *held,
			const struct peers *peers)
{
	struct peer_filter *used = &filters->filters[filters->used];
	struct peer_filter *spare = &filters->filters[!filters->used];

	make_spare(spare, held, peers);
	admit_prefixes(used, spare, held);
	admit_ports(used, spare);
}

static void copy_words(__u64 *to, const __u64 *from, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (to[i] != from[i]) /* the line stays where it is, for all CPUs */
			__atomic_store_n(&to[i], from[i], __ATOMIC_RELAXED);
}

/* A word has the bits of peers who stay before and after, so none of them is missed. */
bool peer_filters_settle(struct peer_filters *filters)
{
	struct peer_filter *used = &filters->filters[filters->used];
	const struct peer_filter *spare = &filters->filters[!filters->used];

	if (used->mask != spare->mask) {
		__atomic_store_n(&filters->used, !filters->used, __ATOMIC_RELEASE);
		return true;
	}
	copy_words(used->words, spare->words, used->mask / 64 + 1);
	copy_words(used->ports, spare->ports, ARRAY_SIZE(used->ports));
	__atomic_store_n(&used->levels, spare->levels, __ATOMIC_RELEASE);
	__atomic_store_n(&used->few_ports, spare->few_ports, __ATOMIC_RELEASE);
	return false;
}
