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
	__u32 mask; /* slots, less one */
	__u32 count;
	struct key_hash_secret secret;
};

/* Room for so many entries; more make it grow. Returns 0 or -ENOMEM. */
int flow_index_open(struct flow_index *index, size_t entries);
void flow_index_close(struct flow_index *index); /* the entries stay their owner's */

/* Adds an entry whose key is not there. Returns 0, or -ENOMEM, and then it is not. */
int flow_index_add(struct flow_index *index, __u32 hash, void *entry);

/* Puts another entry of the same key into an entry's place. */
void flow_index_replace(struct flow_index *index, __u32 hash, const void *entry, void *other);

/* Removes an entry that is there. */
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

/* Lets the slots be fetched into the cache where the flow of this hash is looked for. */
static __always_inline void flow_index_expect(const struct flow_index *index, __u32 hash)
{
	__builtin_prefetch(&index->slots[hash & index->mask]);
}

/* The entry that is found there, in most cases; NULL if there is none. */
static __always_inline const void *flow_index_guess(const struct flow_index *index, __u32 hash)
{
	const struct flow_slot *slot = &index->slots[hash & index->mask];

	return slot->hash == hash ? slot->entry : NULL;
}

#endif
