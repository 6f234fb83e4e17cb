/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which flow has this key? Open addressing with linear probing, at most half full, the hash beside
 * the pointer: a lookup reads one cache line here and no flow but the one it finds. (uthash lets up
 * to ten flows share a bucket and follows a list through them: with 300,000 flows that was half of
 * the time a packet took.)
 */
#ifndef METRO_FLOW_INDEX_H
#define METRO_FLOW_INDEX_H

#include "key_hash.h"
#include "record.h"

struct flow_slot {
	void *entry; /* NULL: free; begins with its struct flow_key */
	__u32 hash;
};

struct flow_index {
	struct flow_slot *slots;
	__u32 mask; /* number of slots - 1 */
	__u32 count;
	struct key_hash_secret secret;
};

/* Makes room for this many entries; it grows when more come. Returns 0 or -ENOMEM. */
int flow_index_open(struct flow_index *index, size_t entries);
void flow_index_close(struct flow_index *index); /* does not free the entries */

/* Adds an entry whose key is not in the index yet. Returns 0, or -ENOMEM and nothing was added. */
int flow_index_add(struct flow_index *index, __u32 hash, void *entry);

/* Replaces an entry by another one with the same key. */
void flow_index_replace(struct flow_index *index, __u32 hash, const void *entry, void *other);

/* Removes an entry, which must be in the index. */
void flow_index_remove(struct flow_index *index, __u32 hash, const void *entry);

static __always_inline __u32 flow_index_hash(const struct flow_index *index,
					     const struct flow_key *key)
{
	return key_hash(&index->secret, key, sizeof(*key));
}

/* Returns NULL if there is none. */
static __always_inline void *flow_index_find(const struct flow_index *index, __u32 hash,
					     const struct flow_key *key)
{
	const struct flow_slot *slot;

	for (__u32 i = hash;; i++) {
		slot = &index->slots[i & index->mask];
		if (!slot->entry || (slot->hash == hash && !memcmp(slot->entry, key, sizeof(*key))))
			return slot->entry;
	}
}

/* Prefetches the slots in which a flow with this hash is looked up. */
static __always_inline void flow_index_expect(const struct flow_index *index, __u32 hash)
{
	__builtin_prefetch(&index->slots[hash & index->mask]);
}

/* The entry that a lookup will most likely find, for prefetching; NULL: there is none. */
static __always_inline const void *flow_index_guess(const struct flow_index *index, __u32 hash)
{
	const struct flow_slot *slot = &index->slots[hash & index->mask];

	return slot->hash == hash ? slot->entry : NULL;
}

#endif
