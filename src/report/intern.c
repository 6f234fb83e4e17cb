/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A hash of texts with marks, swept of those that were not used for a while. */
#include "intern.h"
#include "text_hash.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct interned {
	UT_hash_handle hh;
	bool used;
	char text[];
};

const char *intern_text(struct intern_pool *pool, const char *text)
{
	size_t length = strlen(text);
	struct interned *entry;

	HASH_FIND(hh, pool->first, text, length, entry);
	if (entry)
		return entry->text;
	entry = calloc(1, sizeof(*entry) + length + 1);
	if (!entry)
		return NULL;
	memcpy(entry->text, text, length + 1);
	HASH_ADD_KEYPTR(hh, pool->first, entry->text, length, entry);
	if (!entry->hh.tbl) {
		free(entry);
		return NULL;
	}
	return entry->text;
}

void intern_use(const char *text)
{
	if (text)
		((struct interned *)(void *)(text - offsetof(struct interned, text)))->used = true;
}

void intern_sweep(struct intern_pool *pool)
{
	struct interned *entry, *next;

	HASH_ITER (hh, pool->first, entry, next) {
		if (!entry->used) {
			HASH_DEL(pool->first, entry);
			free(entry);
			continue;
		}
		entry->used = false;
	}
}
