/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A line, or a part of one, that is put together piece by piece and never overflows. */
#ifndef METRO_LINE_H
#define METRO_LINE_H

#include "types.h"

#define LINE_MAX_BYTES 8192 /* what the longest datagram holds: DogStatsD's Unix sockets */

/* What does not fit is left out, and the length is then LINE_MAX_BYTES + 1: too long for every
 * transport, so that nobody sends an incomplete line. */
struct line {
	size_t length;
	char text[LINE_MAX_BYTES + 2]; /* ends with 0 */
};

void line_clear(struct line *line);
void line_cut(struct line *line, size_t length); /* to its first bytes */
void line_bytes(struct line *line, const char *bytes, size_t length);
void line_text(struct line *line, const char *text);

/* A time in milliseconds, exactly, with as many of its six decimals as it needs. */
void line_ticks_ms(struct line *line, __u32 ticks);

#endif
