/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Keys of the two peer maps: hosts by exact address in a hash, networks by prefix in an LPM trie.
 * Both carry the set of peers (src/peers/peers_sets.h), which interfaces share; the hash says of
 * each interface which it has.
 *
 * The value of a peer is the group of ports for which it is one, 0 for all ports. Which ports are
 * in a group, the hash says, too.
 */
#ifndef METRO_PEER_KEY_H
#define METRO_PEER_KEY_H

#include "address.h"

struct peer_host {
	__u32 set; /* from 1 */
	struct address addr;
};

/* Where the hash says which set an interface has: so both change at once, when another hash takes
 * the place of this one. */
static __always_inline struct peer_host peer_interface_key(__u32 ifindex)
{
	return (struct peer_host){.addr.words[3] = ifindex};
}

/* .. and the same for the ports of a group: 32 of them have an entry with a bit for each, unless
 * none is in the group. */
#define PEER_PORTS      32
#define PEER_GROUP_BITS 24 /* groups are 1 .. 2^24 - 1 */

static __always_inline struct peer_host peer_ports_key(__u32 group, __u32 port)
{
	return (struct peer_host){.addr.words = {group, 0, 0, port / PEER_PORTS}};
}

#define PEERS_MAX      (1 << 20) /* addresses, and as many networks */
#define PEER_HOSTS_MIN 4096      /* a map for this many addresses takes 64 KB when it is empty */

/* The set is the first part of the matched prefix, and with it the family: else ::/0, meant for
 * IPv6, would match IPv4-mapped addresses, too. */
#define PEER_SET_BITS  32
#define PEER_FAMILY_V4 (1u << 31) /* sets are counted from 1, and are few */

struct peer_network {
	__u32 prefixlen; /* PEER_SET_BITS + bits of the address that count */
	__u32 set;       /* or'ed with PEER_FAMILY_V4 */
	struct address addr;
};

/* A key for looking up one address, or with fewer bits for storing a network. */
static __always_inline struct peer_network peer_network_key(__u32 set, const struct address *addr,
							    __u32 bits)
{
	return (struct peer_network){
		.prefixlen = PEER_SET_BITS + bits,
		.set = set | (address_is_v4(addr) ? PEER_FAMILY_V4 : 0),
		.addr = *addr,
	};
}

#endif
