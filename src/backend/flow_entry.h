/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A flow in the table of user space, with its key, and the memory of those. Short connections come
 * and go by the thousand: entries that are given back are kept for the next, the last one first,
 * which is still in the cache. aligned_alloc and free were a twelfth of the time of reading a
 * capture.
 */
#ifndef METRO_FLOW_ENTRY_H
#define METRO_FLOW_ENTRY_H

#include "flow.h"

#define CACHE_LINE 64

struct entry {
	struct flow_key key;       /* first, for the index */
	__u32 epoch;               /* of the last data sent */
	__u32 mark_mask : 31;      /* its marks, less one: they may have grown */
	__u32 answered : 1;        /* something has come back */
	struct entry *prev, *next; /* in the order of the sweep */
	struct flow flow __attribute__((aligned(CACHE_LINE))); /* its marks follow */
};

/* Entries that are free, of as many marks as new flows have. Zeroed memory is empty. */
struct entry_pool {
	__u32 mark_mask; /* of new flows */
	unsigned int count;
	struct entry *first;
};

/* An entry with room for its marks, which are not set; or NULL. */
struct entry *entry_alloc(struct entry_pool *pool, const struct flow_key *key, __u32 mark_mask);
void entry_free(struct entry_pool *pool, struct entry *entry);

/* Frees those that are free. */
void entry_pool_clear(struct entry_pool *pool);

#endif
