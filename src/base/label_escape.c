/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* https://prometheus.io/docs/instrumenting/exposition_formats/, "Comments, help text, and type
 * information": three characters need a backslash. */
#include "label_escape.h"

#include <string.h>

#include "utf8.h"

static const char *escape_of(char character)
{
	switch (character) {
	case '\\':
		return "\\\\";
	case '"':
		return "\\\"";
	case '\n':
		return "\\n";
	default:
		return NULL;
	}
}

const char *label_escape(const char **value, size_t *length)
{
	const char *text = *value, *escape = escape_of(*text);
	__u32 code;

	*length = utf8_take(text, &code);
	*value += *length ? *length : 1;
	if (!*length)
		escape = "_";
	if (!escape)
		return text;
	*length = strlen(escape);
	return escape;
}
