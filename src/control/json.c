/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* JSON (RFC 8259) into an open_memstream(3). */
#include "json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "json_escape.h"
#include "utf8.h"

int json_begin(struct json *json)
{
	*json = (struct json){0};
	json->out = open_memstream(&json->text, &json->length);
	return json->out ? 0 : -ENOMEM;
}

char *json_take(struct json *json, size_t *length)
{
	bool failed = ferror(json->out);

	failed |= fclose(json->out) != 0;
	json->out = NULL;
	*length = json->length;
	if (!failed)
		return json->text;
	free(json->text);
	return NULL;
}

/* In pieces that a small buffer holds: a text may have any length. */
static void put_string(struct json *json, const char *text)
{
	char piece[33], escaped[JSON_ESCAPED * sizeof(piece)];
	size_t length;

	putc('"', json->out);
	for (; *text; text += length) {
		length = strlen(text);
		if (length >= sizeof(piece)) {
			length = utf8_cut(text, sizeof(piece) - 1);
			length = length ? length : 1;
		}
		memcpy(piece, text, length);
		piece[length] = '\0';
		json_escape(escaped, piece);
		fputs(escaped, json->out);
	}
	putc('"', json->out);
}

static void put_key(struct json *json, const char *key)
{
	if (json->comma)
		putc(',', json->out);
	json->comma = true;
	if (!key)
		return;
	put_string(json, key);
	putc(':', json->out);
}

void json_open(struct json *json, const char *key, char open)
{
	put_key(json, key);
	putc(open, json->out);
	json->comma = false;
}

void json_close(struct json *json, char close)
{
	putc(close, json->out);
	json->comma = true;
}

void json_text(struct json *json, const char *key, const char *text)
{
	if (!text) {
		json_null(json, key);
		return;
	}
	put_key(json, key);
	put_string(json, text);
}

void json_bool(struct json *json, const char *key, bool value)
{
	put_key(json, key);
	fputs(value ? "true" : "false", json->out);
}

void json_null(struct json *json, const char *key)
{
	put_key(json, key);
	fputs("null", json->out);
}

void json_whole(struct json *json, const char *key, __u64 value)
{
	put_key(json, key);
	fprintf(json->out, "%llu", value);
}

void json_seconds(struct json *json, const char *key, __u64 ms)
{
	put_key(json, key);
	fprintf(json->out, "%llu.%03llu", ms / 1000, ms % 1000);
}

void json_number(struct json *json, const char *key, double value)
{
	put_key(json, key);
	if (value < 0)
		fputs("null", json->out);
	else
		fprintf(json->out, "%.6g", value);
}

void json_raw(struct json *json, const char *key, const char *value)
{
	put_key(json, key);
	fputs(value, json->out);
}
