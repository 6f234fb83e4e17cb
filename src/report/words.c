/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#define HASH_NONFATAL_OOM 1 /* uthash would call exit() */

#include "words.h"
#include "text_hash.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct word {
	UT_hash_handle hh;
	bool used;
	char text[];
};

const char *words_intern(struct words *words, const char *text)
{
	size_t length = strlen(text);
	struct word *word;

	HASH_FIND(hh, words->first, text, length, word);
	if (word)
		return word->text;
	word = calloc(1, sizeof(*word) + length + 1);
	if (!word)
		return NULL;
	memcpy(word->text, text, length + 1);
	HASH_ADD_KEYPTR(hh, words->first, word->text, length, word);
	if (!word->hh.tbl) {
		free(word);
		return NULL;
	}
	return word->text;
}

void words_use(const char *text)
{
	if (text)
		((struct word *)(void *)(text - offsetof(struct word, text)))->used = true;
}

void words_sweep(struct words *words)
{
	struct word *word, *next;

	HASH_ITER (hh, words->first, word, next) {
		if (!word->used) {
			HASH_DEL(words->first, word);
			free(word);
			continue;
		}
		word->used = false;
	}
}
