/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Keys of the two peer maps: hosts by exact address in a hash, networks by prefix in an LPM trie.
 * Both carry the interface, since instances name their peers per interface.
 */
#ifndef METRO_PEER_H
#define METRO_PEER_H

#include "address.h"

struct peer_host {
	__u32 ifindex;
	struct address addr;
};

#define PEERS_MAX (1 << 20) /* addresses, and as many networks */

#define PEER_IFINDEX_BITS 32 /* the interface is the first part of the matched prefix */

struct peer_network {
	__u32 prefixlen; /* PEER_IFINDEX_BITS + bits of the address that count */
	__u32 ifindex;
	struct address addr;
};

#endif
