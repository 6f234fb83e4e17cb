/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Texts, each kept once, so that the same text is the same pointer. */
#ifndef METRO_WORDS_H
#define METRO_WORDS_H

#include "types.h"

struct word;

struct words {
	struct word *first; /* zeroed memory is empty */
};

/* The word with this text. It holds until a sweep finds it unused. NULL: out of memory. */
const char *words_intern(struct words *words, const char *text);

/* Marks a word as used; NULL is ignored. The sweep frees all that were not since the one before. */
void words_use(const char *word);
void words_sweep(struct words *words);

#endif
