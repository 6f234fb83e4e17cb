/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Holds a mapping against its table of keys, and converts the values. */
#include "yaml_reader.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "array.h"
#include "log.h"
#include "number.h"
#include "yaml_environment.h"

static bool is_null(const yaml_node_t *node)
{
	static const char *const words[] = {"", "~", "null", "Null", "NULL"};

	if (node->type != YAML_SCALAR_NODE || node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp((const char *)node->data.scalar.value, words[i]) == 0)
			return true;
	return false;
}

static bool is_word(const yaml_node_t *node, const char *word)
{
	return node->type == YAML_SCALAR_NODE &&
	       strcmp((const char *)node->data.scalar.value, word) == 0;
}

static const char *kind_of(const yaml_node_t *node)
{
	switch (node->type) {
	case YAML_SEQUENCE_NODE:
		return "a list";
	case YAML_MAPPING_NODE:
		return "a mapping (KEY: VALUE)";
	default:
		return "a single value";
	}
}

void yaml_at(struct yaml_reader *reader, const yaml_node_t *node)
{
	reader->mistakes->line = node->start_mark.line + 1;
}

yaml_node_t *yaml_root(struct yaml_reader *reader)
{
	yaml_node_t *root = yaml_document_get_root_node(&reader->document);
	bool empty = root && root->type == YAML_SCALAR_NODE && !root->data.scalar.length;

	return empty ? NULL : root;
}

yaml_node_t *yaml_lookup(struct yaml_reader *reader, yaml_node_t *mapping, const char *name)
{
	yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;

	for (; pair < mapping->data.mapping.pairs.top; pair++) {
		yaml_node_t *key = yaml_document_get_node(&reader->document, pair->key);
		yaml_node_t *value = yaml_document_get_node(&reader->document, pair->value);

		if (is_word(key, name))
			return is_null(value) ? NULL : value;
	}
	return NULL;
}

bool yaml_has_items(struct yaml_reader *reader, yaml_node_t *mapping, const char *name)
{
	yaml_node_t *node = yaml_lookup(reader, mapping, name);

	return node && !(node->type == YAML_SEQUENCE_NODE &&
			 node->data.sequence.items.start == node->data.sequence.items.top);
}

/* The known key that a mistyped one is closest to, or NULL. The distance is no less than the
 * difference of the lengths. */
static const char *nearest_key(const char *word, const struct yaml_key *keys, size_t count)
{
	size_t length = strlen(word), limit = length < 5 ? 1 : 2;
	unsigned int best = (unsigned int)limit + 1;
	const char *nearest = NULL;

	for (size_t i = 0; i < count; i++) {
		size_t other = strlen(keys[i].name);
		unsigned int distance = best;

		if (length <= other + limit && other <= length + limit)
			distance = mistake_distance(word, keys[i].name);
		if (distance < best) {
			best = distance;
			nearest = keys[i].name;
		}
	}
	return nearest;
}

/* Lists the keys that are accepted. */
static void list_keys(const struct yaml_keys *known, char *text, size_t size)
{
	size_t length = 0;

	*text = '\0';
	for (size_t i = 0; i < known->count && length < size; i++)
		length += (size_t)snprintf(text + length, size - length, "%s%s", i ? ", " : "",
					   known->keys[i].name);
}

/* Does an alias repeat the node, or anything in it? Stops at the first that is repeated, so that
 * nothing is looked at more than once. */
static bool is_repeated(const struct yaml_reader *reader, int index)
{
	yaml_document_t *document = (yaml_document_t *)&reader->document;
	const yaml_node_t *node = yaml_document_get_node(document, index);
	bool found = reader->aliased[index];

	if (node->type == YAML_SEQUENCE_NODE)
		for (yaml_node_item_t *item = node->data.sequence.items.start;
		     item < node->data.sequence.items.top && !found; item++)
			found = is_repeated(reader, *item);
	if (node->type == YAML_MAPPING_NODE)
		for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
		     pair < node->data.mapping.pairs.top && !found; pair++)
			found = is_repeated(reader, pair->value);
	return found;
}

static const struct yaml_foreign_key *find_foreign(const char *word,
						   const struct yaml_foreign_key *foreign)
{
	while (foreign->name && strcmp(word, foreign->name) != 0)
		foreign++;
	return foreign->name ? foreign : NULL;
}

