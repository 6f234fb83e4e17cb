/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Copies the pairs that merge keys name into their mappings, as far as these do not have them. */
#include "yaml_merge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct merge {
	struct yaml_reader *reader;
	bool *done; /* by index, from 1 */
};

static int merge_mapping(struct merge *merge, int index);

static yaml_node_t *node_at(const struct merge *merge, int index)
{
	return yaml_document_get_node(&merge->reader->document, index);
}

static size_t pairs_of(const yaml_node_t *mapping)
{
	return (size_t)(mapping->data.mapping.pairs.top - mapping->data.mapping.pairs.start);
}

/* In quotes it would be a key of that name. */
static bool is_merge_key(const yaml_node_t *key)
{
	return key->type == YAML_SCALAR_NODE && key->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       strcmp((const char *)key->data.scalar.value, "<<") == 0;
}

static bool has_key(const struct merge *merge, const yaml_node_t *mapping, const yaml_node_t *key)
{
	const yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;

	if (key->type != YAML_SCALAR_NODE)
		return false;
	for (; pair < mapping->data.mapping.pairs.top; pair++) {
		const yaml_node_t *other = node_at(merge, pair->key);

		if (other->type == YAML_SCALAR_NODE &&
		    strcmp((const char *)other->data.scalar.value,
			   (const char *)key->data.scalar.value) == 0)
			return true;
	}
	return false;
}

static void too_many(const struct merge *merge, const yaml_node_t *mapping)
{
	yaml_at(merge->reader, mapping);
	mistake(merge->reader->mistakes, "too many keys, counting merged ones; accepted: up to %d",
		YAML_MERGED_MAX);
}

/* Adds those pairs of one mapping whose keys are not there yet. */
static int take_pairs(struct merge *merge, int index, int source)
{
	struct yaml_reader *reader = merge->reader;
	yaml_node_t *to = node_at(merge, index), *from = node_at(merge, source);
	int err = merge_mapping(merge, source);

	for (size_t i = 0; i < pairs_of(from) && !err; i++) {
		yaml_node_pair_t pair = from->data.mapping.pairs.start[i];

		if (has_key(merge, to, node_at(merge, pair.key)))
			continue;
		if (pairs_of(to) >= YAML_MERGED_MAX) {
			too_many(merge, to);
			return 0;
		}
		if (!yaml_document_append_mapping_pair(&reader->document, index, pair.key,
						       pair.value))
			err = -ENOMEM;
	}
	return err;
}

static int take_value(struct merge *merge, int index, int value)
{
	const yaml_node_t *node = node_at(merge, value);

	if (node->type == YAML_MAPPING_NODE)
		return take_pairs(merge, index, value);
	yaml_at(merge->reader, node);
	mistake(merge->reader->mistakes,
		"only mappings can be merged by <<; accepted: <<: *NAME, or <<: [*NAME, *NAME], "
		"with anchors &NAME at mappings");
	return 0;
}

static int take_all(struct merge *merge, int index, int value)
{
	const yaml_node_t *node = node_at(merge, value);
	int err = 0;

	if (node->type != YAML_SEQUENCE_NODE)
		return take_value(merge, index, value);
	for (yaml_node_item_t *item = node->data.sequence.items.start;
	     item < node->data.sequence.items.top && !err; item++)
		err = take_value(merge, index, *item);
	return err;
}

/* Leaves a mapping its own pairs, *kept of them, and returns those with merge keys. NULL: out of
 * memory. */
static yaml_node_pair_t *set_apart(const struct merge *merge, yaml_node_t *mapping, size_t *kept)
{
	yaml_node_pair_t *pairs = mapping->data.mapping.pairs.start;
	size_t count = pairs_of(mapping), merges = 0;
	yaml_node_pair_t *copy = calloc(count + 1, sizeof(*copy));

	*kept = 0;
	for (size_t i = 0; copy && i < count; i++) {
		if (is_merge_key(node_at(merge, pairs[i].key)))
			copy[merges++] = pairs[i];
		else
			pairs[(*kept)++] = pairs[i];
	}
	if (copy)
		mapping->data.mapping.pairs.top = pairs + *kept;
	return copy;
}

/* A mapping is noted as done at once: nothing in it leads back to it. */
static int merge_mapping(struct merge *merge, int index)
{
	yaml_node_t *mapping = node_at(merge, index);
	size_t count = pairs_of(mapping), kept;
	yaml_node_pair_t *merges;
	int err = 0;

	if (merge->done[index])
		return 0;
	merge->done[index] = true;
	merges = set_apart(merge, mapping, &kept);
	if (!merges)
		return -ENOMEM;
	if (count > kept && kept > YAML_MERGED_MAX) {
		too_many(merge, mapping);
		kept = count;
	}
	for (size_t i = 0; i < count - kept && !err; i++)
		err = take_all(merge, index, merges[i].value);
	free(merges);
	return err;
}

int yaml_merge(struct yaml_reader *reader)
{
	const yaml_document_t *document = &reader->document;
	int count = (int)(document->nodes.top - document->nodes.start), err = 0;
	struct merge merge = {.reader = reader, .done = calloc(count + 1, sizeof(bool))};

	if (!merge.done)
		return -ENOMEM;
	for (int i = 1; i <= count && !err; i++)
		if (node_at(&merge, i)->type == YAML_MAPPING_NODE)
			err = merge_mapping(&merge, i);
	free(merge.done);
	return err;
}
