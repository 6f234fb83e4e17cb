/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Makes text from elsewhere safe to print: file names, interface names, the command line,
 * configurations, capture files, answers of name servers. Everything that goes to a log or to a
 * terminal passes through here.
 */
#ifndef METRO_PRINTABLE_H
#define METRO_PRINTABLE_H

#include <stddef.h>

/* Replaces each character that is not printable (utf8.h), each newline, and each byte that is not
 * UTF-8 by a question mark. Tabs stay. Returns text, which never gets longer. */
char *printable(char *text);

/* Copies as much of the text as fits, with a final zero, and makes it printable. Returns to. */
char *printable_copy(char *to, size_t size, const char *text);

#endif