/* Does the pair itself hold a value that aliases elsewhere repeat, rather than being such an alias?
 */
static bool holds_anchor(struct yaml_reader *reader, const yaml_node_pair_t *pair)
{
	const yaml_node_t *key = yaml_document_get_node(&reader->document, pair->key);
	const yaml_node_t *value = yaml_document_get_node(&reader->document, pair->value);

	return value->start_mark.index > key->start_mark.index && is_repeated(reader, pair->value);
}

static void report_unknown(struct yaml_reader *reader, const char *word,
			   const yaml_node_pair_t *pair, const struct yaml_keys *known)
{
	const struct yaml_foreign_key *foreign = find_foreign(word, known->foreign);
	const char *nearest = nearest_key(word, known->keys, known->count);
	char quoted[QUOTED_TEXT], all[512];

	list_keys(known, all, sizeof(all));
	mistake_quote(word, quoted);
	if (foreign)
		mistakes_warn(reader->mistakes, "%s is for the Datadog Agent and is ignored here%s",
			      word, foreign->advice);
	else if (nearest)
		mistake(reader->mistakes, "%s is not a known key (did you mean %s?); accepted: %s",
			quoted, nearest, all);
	else if (!known->anchors || !holds_anchor(reader, pair))
		mistakes_warn(reader->mistakes, "%s is not a known key and is ignored; known: %s",
			      quoted, all);
}

/* The table's row for a pair's key, or NULL, reported. */
static const struct yaml_key *find_key(struct yaml_reader *reader, const yaml_node_pair_t *pair,
				       const struct yaml_keys *known)
{
	const yaml_node_t *node = yaml_document_get_node(&reader->document, pair->key);

	yaml_at(reader, node);
	if (node->type != YAML_SCALAR_NODE) {
		mistake(reader->mistakes, "%s stands where a key should be; accepted: KEY: VALUE",
			kind_of(node));
		return NULL;
	}
	for (size_t i = 0; i < known->count; i++)
		if (is_word(node, known->keys[i].name))
			return &known->keys[i];
	report_unknown(reader, (const char *)node->data.scalar.value, pair, known);
	return NULL;
}

/* Goes to a node and replaces its variables. Can it be read then? If not, that is reported. */
static int go_to(struct yaml_reader *reader, yaml_node_t *node, bool *readable)
{
	int err;

	yaml_at(reader, node);
	err = yaml_environment_expand(reader, node);
	*readable = !err;
	return err == -EINVAL ? 0 : err;
}

static int read_value(struct yaml_reader *reader, const struct yaml_key *key, yaml_node_t *node,
		      void *target)
{
	bool readable;
	int err = go_to(reader, node, &readable);

	if (!readable || is_null(node)) /* a key without a value means the default */
		return err;
	return key->read(reader, key, node, target);
}

/* Is the node a mapping of a size that makes sense? If not, that is reported. */
static bool is_mapping(struct yaml_reader *reader, const yaml_node_t *node)
{
	if (node->type != YAML_MAPPING_NODE) {
		mistake(reader->mistakes, "is %s; accepted: lines of the form KEY: VALUE",
			kind_of(node));
		return false;
	}
	if (node->data.mapping.pairs.top - node->data.mapping.pairs.start > YAML_PAIRS_MAX) {
		yaml_at(reader, node);
		mistake(reader->mistakes, "has %td keys; accepted: up to %d",
			node->data.mapping.pairs.top - node->data.mapping.pairs.start,
			YAML_PAIRS_MAX);
		return false;
	}
	return true;
}

int yaml_read_mapping(struct yaml_reader *reader, yaml_node_t *node, const struct yaml_keys *known,
		      void *target)
{
	struct mistakes *mistakes = reader->mistakes;
	size_t first_line[YAML_KEYS_MAX] = {0};
	int err = 0;

	if (!is_mapping(reader, node))
		return 0;
	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top && !err; pair++) {
		yaml_node_t *key_node = yaml_document_get_node(&reader->document, pair->key);
		yaml_node_t *value = yaml_document_get_node(&reader->document, pair->value);
		const struct yaml_key *key;
		size_t depth, *first;

		key = find_key(reader, pair, known);
		if (!key)
			continue;
		first = &first_line[key - known->keys];
		depth = mistakes_enter(mistakes, "%s%s", mistakes->where[0] ? "." : "", key->name);
		if (*first)
			mistake(mistakes, "is given twice, first in line %zu; accepted: once",
				*first);
		else
			err = read_value(reader, key, value, target);
		*first = *first ? *first : key_node->start_mark.line + 1;
		mistakes_leave(mistakes, depth);
	}
	return err;
}

