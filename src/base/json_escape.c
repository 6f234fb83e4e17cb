/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Escapes what JSON demands, and what a terminal should not get to see. */
#include "json_escape.h"

#include <stdio.h>
#include <string.h>

#include "utf8.h"

/* As \uXXXX, or two of them: UTF-16, as JSON has it (RFC 8259, 7). */
static char *put_escape(char *to, __u32 code)
{
	if (code < 0x10000)
		return to + sprintf(to, "\\u%04x", code);
	code -= 0x10000;
	return to + sprintf(to, "\\u%04x\\u%04x", 0xd800 | code >> 10, 0xdc00 | (code & 0x3ff));
}

char *json_escape(char *to, const char *text)
{
	__u32 code;

	for (size_t length; *text; text += length) {
		length = utf8_take(text, &code);
		if (!length || !utf8_is_printable(code)) {
			to = put_escape(to, length ? code : (unsigned char)*text);
			length = length ? length : 1;
			continue;
		}
		if (code == '"' || code == '\\')
			*to++ = '\\';
		memcpy(to, text, length);
		to += length;
	}
	*to = '\0';
	return to;
}
