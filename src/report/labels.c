/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* https://prometheus.io/docs/concepts/data_model/ has the rules for names. */
#include "labels.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "array.h"
#include "label_escape.h"
#include "utf8.h"

#define NAME_TEXT   256 /* longer ones are cut */
#define SUFFIX_TEXT 12  /* _4294967295 */

static void add_value(struct line *line, const char *value)
{
	const char *text;
	size_t length;

	while (*value) {
		text = label_escape(&value, &length);
		line_bytes(line, text, length);
	}
}

void labels_add(struct line *labels, const char *name, const char *value)
{
	line_text(labels, ",");
	line_text(labels, name);
	line_text(labels, "=\"");
	add_value(labels, value);
	line_text(labels, "\"");
}

/* A character of several bytes becomes one _. */
static void clean_name(char name[NAME_TEXT], const char *key)
{
	size_t n = 0, length;
	__u32 code;

	if (isdigit((unsigned char)*key))
		name[n++] = '_';
	for (; *key && n < NAME_TEXT - SUFFIX_TEXT - 1; key += length) {
		length = utf8_take(key, &code);
		length = length ? length : 1;
		name[n] = length == 1 && (isalnum((unsigned char)*key)) ? *key : '_';
		if (n != 1 || name[0] != '_' || name[1] != '_')
			n++;
	}
	name[n] = '\0';
}

static bool is_taken(const struct line *labels, size_t start, const char *name)
{
	static const char *const ours[] = {"src", "dst", "iface", "le", "quantile"};
	char text[NAME_TEXT + sizeof(",=\"")];

	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		if (!strcmp(name, ours[i]))
			return true;
	/* A quote within a value has a backslash before it, so this finds names alone. */
	snprintf(text, sizeof(text), ",%s=\"", name);
	return strstr(labels->text + start, text);
}

void labels_add_configured(struct line *labels, size_t start, const char *key, const char *value)
{
	char name[NAME_TEXT];
	size_t length;

	clean_name(name, key);
	length = strlen(name);
	for (unsigned int n = 2; is_taken(labels, start, name); n++)
		snprintf(name + length, SUFFIX_TEXT, "_%u", n);
	labels_add(labels, name, value);
}
