/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Appends to a line, and marks it as too long when something did not fit. */
#include "line.h"
#include "record.h"
#include "units.h"

#include <stdio.h>
#include <string.h>

void line_clear(struct line *line)
{
	line_cut(line, 0);
}

void line_cut(struct line *line, size_t length)
{
	line->length = length;
	line->text[length] = '\0';
}

void line_bytes(struct line *line, const char *bytes, size_t length)
{
	size_t room = sizeof(line->text) - 1 - line->length;

	if (length > room)
		length = room;
	memcpy(line->text + line->length, bytes, length);
	line_cut(line, line->length + length);
}

void line_text(struct line *line, const char *text)
{
	line_bytes(line, text, strlen(text));
}

void line_ticks_ms(struct line *line, __u32 ticks)
{
	__u64 ns = (__u64)ticks * TICK_NS;
	char text[32];
	int length = snprintf(text, sizeof(text), "%llu.%06llu", ns / NS_PER_MS, ns % NS_PER_MS);

	while (text[length - 1] == '0')
		length--;
	if (text[length - 1] == '.')
		length--;
	line_bytes(line, text, (size_t)length);
}