int yaml_read_list(struct yaml_reader *reader, const struct yaml_key *key, yaml_node_t *node,
		   yaml_read_fn *read, void *target)
{
	struct mistakes *mistakes = reader->mistakes;
	yaml_node_item_t *first = node->data.sequence.items.start;
	int err = 0;

	if (node->type != YAML_SEQUENCE_NODE) {
		mistake(mistakes, "is %s; accepted: a list, each item after \"- \"", kind_of(node));
		return 0;
	}
	for (yaml_node_item_t *item = first; item < node->data.sequence.items.top && !err; item++) {
		yaml_node_t *value = yaml_document_get_node(&reader->document, *item);
		size_t depth = mistakes_enter(mistakes, "[%td]", item - first);
		bool readable;

		err = go_to(reader, value, &readable);
		if (readable)
			err = read(reader, key, value, target);
		mistakes_leave(mistakes, depth);
	}
	return err;
}

const char *yaml_text(struct yaml_reader *reader, yaml_node_t *node, const char *accepted)
{
	const char *text = (const char *)node->data.scalar.value;

	if (node->type != YAML_SCALAR_NODE) {
		mistake(reader->mistakes, "is %s; accepted: %s", kind_of(node), accepted);
		return NULL;
	}
	if (strlen(text) != node->data.scalar.length) {
		mistake(reader->mistakes, "contains a zero byte; accepted: %s", accepted);
		return NULL;
	}
	return text;
}

static void report_number(struct yaml_reader *reader, const char *text, int err,
			  const char *accepted)
{
	char quoted[QUOTED_TEXT];

	if (err == -ERANGE)
		mistake(reader->mistakes, "%s is out of range; accepted: %s",
			mistake_quote(text, quoted), accepted);
	else if (err)
		mistake(reader->mistakes, "%s is not valid; accepted: %s",
			mistake_quote(text, quoted), accepted);
}

int yaml_read_whole(struct yaml_reader *reader, const struct yaml_key *key, yaml_node_t *node,
		    void *target)
{
	char accepted[64];
	const char *text;

	snprintf(accepted, sizeof(accepted), "a whole number from %.0f to %.0f", key->min,
		 key->max);
	text = yaml_text(reader, node, accepted);
	if (text) {
		int err = number_parse_whole(text, (unsigned int)key->min, (unsigned int)key->max,
					     (unsigned int *)((char *)target + key->offset));

		report_number(reader, text, err, accepted);
	}
	return 0;
}

int yaml_read_decimal(struct yaml_reader *reader, const struct yaml_key *key, yaml_node_t *node,
		      void *target)
{
	char accepted[64];
	const char *text;

	snprintf(accepted, sizeof(accepted), "a number from %g to %g", key->min, key->max);
	text = yaml_text(reader, node, accepted);
	if (text) {
		int err = number_parse_decimal(text, key->min, key->max,
					       (double *)((char *)target + key->offset));

		report_number(reader, text, err, accepted);
	}
	return 0;
}

int yaml_read_bool(struct yaml_reader *reader, const struct yaml_key *key, yaml_node_t *node,
		   void *target)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = {
		{"true", true}, {"false", false}, {"yes", true}, {"no", false},
		{"on", true},   {"off", false},   {"y", true},   {"n", false},
	};
	const char *text = yaml_text(reader, node, "true or false");
	char quoted[QUOTED_TEXT];

	if (!text)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcasecmp(text, words[i].word) == 0) {
			*(bool *)((char *)target + key->offset) = words[i].value;
			return 0;
		}
	}
	mistake(reader->mistakes, "%s is neither true nor false; accepted: true or false",
		mistake_quote(text, quoted));
	return 0;
}
