/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Replaces ${NAME} in values of the configuration by the environment's values. */
#include "yaml_environment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

#define ENVIRONMENT_MAX ((size_t)YAML_ENVIRONMENT_MAX_MIB << 20)

#define DIGITS          "0123456789"
#define NAME_LETTERS    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_" DIGITS
#define PLAIN           "$${ for a plain ${"

/* The state of a node. */
enum state { STATE_UNREAD, STATE_GOOD, STATE_WRONG };

/* A value that is being expanded. */
struct expansion {
	struct yaml_reader *reader;
	size_t length;
	char text[YAML_EXPANDED_MAX + 1];
};

/* One ${NAME} or ${NAME:-DEFAULT} in a value. */
struct variable {
	const char *start, *end; /* from the $ to after the } */
	char name[YAML_VARIABLE_NAME_MAX + 1];
	const char *standby; /* where the default begins, which ends before the }; NULL: none */
};

int yaml_environment_open(struct yaml_reader *reader)
{
	const yaml_document_t *document = &reader->document;
	size_t count = (size_t)(document->nodes.top - document->nodes.start);
	bool found = false;

	for (size_t i = 0; i < count && !found; i++) {
		const yaml_node_t *node = &document->nodes.start[i];

		found = node->type == YAML_SCALAR_NODE &&
			memmem(node->data.scalar.value, node->data.scalar.length, "${", 2);
	}
	if (!found)
		return 0;
	reader->expanded = calloc(count + 1, sizeof(*reader->expanded));
	return reader->expanded ? 0 : -ENOMEM;
}

void yaml_environment_close(struct yaml_reader *reader)
{
	free(reader->expanded);
}

/* What stands in the file from start to end, for a message. */
static char *quote_piece(const char *start, const char *end, char quoted[QUOTED_TEXT])
{
	size_t length = (size_t)(end - start);
	char piece[QUOTED_TEXT]; /* of which a long one is cut again, and shows it */

	length = length < sizeof(piece) ? length : sizeof(piece) - 1;
	memcpy(piece, start, length);
	piece[length] = '\0';
	return mistake_quote(piece, quoted);
}

static int put(struct expansion *to, const char *bytes, size_t length)
{
	if (length > YAML_EXPANDED_MAX - to->length) {
		mistake(to->reader->mistakes,
			"is too long with its variables; accepted: up to %d bytes",
			YAML_EXPANDED_MAX);
		return -EINVAL;
	}
	memcpy(to->text + to->length, bytes, length);
	to->length += length;
	return 0;
}

/* Copies what comes before the next ${ or the end, and moves *at there. */
static int put_plain(struct expansion *to, const char **at, const char *end)
{
	int err = 0;

	while (*at < end && !err) {
		const char *next = *at + 1;
		bool dollar = **at == '$' && next < end;

		if (dollar && *next == '{')
			break;
		err = put(to, *at, 1);
		*at = next + (dollar && *next == '$');
	}
	return err;
}

/* ---- reading ---- */

static int not_valid(struct expansion *to, const char *start, const char *end)
{
	char quoted[QUOTED_TEXT];

	mistake(to->reader->mistakes,
		"%s is not valid; accepted: ${NAME} or ${NAME:-DEFAULT}, NAME of up to %d letters, "
		"digits and _, no digit first; " PLAIN,
		quote_piece(start, end, quoted), YAML_VARIABLE_NAME_MAX);
	return -EINVAL;
}

/* Takes the variable that begins at start, of a text that ends at end. */
static int take_variable(struct expansion *to, const char *start, const char *end,
			 struct variable *variable)
{
	const char *name = start + strlen("${"), *brace = memchr(name, '}', (size_t)(end - name));
	size_t length = strspn(name, NAME_LETTERS); /* libyaml's texts end with a zero */
	char quoted[QUOTED_TEXT];

	if (!brace) {
		mistake(to->reader->mistakes,
			"%s lacks its }; accepted: ${NAME} or ${NAME:-DEFAULT}; " PLAIN,
			quote_piece(start, end, quoted));
		return -EINVAL;
	}
	*variable = (struct variable){.start = start, .end = brace + 1};
	if (!length || length > YAML_VARIABLE_NAME_MAX || strchr(DIGITS, *name))
		return not_valid(to, start, variable->end);
	memcpy(variable->name, name, length);
	if (name + length == brace)
		return 0;
	if (strncmp(name + length, ":-", 2))
		return not_valid(to, start, variable->end);
	variable->standby = name + length + strlen(":-");
	return 0;
}

