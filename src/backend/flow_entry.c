/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Entries are cache lines of their own, taken from those that were given back, or from the heap. */
#include "flow_entry.h"

#include <stdlib.h>
#include <string.h>

#define KEPT 1024 /* free entries at most: 256 KB of the smallest */

static struct entry *from_heap(__u32 mark_mask)
{
	size_t size = sizeof(struct entry) + FLOW_SIZE(mark_mask + 1) - sizeof(struct flow);

	return aligned_alloc(CACHE_LINE, (size + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE);
}

static struct entry *from_pool(struct entry_pool *pool)
{
	struct entry *e = pool->first;

	pool->first = e->next;
	pool->count--;
	return e;
}

struct entry *entry_alloc(struct entry_pool *pool, const struct flow_key *key, __u32 mark_mask)
{
	bool kept = pool->first && mark_mask == pool->mark_mask;
	struct entry *e = kept ? from_pool(pool) : from_heap(mark_mask);

	if (!e)
		return NULL;
	memset(e, 0, sizeof(*e));
	e->key = *key;
	e->mark_mask = mark_mask;
	return e;
}

void entry_free(struct entry_pool *pool, struct entry *e)
{
	if (e->mark_mask != pool->mark_mask || pool->count == KEPT) {
		free(e);
		return;
	}
	e->next = pool->first;
	pool->first = e;
	pool->count++;
}

void entry_pool_clear(struct entry_pool *pool)
{
	while (pool->first)
		free(from_pool(pool));
}
