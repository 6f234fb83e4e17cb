/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Keys of the two peer maps: hosts by exact address in a hash, networks by prefix in an LPM trie.
 * Both carry the interface number, since instances name their peers per interface and way.
 */
#ifndef METRO_PEER_KEY_H
#define METRO_PEER_KEY_H

#include "address.h"

struct peer_host {
	__u32 ifindex;
	struct address addr;
};

#define PEERS_MAX      (1 << 20) /* addresses, and as many networks */
#define PEER_HOSTS_MIN 4096      /* a map for this many addresses takes 64 KB when it is empty */

/* The interface is the first part of the matched prefix, together with the family: otherwise ::/0,
 * meant for IPv6, would match IPv4-mapped addresses, too. */
#define PEER_IFINDEX_BITS 32
#define PEER_FAMILY_V4    (1u << 31) /* no number of a live interface has it */

struct peer_network {
	__u32 prefixlen; /* PEER_IFINDEX_BITS + bits of the address that count */
	__u32 ifindex;   /* or'ed with PEER_FAMILY_V4 */
	struct address addr;
};

/* A key for looking up one address, or with fewer bits for storing a network. */
static __always_inline struct peer_network peer_network_key(__u32 ifindex,
							    const struct address *addr, __u32 bits)
{
	return (struct peer_network){
		.prefixlen = PEER_IFINDEX_BITS + bits,
		.ifindex = ifindex | (address_is_v4(addr) ? PEER_FAMILY_V4 : 0),
		.addr = *addr,
	};
}

#endif
