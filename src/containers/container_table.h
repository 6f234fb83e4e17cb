/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which container is at the other end of which interface, as far as it is known. */
#ifndef METRO_CONTAINER_TABLE_H
#define METRO_CONTAINER_TABLE_H

#include "container.h"
#include "types.h"

#include <stddef.h>

struct container_entry {
	__u32 ifindex;
	struct container container;
};

/* Begins as zeros. */
struct container_table {
	struct container_entry *at; /* by ifindex */
	size_t count;
};

/* NULL: none is known. The pointer holds until the table next changes. */
const struct container *container_table_find(const struct container_table *table, __u32 ifindex);

/* An empty container, of which neither is known, takes the entry out. Returns 0 or -ENOMEM. */
int container_table_set(struct container_table *table, __u32 ifindex,
			const struct container *container);

void container_table_clear(struct container_table *table);

#endif
