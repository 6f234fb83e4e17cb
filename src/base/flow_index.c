/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Growing and removing: the paths that packets do not take (those are in the header). */
#include "flow_index.h"

#include <errno.h>
#include <stdlib.h>

#define ENTRIES_MAX (1u << 30) /* twice as many slots still fit into 32 bits */

int flow_index_open(struct flow_index *index, size_t entries)
{
	size_t slots = 2;

	if (entries > ENTRIES_MAX)
		return -ENOMEM;
	while (slots < 2 * entries)
		slots *= 2;
	index->slots = calloc(slots, sizeof(*index->slots));
	if (!index->slots)
		return -ENOMEM;
	index->mask = (__u32)(slots - 1);
	index->count = 0;
	key_hash_draw(&index->secret);
	return 0;
}

void flow_index_close(struct flow_index *index)
{
	free(index->slots);
	*index = (struct flow_index){};
}

static void put(struct flow_index *index, struct flow_slot slot)
{
	__u32 i = slot.hash & index->mask;

	while (index->slots[i].entry)
		i = (i + 1) & index->mask;
	index->slots[i] = slot;
}

static int grow(struct flow_index *index)
{
	struct flow_index larger = *index;
	size_t slots = 2 * ((size_t)index->mask + 1);

	if (slots > 2 * (size_t)ENTRIES_MAX)
		return -ENOMEM;
	larger.slots = calloc(slots, sizeof(*larger.slots));
	if (!larger.slots)
		return -ENOMEM;
	larger.mask = (__u32)(slots - 1);
	for (size_t i = 0; i <= index->mask; i++)
		if (index->slots[i].entry)
			put(&larger, index->slots[i]);
	free(index->slots);
	*index = larger;
	return 0;
}

int flow_index_add(struct flow_index *index, __u32 hash, void *entry)
{
	int err = index->count > index->mask / 2 ? grow(index) : 0;

	if (err)
		return err;
	put(index, (struct flow_slot){entry, hash});
	index->count++;
	return 0;
}

static __u32 place_of(const struct flow_index *index, __u32 hash, const void *entry)
{
	__u32 i = hash & index->mask;

	while (index->slots[i].entry != entry)
		i = (i + 1) & index->mask;
	return i;
}

void flow_index_replace(struct flow_index *index, __u32 hash, const void *entry, void *other)
{
	index->slots[place_of(index, hash, entry)].entry = other;
}

/* Entries that follow without a gap may have been displaced by the one removed: they move up. */
void flow_index_remove(struct flow_index *index, __u32 hash, const void *entry)
{
	struct flow_slot *slots = index->slots;
	__u32 mask = index->mask, hole = place_of(index, hash, entry), i;

	for (i = (hole + 1) & mask; slots[i].entry; i = (i + 1) & mask) {
		/* No entry may move in front of its own place; this one's lies after the hole, up
		 * to i. */
		if (((i - slots[i].hash) & mask) < ((i - hole) & mask))
			continue;
		slots[hole] = slots[i];
		hole = i;
	}
	slots[hole].entry = NULL;
	index->count--;
}
