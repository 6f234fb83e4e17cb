/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writes a JSON value of any size into memory, piece by piece: commas and escapes are its concern.
 */
#ifndef METRO_JSON_H
#define METRO_JSON_H

#include <stdbool.h>
#include <stdio.h>

#include "types.h"

/* Zeroed memory is one that has not begun. */
struct json {
	FILE *out;
	char *text;
	size_t length;
	bool comma; /* before what comes next */
};

/* Returns 0 or -ENOMEM; after that, out of memory shows at the end. */
int json_begin(struct json *json);

/* The text, of *length bytes before a final zero, to be freed by the caller; NULL: out of memory.
 * Whatever is open must have been closed. */
char *json_take(struct json *json, size_t *length);

/* key: within an object; NULL: within an array, or outermost. open is '{' or '[', close '}' or ']'.
 */
void json_open(struct json *json, const char *key, char open);
void json_close(struct json *json, char close);

void json_text(struct json *json, const char *key, const char *text); /* NULL: null */
void json_bool(struct json *json, const char *key, bool value);
void json_null(struct json *json, const char *key);
void json_whole(struct json *json, const char *key, __u64 value);

/* A value that is written already. */
void json_raw(struct json *json, const char *key, const char *value);

/* With six digits that count; negative: null. */
void json_number(struct json *json, const char *key, double value);

/* A time in seconds, with three decimals. */
void json_seconds(struct json *json, const char *key, __u64 ms);

#endif
