/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From a file to one YAML document: the part of the reader that can fail as a whole. */
#include "yaml_reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

#define FILE_MAX (16 << 20) /* half a million peers; more is some other file */

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
		log_error("%s: no such file; write one (packaging/bpf-metro.yaml is a sample), or "
			  "name another with --config FILE",
			  path);
	else if (err)
		log_error("%s: cannot read the configuration: %s", path, strerror(-err));
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
static const char *advice_for(const char *problem)
{
	static const struct {
		const char *problem, *advice;
	} all[] = {
		{"cannot start any token", "; indent with spaces, not tabs"},
		{"expected node content", "; put quotes around values such as \"::1\""},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (strstr(problem, all[i].problem))
			return all[i].advice;
	return "";
}

static int report_parser(const yaml_parser_t *parser, struct mistakes *mistakes, const char *text,
			 size_t length)
{
	const char *problem = parser->problem ? parser->problem : "cannot be read";

	if (parser->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	mistakes->line = parser->problem_mark.line + 1;
	if (parser->error == YAML_READER_ERROR) /* has no mark */
		mistakes->line = line_of_offset(text, length, parser->problem_offset);
	if (parser->context)
		mistake(mistakes, "not valid YAML: %s, %s from line %zu%s", problem,
			parser->context, parser->context_mark.line + 1, advice_for(problem));
	else
		mistake(mistakes, "not valid YAML: %s%s", problem, advice_for(problem));
	return -EINVAL;
}

static bool is_empty(yaml_document_t *document)
{
	yaml_node_t *root = yaml_document_get_root_node(document);

	return !root || (root->type == YAML_SCALAR_NODE && root->data.scalar.length == 0);
}

/* Is there anything behind the first document? */
static int check_end(yaml_parser_t *parser, struct mistakes *mistakes, const char *text,
		     size_t length)
{
	yaml_document_t next;
	yaml_node_t *root;

	if (!yaml_parser_load(parser, &next))
		return report_parser(parser, mistakes, text, length);
	root = yaml_document_get_root_node(&next);
	if (root) {
		mistakes->line = next.start_mark.line + 1;
		mistake(mistakes, "a second document begins here; accepted: one document, so "
				  "remove the line ---");
	}
	yaml_document_delete(&next);
	return root ? -EINVAL : 0;
}

static int load_document(struct yaml_reader *reader, const char *text, size_t length)
{
	yaml_parser_t parser;
	int err = 0;

	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
	if (!yaml_parser_load(&parser, &reader->document)) {
		err = report_parser(&parser, reader->mistakes, text, length);
	} else {
		if (is_empty(&reader->document)) {
			mistake(reader->mistakes, "the file is empty; accepted: init_config and "
						  "instances, as in packaging/bpf-metro.yaml");
			err = -EINVAL;
		} else {
			err = check_end(&parser, reader->mistakes, text, length);
		}
		if (err)
			yaml_document_delete(&reader->document);
	}
	yaml_parser_delete(&parser);
	return err;
}

int yaml_reader_open(struct yaml_reader *reader, struct mistakes *mistakes)
{
	size_t length = 0;
	char *text = NULL;
	int err;

	reader->mistakes = mistakes;
	mistakes->line = 1;
	err = read_file(mistakes->file, &text, &length);
	if (!err) {
		err = load_document(reader, text, length);
		if (err == -ENOMEM)
			log_error("%s: out of memory", mistakes->file);
	}
	free(text);
	return err;
}

void yaml_reader_close(struct yaml_reader *reader)
{
	yaml_document_delete(&reader->document);
}
