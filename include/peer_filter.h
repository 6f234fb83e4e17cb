/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Most packets of a host may not concern any peer. A Bloom filter with one hash shows that for most
 * of them before any map is asked: 2 ns instead of 35.
 *
 * A prefix goes in at the next shorter of a few lengths, the levels, and an address is looked for
 * at those levels that are in use. A prefix shorter than all levels lets its whole family pass.
 */
#ifndef METRO_PEER_FILTER_H
#define METRO_PEER_FILTER_H

#include "address.h"

#define PEER_FILTER_BITS_MIN (1u << 12)
#define PEER_FILTER_BITS_MAX (1u << 20) /* 128 KB fit into a core's second-level cache */

enum peer_filter_level {
	FILTER_V4_32 =
		1, /* addresses: their map is to be asked; with the others, that of networks */
	FILTER_V4_28 = 2,
	FILTER_V4_24 = 4,
	FILTER_V4_16 = 8,
	FILTER_V4_ALL = 16,
	FILTER_V6_128 = 32, /* addresses */
	FILTER_V6_64 = 64,
	FILTER_V6_48 = 128,
	FILTER_V6_32 = 256,
	FILTER_V6_ALL = 512,
};

struct peer_filter {
	__u32 levels; /* enum peer_filter_level, those in use */
	__u32 mask;   /* the number of bits in use, a power of two, less one */
	__u64 words[PEER_FILTER_BITS_MAX / 64];
	__u32 few_ports; /* every peer is one for some ports only: those below, together */
	__u32 unused;
	__u64 ports[65536 / 64];
};

/* One is in use. A change of peers works the other one out, which no program reads then; adds its
 * bits to the one in use before the maps change, and takes away those that are no longer needed
 * when they have; or the other one is used from then on (src/backend/bpf_filter.c). So a peer that
 * stays one never finds its bit missing, nor one that is in the maps. */
struct peer_filters {
	__u32 used; /* 0 or 1 */
	__u32 unused;
	struct peer_filter filters[2];
};

static __always_inline const struct peer_filter *peer_filter_used(const struct peer_filters *f)
{
	return &f->filters[*(const volatile __u32 *)&f->used & 1];
}

/* Multiplicative hashing with the golden ratio's bits. Somebody who finds colliding addresses can
 * only make us ask a map. */
static __always_inline __u64 peer_filter_mix(__u64 value)
{
	value ^= value >>
		 32; /* the product's lower half does not depend on its factor's upper half */
	value *= 0x9e3779b97f4a7c15ull;
	return value ^ value >> 29; /* with 32, mixing that again would take the upper half out */
}

/* The place of an address's bit at a level. Of two levels, a network's first address has places
 * that have nothing to do with each other, or a /28 would let the /16 pass that begins with it. */
static __always_inline __u32 peer_filter_place(const struct address *a,
					       enum peer_filter_level level)
{
	__u64 upper = (__u64)a->words[0] << 32, lower = (__u64)a->words[2] << 32 | a->words[3];
	__u64 salt = level * 0xd1342543de82ef95ull;

	switch (level) {
	case FILTER_V4_32:
		return (__u32)peer_filter_mix(a->words[3] ^ salt);
	case FILTER_V4_28:
		return (__u32)peer_filter_mix((a->words[3] & be32_to_host(0xfffffff0)) ^ salt);
	case FILTER_V4_24:
		return (__u32)peer_filter_mix((a->words[3] & be32_to_host(0xffffff00)) ^ salt);
	case FILTER_V4_16:
		return (__u32)peer_filter_mix((a->words[3] & be32_to_host(0xffff0000)) ^ salt);
	case FILTER_V6_128:
		return (__u32)peer_filter_mix(peer_filter_mix(upper | a->words[1]) ^ lower ^ salt);
	case FILTER_V6_64:
		return (__u32)peer_filter_mix((upper | a->words[1]) ^ salt);
	case FILTER_V6_48:
		upper |= a->words[1] & be32_to_host(0xffff0000);
		return (__u32)peer_filter_mix(upper ^ salt);
	default:
		return (__u32)peer_filter_mix(upper ^ salt);
	}
}

static __always_inline bool peer_filter_level_has(const struct peer_filter *f,
						  const struct address *a,
						  enum peer_filter_level level)
{
	__u32 bit;

	if (!(f->levels & level))
		return false;
	bit = peer_filter_place(a, level) & f->mask & (PEER_FILTER_BITS_MAX - 1);
	return f->words[bit / 64] >> bit % 64 & 1;
}

static __always_inline bool peer_filter_has_port(const struct peer_filter *f, __u16 port)
{
	return f->ports[port / 64] >> port % 64 & 1;
}

/* False: a connection between these ports is nobody's. */
static __always_inline bool peer_filter_passes_ports(const struct peer_filter *f, __u16 a, __u16 b)
{
	return !f->few_ports || peer_filter_has_port(f, a) || peer_filter_has_port(f, b);
}

/* False: this is no peer. True: it may be one. */
static __always_inline bool peer_filter_passes(const struct peer_filter *f, const struct address *a)
{
	if (address_is_v4(a))
		return f->levels & FILTER_V4_ALL || peer_filter_level_has(f, a, FILTER_V4_32) ||
		       peer_filter_level_has(f, a, FILTER_V4_28) ||
		       peer_filter_level_has(f, a, FILTER_V4_24) ||
		       peer_filter_level_has(f, a, FILTER_V4_16);
	return f->levels & FILTER_V6_ALL || peer_filter_level_has(f, a, FILTER_V6_128) ||
	       peer_filter_level_has(f, a, FILTER_V6_64) ||
	       peer_filter_level_has(f, a, FILTER_V6_48) ||
	       peer_filter_level_has(f, a, FILTER_V6_32);
}

/* False: all peers are addresses. */
static __always_inline bool peer_filter_has_networks(const struct peer_filter *f)
{
	return f->levels & ~(FILTER_V4_32 | FILTER_V6_128);
}

#endif
