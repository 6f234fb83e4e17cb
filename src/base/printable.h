/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Text of others, safe to print: file names, interface names, what stands on the command line, in a
 * configuration or in a capture file, what name servers say. Everything that goes to a log or to a
 * terminal passes through here.
 */
#ifndef METRO_PRINTABLE_H
#define METRO_PRINTABLE_H

#include <stddef.h>

/* Puts a question mark in the place of each character that does not show as itself (utf8.h), of a
 * newline, too, and of each byte that is no UTF-8. Tabs stay. Returns text, which gets shorter, if
 * anything. */
char *printable(char *text);

/* The same for as much of the text as there is room for, and a final zero. Returns to. */
char *printable_copy(char *to, size_t size, const char *text);

#endif
