/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The prefixes of all instances, found by longest match: a hash table, asked once for every prefix
 * length that occurs. Configurations have a handful of lengths, and tens of thousands of prefixes.
 */
#ifndef METRO_PEERS_TABLE_H
#define METRO_PEERS_TABLE_H

#include "hash.h"
#include "peers.h"

struct peers_key {
	__u32 set;
	__u32 bits;
	struct address addr;
};

/* One prefix of one instance. The same prefix in other instances is chained to the first. */
struct peers_entry {
	struct peers_key key;
	struct peer peer;
	__u64 until_ns; /* CLOCK_MONOTONIC, of a former address; 0: current, or kept */
	bool has_flows; /* seen lately; only in the first */
	struct peers_entry *next;
	struct peers_entry *last; /* of those chained to it; only in the first */
	UT_hash_handle hh;
};

struct peers_table {
	struct peers_entry *entries; /* by set, and then by instance */
	size_t count;
	struct peers_entry *by_prefix;
	/* Lengths that occur, longest first: of IPv6 and of IPv4 prefixes. */
	__u8 lengths[2][PREFIX_BITS + 1];
	size_t lengths_count[2];
};

/* Makes an empty table with room for this many entries. Returns 0 or -ENOMEM. */
int peers_table_init(struct peers_table *table, size_t room);
void peers_table_clear(struct peers_table *table);

/* Adds a peer; those of one instance of a set must come one after the other, present addresses
 * first and former ones last. One that is there already for this instance gets the name, unless it
 * has one. Returns 0 or -ENOMEM. */
int peers_table_add(struct peers_table *table, const struct peer *peer, __u64 until_ns);

/* Has the instance whose peers are being added this one already? */
bool peers_table_has(const struct peers_table *table, const struct peer *peer);

/* The next shorter prefix of the set that contains the address: the first of its entries, or
 * NULL. *at is 0 at first, and then belongs to this. */
struct peers_entry *peers_table_next(const struct peers_table *table, __u32 set,
				     const struct address *addr, size_t *at);

/* The set's first entry for exactly this address, or NULL. */
struct peers_entry *peers_table_find(const struct peers_table *table, __u32 set,
				     const struct address *addr);

#endif
