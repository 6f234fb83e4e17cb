/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * uthash over texts that others on the network can choose (addresses, reverse names): hashed with a
 * secret, so that nobody can put all of theirs into one bucket.
 */
#ifndef METRO_TEXT_HASH_H
#define METRO_TEXT_HASH_H

#include "hash.h"
#include "types.h"

__u32 text_hash(const char *text, size_t length);

#undef HASH_FUNCTION
#define HASH_FUNCTION(text, length, hash) ((hash) = text_hash((const char *)(text), (length)))

#endif
