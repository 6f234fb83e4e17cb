/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Replaces what a terminal would obey, or would not show, by question marks. */
#include "printable.h"

#include <string.h>

#include "utf8.h"

char *printable(char *text)
{
	const char *from = text;
	char *to = text;
	__u32 code;

	for (size_t length; *from; from += length) {
		length = utf8_take(from, &code);
		if (length && (code == '\t' || utf8_is_printable(code))) {
			memmove(to, from, length);
			to += length;
			continue;
		}
		length = length ? length : 1;
		*to++ = '?';
	}
	*to = '\0';
	return text;
}

char *printable_copy(char *to, size_t size, const char *text)
{
	size_t length = utf8_cut(text, size - 1);

	memcpy(to, text, length);
	to[length] = '\0';
	return printable(to);
}
