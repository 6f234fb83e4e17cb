/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Text as the inside of a JSON string. */
#ifndef METRO_JSON_ESCAPE_H
#define METRO_JSON_ESCAPE_H

#define JSON_ESCAPED 6 /* bytes that each byte of a text may become */

/* Writes the text to a buffer of JSON_ESCAPED times its length and one byte, with a final zero,
 * which it returns. Bytes that are not UTF-8 become U+0080..00FF. Unprintable characters are
 * escaped: people look at JSON in terminals, too. */
char *json_escape(char *to, const char *text);

#endif
