/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A hash of texts with a secret that is drawn once in a process. */
#include "text_hash.h"
#include "key_hash.h"

#include <string.h>

/* 16 bytes at a time, as key_hash does it, but one after the other. */
__u32 text_hash(const char *text, size_t length)
{
	static struct key_hash_secret secret;
	static bool drawn;
	__u64 hash = length, words[2];

	if (!drawn)
		key_hash_draw(&secret);
	drawn = true;
	while (length) {
		size_t size = length < sizeof(words) ? length : sizeof(words);

		words[0] = words[1] = 0;
		memcpy(words, text, size);
		hash = key_hash_fold(words[0] ^ secret.words[0] ^ hash, words[1] ^ secret.words[1]);
		hash ^= secret.words[2]; /* so that a product of 0 does not stay 0 */
		text += size;
		length -= size;
	}
	return (__u32)(hash ^ hash >> 32);
}
