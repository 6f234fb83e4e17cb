/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Mistakes that people make in a configuration: where, what, and what would be right. */
#ifndef METRO_MISTAKES_H
#define METRO_MISTAKES_H

#include <stddef.h>

/* How many mistakes of one file are reported: it may have a million, and be loaded again and again.
 */
#define MISTAKES_TOLD 100

/* Where a reader is in the configuration, and how many mistakes it has found so far. */
struct mistakes {
	const char *file; /* NULL: the command line, which has no lines */
	size_t line;      /* from 1 */
	char where[128];  /* key by key, as in "instances[0].ips[2]" */
	unsigned int count;
	unsigned int warnings;
};

/* Reports "FILE:LINE: WHERE: MESSAGE" through log_error and counts it. */
void mistake(struct mistakes *mistakes, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The same for what is odd but no reason to refuse the file: a warning, not a mistake. */
void mistakes_warn(struct mistakes *mistakes, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Says how many were not reported. */
void mistakes_end(const struct mistakes *mistakes);

/* Goes one step deeper: appends to where. Returns what mistakes_leave needs to go back. */
size_t mistakes_enter(struct mistakes *mistakes, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void mistakes_leave(struct mistakes *mistakes, size_t depth);

#define QUOTED_TEXT 72

/* Writes text in quotes, cut if it is long and without control characters, and returns quoted. */
char *mistake_quote(const char *text, char quoted[QUOTED_TEXT]);

/* How many letters must change to turn a word into the known one, which is in small letters with _
 * between words. Stops counting at a small number. */
unsigned int mistake_distance(const char *word, const char *known);

#endif
