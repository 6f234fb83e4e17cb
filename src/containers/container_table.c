/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A sorted array of the containers that are known. */
#include "container_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The first entry whose index is not less. */
static size_t place_of(const struct container_table *table, __u32 ifindex)
{
	size_t low = 0, high = table->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table->at[middle].ifindex < ifindex)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct container *container_table_find(const struct container_table *table, __u32 ifindex)
{
	size_t place = place_of(table, ifindex);

	if (place == table->count || table->at[place].ifindex != ifindex)
		return NULL;
	return &table->at[place].container;
}

static void remove_at(struct container_table *table, size_t place)
{
	struct container_entry *entry = &table->at[place];

	table->count--;
	memmove(entry, entry + 1, (table->count - place) * sizeof(*entry));
	if (!table->count)
		container_table_clear(table);
}

static int insert_at(struct container_table *table, size_t place)
{
	struct container_entry *at = reallocarray(table->at, table->count + 1, sizeof(*table->at));

	if (!at)
		return -ENOMEM;
	table->at = at;
	memmove(at + place + 1, at + place, (table->count - place) * sizeof(*at));
	table->count++;
	return 0;
}

int container_table_set(struct container_table *table, __u32 ifindex,
			const struct container *container)
{
	size_t place = place_of(table, ifindex);
	bool there = place < table->count && table->at[place].ifindex == ifindex;

	if (container_is_empty(container)) {
		if (there)
			remove_at(table, place);
		return 0;
	}
	if (!there && insert_at(table, place))
		return -ENOMEM;
	table->at[place] = (struct container_entry){ifindex, *container};
	return 0;
}

void container_table_clear(struct container_table *table)
{
	free(table->at);
	*table = (struct container_table){0};
}