/* ---- what a variable stands for ---- */

/* Is it one line of text, as it might stand in the file? Anything else is an accident, or worse.
 * Messages never show the value, which may be secret. */
static int check_value(struct expansion *to, const char *name, const char *value)
{
	__u32 code;
	size_t length;

	for (; *value; value += length) {
		length = utf8_take(value, &code);
		if (!length) {
			mistake(to->reader->mistakes,
				"${%s} is not UTF-8 in the environment; accepted: UTF-8", name);
			return -EINVAL;
		}
		if (code < 0x20 || (code >= 0x7f && code < 0xa0)) {
			mistake(to->reader->mistakes,
				"${%s} has a control character in the environment, such as a line "
				"break or a tab; accepted: one line of text",
				name);
			return -EINVAL;
		}
	}
	return 0;
}

static int put_value(struct expansion *to, const char *name, const char *value)
{
	size_t length = strlen(value);
	int err;

	if (length > YAML_EXPANDED_MAX)
		return put(to, value, length);
	to->reader->expanded_bytes += length;
	if (to->reader->expanded_bytes > ENVIRONMENT_MAX) {
		mistake(to->reader->mistakes,
			"with ${%s}, the variables' values are too long; accepted: up to %d MiB "
			"together",
			name, YAML_ENVIRONMENT_MAX_MIB);
		return -EINVAL;
	}
	err = check_value(to, name, value);
	return err ? err : put(to, value, length);
}

static int put_standby(struct expansion *to, const struct variable *variable)
{
	const char *at = variable->standby, *end = variable->end - strlen("}");
	char quoted[QUOTED_TEXT];
	int err = put_plain(to, &at, end);

	if (err || at == end)
		return err;
	mistake(to->reader->mistakes,
		"%s has a variable in a default; accepted: text without variables and }; " PLAIN,
		quote_piece(variable->start, variable->end, quoted));
	return -EINVAL;
}

static int put_variable(struct expansion *to, const struct variable *variable)
{
	const char *value = getenv(variable->name);
	size_t before = to->length;
	int err = variable->standby ? put_standby(to, variable) : 0;

	if (err || (variable->standby && (!value || !*value)))
		return err;
	to->length = before; /* a default that is not needed must be right all the same */
	if (value)
		return put_value(to, variable->name, value);
	mistake(to->reader->mistakes,
		"${%s} is not set in the environment; accepted: a variable that is, or "
		"${%s:-DEFAULT}; " PLAIN,
		variable->name, variable->name);
	return -EINVAL;
}

/* ---- a whole value ---- */

static int expand_text(struct expansion *to, const char *at, const char *end)
{
	struct variable variable;
	int err = put_plain(to, &at, end);

	while (!err && at < end) {
		err = take_variable(to, at, end, &variable);
		if (err)
			break;
		err = put_variable(to, &variable);
		at = variable.end;
		if (!err)
			err = put_plain(to, &at, end);
	}
	return err;
}

/* libyaml calls free() on its texts, and so on what replaces them. */
static int replace_text(yaml_node_t *node, const struct expansion *by)
{
	char *text = malloc(by->length + 1);

	if (!text)
		return -ENOMEM;
	memcpy(text, by->text, by->length);
	text[by->length] = '\0';
	free(node->data.scalar.value);
	node->data.scalar.value = (yaml_char_t *)text;
	node->data.scalar.length = by->length;
	return 0;
}

static int expand_scalar(struct yaml_reader *reader, yaml_node_t *node)
{
	const char *text = (const char *)node->data.scalar.value;
	struct expansion expansion; /* large: not all of it is cleared */
	int err;

	if (!memchr(text, '$', node->data.scalar.length))
		return 0;
	expansion.reader = reader;
	expansion.length = 0;
	err = expand_text(&expansion, text, text + node->data.scalar.length);
	return err ? err : replace_text(node, &expansion);
}

int yaml_environment_expand(struct yaml_reader *reader, yaml_node_t *node)
{
	unsigned char *state;
	int err;

	if (!reader->expanded || node->type != YAML_SCALAR_NODE)
		return 0;
	state = &reader->expanded[node - reader->document.nodes.start];
	if (*state != STATE_UNREAD)
		return *state == STATE_GOOD ? 0 : -EINVAL;
	err = expand_scalar(reader, node);
	*state = err ? STATE_WRONG : STATE_GOOD;
	return err;
}
