/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Cleans each tag by the rules of the server that it goes to. */
#include "tags.h"
#include "array.h"
#include "labels.h"
#include "utf8.h"

#include <ctype.h>
#include <string.h>

/* https://docs.datadoghq.com/getting_started/tagging/, "Define tags" */
#define DATADOG_CHARACTERS 200

#define TAG_BYTES          1024 /* of one configured tag: all together have 800 */

/* Invalid UTF-8 counts as a character a byte, and code 0. */
static size_t take(const char *text, __u32 *code)
{
	size_t length = utf8_take(text, code);

	if (length)
		return length;
	*code = 0;
	return 1;
}

static bool is_ascii_alnum(__u32 code)
{
	return code < 0x80 && isalnum((int)code);
}

static bool is_one_of(__u32 code, const char *set)
{
	return code && code < 0x80 && strchr(set, (int)code);
}

/* ---- Datadog ---- */

struct datadog_tag {
	struct line *line;
	size_t start; /* of the tag in the line */
	unsigned int characters;
};

static void datadog_character(struct datadog_tag *tag, const char *text, size_t length, __u32 code)
{
	struct line *line = tag->line;
	bool letter = code < 0x80 ? code && isalpha((int)code) : utf8_is_letter(code);
	char ascii = (char)tolower((int)code);

	if (tag->characters == DATADOG_CHARACTERS || (!tag->characters && !letter))
		return;
	if (letter && code >= 0x80) {
		line_bytes(line, text, length);
	} else {
		if (!letter && !is_ascii_alnum(code) && !is_one_of(code, "-:./"))
			ascii = '_';
		if (ascii == '_' && line->text[line->length - 1] == '_')
			return;
		line_bytes(line, &ascii, 1);
	}
	tag->characters++;
}

static void datadog_text(struct datadog_tag *tag, const char *text)
{
	__u32 code;

	for (size_t length; *text; text += length) {
		length = take(text, &code);
		datadog_character(tag, text, length, code);
	}
}

static struct datadog_tag datadog_begin(struct line *tags)
{
	if (tags->length)
		line_text(tags, ",");
	return (struct datadog_tag){.line = tags, .start = tags->length};
}

static void datadog_end(struct datadog_tag *tag)
{
	struct line *line = tag->line;
	size_t end = line->length;

	if (end > LINE_MAX_BYTES) /* it was cut: must stay too long */
		return;
	while (end > tag->start && strchr("_:", line->text[end - 1]))
		end--;
	if (end == tag->start && end) /* nothing is left: drops the comma, too */
		end--;
	line_cut(line, end);
}

static void datadog_add(struct line *tags, const char *key, const char *value)
{
	struct datadog_tag tag = datadog_begin(tags);

	datadog_text(&tag, key);
	if (value) {
		datadog_text(&tag, ":");
		datadog_text(&tag, value);
	}
	datadog_end(&tag);
}

/* ---- the others ---- */

static void add_clean(struct line *line, const char *text, const char *allowed, bool letters)
{
	__u32 code;

	for (size_t length; *text; text += length) {
		length = take(text, &code);
		if (is_ascii_alnum(code) || is_one_of(code, allowed) ||
		    (letters && code >= 0x80 && utf8_is_letter(code)))
			line_bytes(line, text, length);
		else
			line_text(line, "_");
	}
}

/*
 * Graphite takes more (https://graphite.readthedocs.io/en/latest/tags.html), but statsd in front of
 * it drops what is not in this set (sanitizeKeyName), and the colon ends a name in its protocol.
 * Telegraf looks for colon, comma, equals and the vertical bar, and knows no escapes.
 */
static void add_key(struct line *tags, enum dialect dialect, const char *key)
{
	line_text(tags, dialect == DIALECT_GRAPHITE ? ";" : ",");
	add_clean(tags, key, "_-.", dialect == DIALECT_INFLUX);
	line_text(tags, "=");
}

static void add_key_value(struct line *tags, enum dialect dialect, const char *key,
			  const char *value)
{
	bool influx = dialect == DIALECT_INFLUX;

	add_key(tags, dialect, key);
	add_clean(tags, value, influx ? "_-./" : "_-.", influx);
}

void tags_add(struct line *tags, enum dialect dialect, const char *key, const char *value)
{
	if (dialect == DIALECT_DOGSTATSD)
		datadog_add(tags, key, value);
	else if (dialect == DIALECT_OPENMETRICS)
		labels_add(tags, key, value);
	else if (dialect != DIALECT_STATSD)
		add_key_value(tags, dialect, key, value);
}

/* Does the key at the end of the list also stand earlier in it, or is it one of ours? */
static bool key_is_taken(const struct line *tags, size_t start, size_t last)
{
	static const char *const ours[] = {"src", "dst", "iface"};
	const char *key = tags->text + last;

	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		if (!strncmp(key + 1, ours[i], strlen(ours[i])) &&
		    !strcmp(key + 1 + strlen(ours[i]), "="))
			return true;
	return strstr(tags->text + start, key) < key;
}

static void add_once(struct line *tags, size_t start, enum dialect dialect, char *tag)
{
	char *value = strchr(tag, ':');
	size_t last = tags->length;

	if (value)
		*value++ = '\0';
	if (!*tag)
		return;
	value = value && *value ? value : "true";
	if (dialect == DIALECT_OPENMETRICS) {
		labels_add_configured(tags, start, tag, value);
		return;
	}
	add_key(tags, dialect, tag);
	if (key_is_taken(tags, start, last)) {
		line_cut(tags, last);
		return;
	}
	line_cut(tags, last);
	add_key_value(tags, dialect, tag, value);
}

static void add_one(struct line *tags, size_t start, enum dialect dialect, char *tag)
{
	if (dialect == DIALECT_DOGSTATSD)
		datadog_add(tags, tag, NULL);
	else if (dialect != DIALECT_STATSD)
		add_once(tags, start, dialect, tag);
}

void tags_add_configured(struct line *tags, size_t start, enum dialect dialect, const char *tag)
{
	char copy[TAG_BYTES], *rest = copy, *one;
	size_t length = strnlen(tag, sizeof(copy) - 1);

	memcpy(copy, tag, length);
	copy[length] = '\0';
	while ((one = strsep(&rest, ",")))
		add_one(tags, start, dialect, one);
}

void tags_add_name_part(struct line *name, const char *text)
{
	add_clean(name, text, "_-", false);
}
