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

/* A key's words, from its fields: a key that was just put together is never read as wider pieces
 * than it was written in, which would wait until they are in the cache. Packets did, for a tenth of
 * their time. */
struct flow_words {
	__u64 local[2], peer[2];
	__u64 rest;
};

static __always_inline struct flow_words flow_words(const struct flow_key *key)
{
	struct flow_words w;

	memcpy(w.local, &key->local, sizeof(w.local));
	memcpy(w.peer, &key->peer, sizeof(w.peer));
	w.rest = (__u64)key->ifindex << 32 | (__u64)key->local_port << 16 | key->peer_port;
	return w;
}

static __always_inline bool flow_words_equal(const struct flow_words *a, const struct flow_words *b)
{
	return !((a->local[0] ^ b->local[0]) | (a->local[1] ^ b->local[1]) |
		 (a->peer[0] ^ b->peer[0]) | (a->peer[1] ^ b->peer[1]) | (a->rest ^ b->rest));
}

static __always_inline __u32 flow_index_hash(const struct flow_index *index,
					     const struct flow_key *key)
{
	const __u64 *secret = index->secret.words;
	struct flow_words w = flow_words(key);
	__u64 hash = key_hash_fold(w.local[0] ^ secret[0], w.local[1] ^ secret[1]) ^
		     key_hash_fold(w.peer[0] ^ secret[2], w.peer[1] ^ secret[3]) ^
		     key_hash_fold(w.rest ^ secret[4], secret[5]);

	return (__u32)(hash ^ hash >> 32);
}

/* Returns NULL if there is none. */
static __always_inline void *flow_index_find(const struct flow_index *index, __u32 hash,
					     const struct flow_key *key)
{
	struct flow_words words = flow_words(key), found;
	const struct flow_slot *slot;

	for (__u32 i = hash;; i++) {
		slot = &index->slots[i & index->mask];
		if (!slot->entry)
			return NULL;
		if (slot->hash != hash)
			continue;
		found = flow_words(slot->entry);
		if (likely(flow_words_equal(&found, &words)))
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
