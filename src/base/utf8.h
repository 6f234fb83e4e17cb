/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* UTF-8: one character at a time, what kind it is, and where a text can be cut. */
#ifndef METRO_UTF8_H
#define METRO_UTF8_H

#include "types.h"

/* The character that the text begins with. Returns its length in bytes, 1 to 4, and sets *code; or
 * 0 if there is none: the text is empty or does not begin with valid UTF-8 (RFC 3629). */
size_t utf8_take(const char *text, __u32 *code);

/* Is it a letter, beyond ASCII? Without Unicode's tables this is a guess on the generous side:
 * control characters, punctuation, symbols, spaces and private use are not. */
bool utf8_is_letter(__u32 code);

/* Is it printable? Not printable are control characters (also 0x80 to 0x9f, which terminals obey as
 * they obey escape sequences), what breaks lines or changes the direction of text, and what is
 * invisible. A space is printable, a tab is not. */
bool utf8_is_printable(__u32 code);

/* How many of the text's first bytes to keep, at most most, so that no character is cut in two. */
size_t utf8_cut(const char *text, size_t most);

#endif
