/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads JSON that has a known shape, piece by piece, without copying it. What does not fit makes it
 * bad for good: whoever reads asks once, at the end. */
#ifndef METRO_JSON_READER_H
#define METRO_JSON_READER_H

#include <stdbool.h>
#include <stddef.h>

struct json_reader {
	const char *at; /* of a text that ends with a zero */
	bool bad;
};

/* Is the next character this one? Then it is taken. Blanks are passed over. */
bool json_reader_take(struct json_reader *reader, char character);

/* It has to be. */
void json_reader_expect(struct json_reader *reader, char character);

/* Begins an array or an object with an empty *first, or goes on: behind a comma. Returns false at
 * the end, which is taken, and when it is bad. close: ']' or '}'. */
bool json_reader_more(struct json_reader *reader, char close, bool *first);

/* A string, cut to what fits between two characters; null is "". Characters that are written as
 * \u.. and not ASCII become question marks. */
void json_reader_text(struct json_reader *reader, char *text, size_t size);

/* A number; null: the other one. */
double json_reader_number(struct json_reader *reader, double none);

/* Any value. */
void json_reader_skip(struct json_reader *reader);

#endif
