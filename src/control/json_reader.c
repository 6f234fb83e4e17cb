/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* JSON (RFC 8259), as far as one who knows what comes has to read it. */
#include "json_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

#define DEPTH_MAX 32 /* of what is passed over */

static char peek(struct json_reader *r)
{
	r->at += strspn(r->at, " \t\r\n");
	return *r->at;
}

bool json_reader_take(struct json_reader *r, char character)
{
	if (r->bad || peek(r) != character)
		return false;
	r->at++;
	return true;
}

void json_reader_expect(struct json_reader *r, char character)
{
	if (!json_reader_take(r, character))
		r->bad = true;
}

bool json_reader_more(struct json_reader *r, char close, bool *first)
{
	bool begins = *first;

	*first = false;
	if (json_reader_take(r, close))
		return false;
	if (!begins)
		json_reader_expect(r, ',');
	return !r->bad;
}

static bool take_null(struct json_reader *r)
{
	if (r->bad || peek(r) != 'n' || strncmp(r->at, "null", 4) != 0)
		return false;
	r->at += 4;
	return true;
}

/* \u and four digits. */
static char take_code(struct json_reader *r)
{
	unsigned int code;

	if (strspn(r->at, "0123456789abcdefABCDEF") < 4 || sscanf(r->at, "%4x", &code) != 1) {
		r->bad = true;
		return '?';
	}
	r->at += 4;
	return code && code < 128 ? (char)code : '?';
}

/* Behind a backslash. */
static char take_escape(struct json_reader *r)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *found = *r->at ? strchr(from, *r->at) : NULL;

	if (*r->at == 'u') {
		r->at++;
		return take_code(r);
	}
	if (!found) {
		r->bad = true;
		return '?';
	}
	r->at++;
	return to[found - from];
}

void json_reader_text(struct json_reader *r, char *text, size_t size)
{
	size_t length = 0;

	*text = '\0';
	if (take_null(r))
		return;
	json_reader_expect(r, '"');
	while (!r->bad && *r->at != '"') {
		char next;

		if (!*r->at) {
			r->bad = true;
			break;
		}
		next = *r->at++;
		if (next == '\\')
			next = take_escape(r);
		if (length + 1 < size)
			text[length++] = next;
	}
	text[length] = '\0';
	if (length + 1 == size) /* it may have been cut in the middle of a character */
		text[utf8_cut(text, length)] = '\0';
	if (!r->bad)
		r->at++;
}

double json_reader_number(struct json_reader *r, double none)
{
	char *end;
	double value;

	if (r->bad || take_null(r))
		return none;
	if (!strchr("-0123456789", peek(r)) || !*r->at) {
		r->bad = true;
		return none;
	}
	value = strtod(r->at, &end);
	r->at = end;
	return value;
}

static void skip(struct json_reader *r, unsigned int depth);

static void skip_members(struct json_reader *r, char close, unsigned int depth)
{
	bool first = true;
	char key[2];

	while (json_reader_more(r, close, &first)) {
		if (close == '}') {
			json_reader_text(r, key, sizeof(key));
			json_reader_expect(r, ':');
		}
		skip(r, depth + 1);
	}
}

static void skip(struct json_reader *r, unsigned int depth)
{
	char text[2];
	size_t length;

	if (depth == DEPTH_MAX) {
		r->bad = true;
	} else if (json_reader_take(r, '{')) {
		skip_members(r, '}', depth);
	} else if (json_reader_take(r, '[')) {
		skip_members(r, ']', depth);
	} else if (!r->bad && *r->at == '"') {
		json_reader_text(r, text, sizeof(text));
	} else if (!r->bad) { /* a number, true, false, null */
		length = strspn(r->at, "-+.0123456789abcdefghijklmnopqrstuvwxyzE");
		r->bad = !length;
		r->at += length;
	}
}

void json_reader_skip(struct json_reader *r)
{
	skip(r, 0);
}
