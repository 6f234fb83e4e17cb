/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Goes through the events of the parser, and counts, before any document is built of them. */
#include "yaml_bounds.h"
#include "array.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct anchor {
	char *name;
	size_t nodes; /* that an alias to it stands for; 0: its value has not ended yet */
};

struct walk {
	struct mistakes *mistakes;
	size_t nodes;    /* of the file itself */
	size_t repeated; /* nodes that aliases repeat */
	unsigned int depth;
	struct {
		struct anchor *anchor; /* NULL: it has none */
		size_t before;         /* nodes and repeated ones before it */
	} open[YAML_DEPTH_MAX];
	unsigned int documents;
	size_t anchors_count;
	struct anchor anchors[YAML_ANCHORS_MAX];
};

static struct anchor *find_anchor(struct walk *walk, const char *name)
{
	for (size_t i = walk->anchors_count; i--;)
		if (strcmp(walk->anchors[i].name, name) == 0)
			return &walk->anchors[i];
	return NULL;
}

static int add_anchor(struct walk *walk, const yaml_char_t *name, struct anchor **anchor)
{
	char *copy;

	*anchor = NULL;
	if (!name)
		return 0;
	if (walk->anchors_count == YAML_ANCHORS_MAX) {
		mistake(walk->mistakes, "too many anchors (&NAME); accepted: up to %d",
			YAML_ANCHORS_MAX);
		return -EINVAL;
	}
	copy = strdup((const char *)name);
	if (!copy)
		return -ENOMEM;
	*anchor = &walk->anchors[walk->anchors_count++];
	**anchor = (struct anchor){.name = copy};
	return 0;
}

static int begin_node(struct walk *walk, const yaml_char_t *name, struct anchor **anchor)
{
	if (walk->nodes == YAML_NODES_MAX) {
		mistake(walk->mistakes,
			"too many values; accepted: up to %d; a network such as 10.0.0.0/8 stands "
			"for many addresses",
			YAML_NODES_MAX);
		return -EINVAL;
	}
	walk->nodes++;
	return add_anchor(walk, name, anchor);
}

static int scalar(struct walk *walk, const yaml_char_t *name)
{
	struct anchor *anchor = NULL;
	int err = begin_node(walk, name, &anchor);

	if (anchor)
		anchor->nodes = 1;
	return err;
}

static int enter(struct walk *walk, const yaml_char_t *name)
{
	size_t before = walk->nodes + walk->repeated;
	struct anchor *anchor = NULL;
	int err = begin_node(walk, name, &anchor);

	if (err)
		return err;
	if (walk->depth == YAML_DEPTH_MAX) {
		mistake(walk->mistakes,
			"lists or mappings nested too deep; accepted: up to %d levels",
			YAML_DEPTH_MAX);
		return -EINVAL;
	}
	walk->open[walk->depth].anchor = anchor;
	walk->open[walk->depth].before = before;
	walk->depth++;
	return 0;
}

static void leave(struct walk *walk)
{
	struct anchor *anchor = walk->open[--walk->depth].anchor;

	if (anchor)
		anchor->nodes = walk->nodes + walk->repeated - walk->open[walk->depth].before;
}

static int alias(struct walk *walk, const char *name)
{
	const struct anchor *anchor = find_anchor(walk, name);
	char quoted[QUOTED_TEXT];

	if (!anchor)
		return 0; /* for the loader to report */
	if (!anchor->nodes) {
		mistake(walk->mistakes, "the alias %s is inside the value that it stands for",
			mistake_quote(name, quoted));
		return -EINVAL;
	}
	walk->repeated += anchor->nodes;
	if (walk->repeated <= YAML_REPEATED_MAX)
		return 0;
	mistake(walk->mistakes,
		"with the alias %s, aliases repeat too many values; accepted: up to %d",
		mistake_quote(name, quoted), YAML_REPEATED_MAX);
	return -EINVAL;
}

static int begin_document(struct walk *walk)
{
	if (!walk->documents++)
		return 0;
	mistake(walk->mistakes, "a second document begins here; accepted: one document, so remove "
				"the line ---");
	return -EINVAL;
}

static int see(struct walk *walk, const yaml_event_t *event)
{
	walk->mistakes->line = event->start_mark.line + 1;
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		return begin_document(walk);
	case YAML_SCALAR_EVENT:
		return scalar(walk, event->data.scalar.anchor);
	case YAML_SEQUENCE_START_EVENT:
		return enter(walk, event->data.sequence_start.anchor);
	case YAML_MAPPING_START_EVENT:
		return enter(walk, event->data.mapping_start.anchor);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		leave(walk);
		return 0;
	case YAML_ALIAS_EVENT:
		return alias(walk, (const char *)event->data.alias.anchor);
	default:
		return 0;
	}
}

static int see_all(struct walk *walk, yaml_parser_t *parser)
{
	bool end = false;
	int err = 0;

	while (!end && !err) {
		yaml_event_t event;

		if (!yaml_parser_parse(parser, &event))
			return -EBADMSG;
		err = see(walk, &event);
		end = event.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
	}
	return err;
}

/* Does a line begin after this many bytes? Beyond ASCII: NEL, and Unicode's separators. */
static bool begins_line(const char *text, size_t at)
{
	static const char *const breaks[] = {"\n", "\r", "\xc2\x85", "\xe2\x80\xa8",
					     "\xe2\x80\xa9"};

	for (size_t i = 0; i < ARRAY_SIZE(breaks); i++) {
		size_t length = strlen(breaks[i]);

		if (at >= length && memcmp(text + at - length, breaks[i], length) == 0)
			return true;
	}
	return at == 0;
}

/* UTF-16 begins with a mark of its byte order. */
static bool is_wide(const char *text, size_t length)
{
	return length > 1 && (!memcmp(text, "\xff\xfe", 2) || !memcmp(text, "\xfe\xff", 2));
}

/* Lines that begin with %, all of which libyaml reads before its first event. */
static int check_directives(struct mistakes *mistakes, const char *text, size_t length)
{
	bool wide = is_wide(text, length);
	unsigned int directives = 0;
	size_t line = 1;

	for (size_t i = 0; i < length; i++) {
		line += text[i] == '\n';
		if (text[i] != '%' || !(wide || begins_line(text, i)) ||
		    ++directives <= YAML_DIRECTIVES_MAX)
			continue;
		mistakes->line = line;
		mistake(mistakes, "too many lines that begin with %%; accepted: up to %d",
			YAML_DIRECTIVES_MAX);
		return -EINVAL;
	}
	return 0;
}

int yaml_bounds_check(yaml_parser_t *parser, struct mistakes *mistakes, const char *text,
		      size_t length)
{
	struct walk walk = {.mistakes = mistakes};
	int err = check_directives(mistakes, text, length);

	if (err)
		return err;
	yaml_parser_set_input_string(parser, (const unsigned char *)text, length);
	err = see_all(&walk, parser);
	for (size_t i = 0; i < walk.anchors_count; i++)
		free(walk.anchors[i].name);
	return err;
}
