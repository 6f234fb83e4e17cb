/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Packs samples into a line of DogStatsD until it is full. */
#include "distribution.h"

#include <string.h>

#define VALUE_MAX 16 /* :274877.906880, the longest for 32 bits of ticks, and a little more */

static void add_value(struct line *line, __u32 ticks, bool first)
{
	if (!first)
		line_text(line, ":");
	line_ticks_ms(line, ticks);
}

/* Makes what follows the values first, to know its length. */
__u32 distribution_line(struct line *line, const struct wire *wire, const char *series,
			const __u32 *ticks, __u32 count, size_t line_max, bool *room_left)
{
	size_t tail, before;
	__u32 packed = 0;

	line_clear(line);
	dialect_end(line, wire, METRIC_DISTRIBUTION, series);
	tail = line->length;
	dialect_begin(line, wire, METRIC_DISTRIBUTION_NAME, series);
	for (; packed < count; packed++) {
		before = line->length;
		add_value(line, ticks[packed], !packed);
		if (packed && line->length + tail > line_max) {
			line_cut(line, before);
			break;
		}
	}
	*room_left = packed == count && line->length + tail + VALUE_MAX <= line_max;
	dialect_end(line, wire, METRIC_DISTRIBUTION, series);
	return packed;
}
