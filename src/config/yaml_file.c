/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From a file to one YAML document: the part of the reader that can fail as a whole. */
#include "yaml_reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "log.h"
#include "privileges.h"
#include "yaml_bounds.h"
#include "yaml_environment.h"
#include "yaml_merge.h"

#define FILE_MAX_MIB 16 /* a million peers; more is some other file */
#define FILE_MAX     (FILE_MAX_MIB << 20)

/* Appends to the text until the file ends or the text is FILE_MAX bytes long. */
static int slurp(FILE *file, char **text, size_t *length)
{
	size_t room = 0, n;

	do {
		if (*length == room) {
			char *grown = realloc(*text, room ? 2 * room : 4096);

			if (!grown)
				return -ENOMEM;
			*text = grown;
			room = room ? 2 * room : 4096;
		}
		n = fread(*text + *length, 1, room - *length, file);
		*length += n;
	} while (n && *length <= FILE_MAX);
	if (ferror(file))
		return -errno;
	return *length > FILE_MAX ? -EFBIG : 0;
}

static int read_file(const char *path, char **text, size_t *length)
{
	FILE *file = fopen(path, "re");
	int err = file ? slurp(file, text, length) : -errno;

	if (file)
		fclose(file);
	if (err == -ENOENT)
		log_error("%s: no such file; write one (man bpf-metro.yaml has examples), or "
			  "name another with --config FILE",
			  path);
	else if (err == -EFBIG)
		log_error("%s: is larger than %d MiB, so it cannot be a configuration; name the "
			  "right file with --config FILE",
			  path, FILE_MAX_MIB);
	else if (err)
		log_error("%s: cannot read the configuration: %s%s", path, strerror(-err),
			  privileges_advice(err));
	return err;
}

static size_t line_of_offset(const char *text, size_t length, size_t offset)
{
	size_t line = 1;

	for (size_t i = 0; i < length && i < offset; i++)
		line += text[i] == '\n';
	return line;
}

/* What to do about the problems that people meet most, in libyaml's words. */
static const char *advice_for(const char *problem, const char *text, size_t length)
{
	static const struct {
		const char *problem, *advice;
	} all[] = {
		{"cannot start any token", "; indent with spaces, not tabs"},
		{"expected node content", "; put quotes around values such as \"::1\""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (strstr(problem, all[i].problem))
			return all[i].advice;
	if (strstr(problem, "expected ',' or") && memmem(text, length, "${", 2))
		return "; inside of [ ] and { }, put quotes around values with ${";
	return "";
}

static int report_parser(const yaml_parser_t *parser, struct mistakes *mistakes, const char *text,
			 size_t length)
{
	const char *problem = parser->problem ? parser->problem : "cannot be read";
	const char *advice = advice_for(problem, text, length);

	if (parser->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	mistakes->line = parser->problem_mark.line + 1;
	if (parser->error == YAML_READER_ERROR) /* has no mark */
		mistakes->line = line_of_offset(text, length, parser->problem_offset);
	if (parser->context)
		mistake(mistakes, "not valid YAML: %s, %s from line %zu%s", problem,
			parser->context, parser->context_mark.line + 1, advice);
	else
		mistake(mistakes, "not valid YAML: %s%s", problem, advice);
	return -EINVAL;
}

static bool is_empty(yaml_document_t *document)
{
	yaml_node_t *root = yaml_document_get_root_node(document);

	return !root || (root->type == YAML_SCALAR_NODE && root->data.scalar.length == 0);
}

/* With everything in comments, a file still says something. One without a byte is more likely one
 * that was being written when a disk was full. */
static bool has_comments(const char *text, size_t length)
{
	return memchr(text, '#', length) != NULL;
}

/* Makes a tree of the document's text, which is within bounds. */
static int load_document(struct yaml_reader *reader, yaml_parser_t *parser, const char *text,
			 size_t length)
{
	yaml_parser_set_input_string(parser, (const unsigned char *)text, length);
	if (!yaml_parser_load(parser, &reader->document))
		return report_parser(parser, reader->mistakes, text, length);
	if (!is_empty(&reader->document) || has_comments(text, length))
		return 0;
	reader->mistakes->line = 1;
	mistake(reader->mistakes, "the file is empty; accepted: init_config and instances, as in "
				  "man bpf-metro.yaml");
	yaml_document_delete(&reader->document);
	return -EINVAL;
}

/* Reads the text twice: what is not within bounds must not become a tree. */
static int read_document(struct yaml_reader *reader, const char *text, size_t length)
{
	yaml_parser_t parser;
	int err;

	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	err = yaml_bounds_check(&parser, reader->mistakes, text, length);
	if (err == -EBADMSG)
		err = report_parser(&parser, reader->mistakes, text, length);
	yaml_parser_delete(&parser);
	if (err)
		return err;
	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	err = load_document(reader, &parser, text, length);
	yaml_parser_delete(&parser);
	return err;
}

static void note_place(struct yaml_reader *reader, bool *seen, int index)
{
	reader->aliased[index] |= seen[index];
	seen[index] = true;
}

/* Notes the nodes that aliases repeat: they are in more than one list or mapping. */
static int note_aliases(struct yaml_reader *reader)
{
	const yaml_document_t *document = &reader->document;
	size_t count = (size_t)(document->nodes.top - document->nodes.start);
	bool *seen = calloc(count + 1, sizeof(*seen));

	reader->aliased = calloc(count + 1, sizeof(*reader->aliased));
	for (size_t i = 0; i < count && seen && reader->aliased; i++) {
		const yaml_node_t *node = &document->nodes.start[i];

		if (node->type == YAML_SEQUENCE_NODE)
			for (yaml_node_item_t *item = node->data.sequence.items.start;
			     item < node->data.sequence.items.top; item++)
				note_place(reader, seen, *item);
		if (node->type == YAML_MAPPING_NODE)
			for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
			     pair < node->data.mapping.pairs.top; pair++)
				note_place(reader, seen, pair->value);
	}
	free(seen);
	return seen && reader->aliased ? 0 : -ENOMEM;
}

/* From the text to what the rest of the reader walks over. */
static int prepare(struct yaml_reader *reader, const char *text, size_t length)
{
	int err = read_document(reader, text, length);

	if (err)
		return err;
	err = note_aliases(reader);
	if (!err)
		err = yaml_merge(reader);
	if (!err)
		err = yaml_environment_open(reader);
	if (err)
		yaml_reader_close(reader);
	return err;
}

int yaml_reader_open(struct yaml_reader *reader, struct mistakes *mistakes)
{
	size_t length = 0;
	char *text = NULL;
	int err;

	*reader = (struct yaml_reader){.mistakes = mistakes};
	mistakes->line = 1;
	err = read_file(mistakes->file, &text, &length);
	if (!err) {
		err = prepare(reader, text, length);
		if (err == -ENOMEM)
			log_error("%s: out of memory", mistakes->file);
	}
	free(text);
	return err;
}

void yaml_reader_close(struct yaml_reader *reader)
{
	yaml_document_delete(&reader->document);
	yaml_environment_close(reader);
	free(reader->aliased);
}
