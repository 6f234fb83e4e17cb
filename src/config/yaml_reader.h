/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Typed values out of a YAML file. What a mapping may hold is said by a table of keys; whatever
 * does not fit the table is reported with its line, and reading goes on after it.
 */
#ifndef METRO_YAML_READER_H
#define METRO_YAML_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <yaml.h>

#include "mistakes.h"

struct yaml_reader {
	struct mistakes *mistakes;
	yaml_document_t document;
	bool *aliased;           /* by a node's index, from 1: is the node in two places or more? */
	unsigned char *expanded; /* yaml_environment.c; NULL: the document has no variables */
	size_t expanded_bytes;   /* that variables stood for so far */
};

struct yaml_key;

/* Stores a node's value at (or below) target. Returns 0, after reported mistakes too, or -ENOMEM.
 */
typedef int yaml_read_fn(struct yaml_reader *reader, const struct yaml_key *key, yaml_node_t *node,
			 void *target);

/* One key of a mapping, at most YAML_KEYS_MAX of them. */
struct yaml_key {
	const char *name;
	yaml_read_fn *read;
	size_t offset;   /* of the value's field in the target */
	double min, max; /* what a number may be */
};

#define YAML_KEYS_MAX  32
#define YAML_PAIRS_MAX 1024 /* that a mapping of ours may hold, known and unknown */

/* A key that other programs have in such a mapping and that means nothing to us. */
struct yaml_foreign_key {
	const char *name;
	const char *advice; /* the end of a sentence, beginning with "; ", or "" */
};

/* What a mapping may hold. */
struct yaml_keys {
	const struct yaml_key *keys;
	size_t count;
	const struct yaml_foreign_key *foreign; /* ends with a NULL name */
	bool anchors; /* unknown keys may be there to hold values that aliases repeat elsewhere */
};

/* Reads the file, which mistakes->file names. Returns 0 and a reader with one document, to be
 * closed; -EINVAL or another -errno, reported. A file without a byte, or of white space, is a
 * mistake. */
int yaml_reader_open(struct yaml_reader *reader, struct mistakes *mistakes);
void yaml_reader_close(struct yaml_reader *reader);

/* NULL: all of it is in comments. */
yaml_node_t *yaml_root(struct yaml_reader *reader);

/* The value of a key of a mapping; NULL when it is not there or null, which means the same. */
yaml_node_t *yaml_lookup(struct yaml_reader *reader, yaml_node_t *mapping, const char *name);

/* Is there a value, other than an empty list? */
bool yaml_has_items(struct yaml_reader *reader, yaml_node_t *mapping, const char *name);

/* Calls the read function of every key that is given, with the mistakes' place set to it and its
 * variables replaced (yaml_environment.h); what cannot be is reported, and not read. A repeated
 * key, and one that looks like a mistyped known one, is a mistake; any other unknown key is warned
 * of and ignored, as go-metro ignores it. Says nothing about one that only holds what aliases
 * repeat. More than YAML_PAIRS_MAX keys are one mistake, and none is read. */
int yaml_read_mapping(struct yaml_reader *reader, yaml_node_t *node, const struct yaml_keys *known,
		      void *target);

/* Calls read for every item of a list in the same way; key is passed through. */
int yaml_read_list(struct yaml_reader *reader, const struct yaml_key *key, yaml_node_t *node,
		   yaml_read_fn *read, void *target);

/* The text of a scalar; NULL, reported with what is accepted, when the node is something else. */
const char *yaml_text(struct yaml_reader *reader, yaml_node_t *node, const char *accepted);

/* From now on mistakes are at this node's line. */
void yaml_at(struct yaml_reader *reader, const yaml_node_t *node);

/* Into an unsigned int, a double, a bool. */
yaml_read_fn yaml_read_whole;
yaml_read_fn yaml_read_decimal;
yaml_read_fn yaml_read_bool;

#endif
