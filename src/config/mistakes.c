/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "mistakes.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "log.h"

#define WORD_MAX 32 /* keys are shorter; longer words are no typos of them */

void mistake(struct mistakes *mistakes, const char *format, ...)
{
	const char *colon = mistakes->where[0] ? ": " : "";
	char message[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	if (mistakes->file)
		log_error("%s:%zu: %s%s%s", mistakes->file, mistakes->line, mistakes->where, colon,
			  message);
	else
		log_error("%s%s%s", mistakes->where, colon, message);
	mistakes->count++;
}

size_t mistakes_enter(struct mistakes *mistakes, const char *format, ...)
{
	size_t depth = strlen(mistakes->where);
	va_list args;

	va_start(args, format);
	vsnprintf(mistakes->where + depth, sizeof(mistakes->where) - depth, format, args);
	va_end(args);
	return depth;
}

void mistakes_leave(struct mistakes *mistakes, size_t depth)
{
	mistakes->where[depth] = '\0';
}

char *mistake_quote(const char *text, char quoted[QUOTED_TEXT])
{
	const size_t room = QUOTED_TEXT - sizeof("\"...\"");
	size_t length = strnlen(text, room);

	snprintf(quoted, QUOTED_TEXT, "\"%.*s%s\"", (int)length, text, text[length] ? "..." : "");
	for (char *c = quoted; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	return quoted;
}

static unsigned int min3(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Levenshtein's distance, one row of the matrix at a time. */
unsigned int mistake_distance(const char *a, const char *b)
{
	size_t length = strlen(b);
	unsigned int row[WORD_MAX + 1];

	if (length > WORD_MAX || strlen(a) > WORD_MAX)
		return WORD_MAX;
	for (size_t j = 0; j <= length; j++)
		row[j] = (unsigned int)j;
	for (size_t i = 0; a[i]; i++) {
		unsigned int diagonal = row[0]++;

		for (size_t j = 0; j < length; j++) {
			unsigned int above = row[j + 1];

			row[j + 1] = min3(above + 1, row[j] + 1, diagonal + (a[i] != b[j]));
			diagonal = above;
		}
	}
	return row[length];
}
