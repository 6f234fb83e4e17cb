/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Puts a mistake into words, with its line and the nearest right spelling, up to a number for each
 * file. */
#include "mistakes.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "printable.h"
#include "utf8.h"

#define WORD_MAX 32 /* keys are shorter; longer words are no typos of them */

__attribute__((format(printf, 3, 0))) static void tell(const struct mistakes *mistakes,
						       enum log_level level, const char *format,
						       va_list args)
{
	const char *colon = mistakes->where[0] ? ": " : "";
	char message[1024];

	vsnprintf(message, sizeof(message), format, args);
	if (mistakes->file)
		log_message(level, "%s:%zu: %s%s%s", mistakes->file, mistakes->line,
			    mistakes->where, colon, message);
	else
		log_message(level, "%s%s%s", mistakes->where, colon, message);
}

void mistake(struct mistakes *mistakes, const char *format, ...)
{
	va_list args;

	if (mistakes->count++ >= MISTAKES_TOLD)
		return;
	va_start(args, format);
	tell(mistakes, LEVEL_ERROR, format, args);
	va_end(args);
}

void mistakes_warn(struct mistakes *mistakes, const char *format, ...)
{
	va_list args;

	if (mistakes->warnings++ >= MISTAKES_TOLD)
		return;
	va_start(args, format);
	tell(mistakes, LEVEL_WARNING, format, args);
	va_end(args);
}

void mistakes_end(const struct mistakes *mistakes)
{
	const char *file = mistakes->file ? mistakes->file : "arguments";

	if (mistakes->count > MISTAKES_TOLD)
		log_error("%s: %u more mistakes, not shown here", file,
			  mistakes->count - MISTAKES_TOLD);
	if (mistakes->warnings > MISTAKES_TOLD)
		log_warning("%s: %u more warnings, not shown here", file,
			    mistakes->warnings - MISTAKES_TOLD);
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
	size_t length = utf8_cut(text, QUOTED_TEXT - sizeof("\"...\""));

	snprintf(quoted, QUOTED_TEXT, "\"%.*s%s\"", (int)length, text, text[length] ? "..." : "");
	return printable(quoted);
}

static unsigned int min3(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Ignores case, and takes - for _: neither counts as a mistyped letter. */
static bool is_same(char a, char b)
{
	a = a == '-' ? '_' : (char)tolower((unsigned char)a);
	return a == b;
}

/* Levenshtein's distance, one row of the matrix at a time. */
unsigned int mistake_distance(const char *word, const char *known)
{
	size_t length = strlen(known);
	unsigned int row[WORD_MAX + 1];

	if (length > WORD_MAX || strlen(word) > WORD_MAX)
		return WORD_MAX;
	for (size_t j = 0; j <= length; j++)
		row[j] = (unsigned int)j;
	for (size_t i = 0; word[i]; i++) {
		unsigned int diagonal = row[0]++;

		for (size_t j = 0; j < length; j++) {
			unsigned int above = row[j + 1];

			row[j + 1] =
				min3(above + 1, row[j] + 1, diagonal + !is_same(word[i], known[j]));
			diagonal = above;
		}
	}
	return row[length];
}
