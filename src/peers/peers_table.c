/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A hash table of prefixes, and a list of the lengths that occur in it, the longest first. */
#include "peers_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int peers_table_init(struct peers_table *table, size_t room)
{
	*table = (struct peers_table){.entries = calloc(room + 1, sizeof(*table->entries))};
	return table->entries ? 0 : -ENOMEM;
}

void peers_table_clear(struct peers_table *table)
{
	HASH_CLEAR(hh, table->by_prefix);
	free(table->entries);
	*table = (struct peers_table){0};
}

static struct peers_entry *find(const struct peers_table *table, const struct peers_key *key)
{
	struct peers_entry *entry;

	HASH_FIND(hh, table->by_prefix, key, sizeof(*key), entry);
	return entry;
}

static bool is_v4(const struct prefix *prefix)
{
	return prefix->bits >= ADDRESS_V4_PREFIX && address_is_v4(&prefix->addr);
}

static void add_length(struct peers_table *table, const struct prefix *prefix)
{
	bool v4 = is_v4(prefix);
	__u8 *lengths = table->lengths[v4];
	size_t count = table->lengths_count[v4], i = 0;

	while (i < count && lengths[i] > prefix->bits)
		i++;
	if (i < count && lengths[i] == prefix->bits)
		return;
	memmove(&lengths[i + 1], &lengths[i], count - i);
	lengths[i] = prefix->bits;
	table->lengths_count[v4]++;
}

static struct peers_key key_of(const struct peer *peer)
{
	return (struct peers_key){peer->set, peer->prefix.bits, peer->prefix.addr};
}

bool peers_table_has(const struct peers_table *table, const struct peer *peer)
{
	struct peers_key key = key_of(peer);
	const struct peers_entry *first = find(table, &key);

	return first && first->last->peer.instance == peer->instance;
}

int peers_table_add(struct peers_table *table, const struct peer *peer, __u64 until_ns)
{
	struct peers_entry *entry = &table->entries[table->count];
	struct peers_entry *first;

	entry->key = key_of(peer);
	entry->peer = *peer;
	entry->until_ns = until_ns;
	entry->last = entry;
	first = find(table, &entry->key);
	if (first && first->last->peer.instance == peer->instance) { /* listed twice */
		if (!first->last->peer.name && !until_ns)
			first->last->peer.name = peer->name;
		return 0;
	}
	if (first) {
		first->last->next = entry;
		first->last = entry;
	} else {
		HASH_ADD(hh, table->by_prefix, key, sizeof(entry->key), entry);
		if (!entry->hh.tbl)
			return -ENOMEM;
		add_length(table, &peer->prefix);
	}
	table->count++;
	return 0;
}

static struct address masked(const struct address *addr, unsigned int bits)
{
	struct address result = {0};

	memcpy(result.bytes, addr->bytes, bits / 8);
	if (bits % 8)
		result.bytes[bits / 8] = addr->bytes[bits / 8] & (__u8)(0xff00 >> (bits % 8));
	return result;
}

/* Short IPv6 prefixes, ::/0 above all, cover the mapped IPv4 addresses, but do not mean them: the
 * families do not meet. */
struct peers_entry *peers_table_next(const struct peers_table *table, __u32 set,
				     const struct address *addr, size_t *at)
{
	bool v4 = address_is_v4(addr);

	while (*at < table->lengths_count[v4]) {
		__u8 bits = table->lengths[v4][(*at)++];
		struct peers_key key = {set, bits, masked(addr, bits)};
		struct peers_entry *entry = find(table, &key);

		if (entry)
			return entry;
	}
	return NULL;
}

struct peers_entry *peers_table_find(const struct peers_table *table, __u32 set,
				     const struct address *addr)
{
	struct peers_key key = {set, PREFIX_BITS, *addr};

	return find(table, &key);
}
