/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Keeps the text of the last second, and writes only the fraction anew. */
#include "timestamp.h"
#include "decimal.h"
#include "units.h"

#include <string.h>

/* The differences between the two formats. */
static const struct layout {
	const char *calendar; /* for strftime: all but the fraction's digits */
	unsigned int fraction_at;
	unsigned int digits;
	__u32 unit_ns;
	struct tm *(*split)(const time_t *second, struct tm *parts);
} layouts[] = {
	[TIMESTAMP_UTC] = {"%Y-%m-%dT%H:%M:%S.000000000Z", 20, 9, 1, gmtime_r},
	[TIMESTAMP_CLOCK] = {"%H:%M:%S.000000", 9, 6, NS_PER_US, localtime_r},
};

void timestamp_init(struct timestamp *stamp, enum timestamp_format format)
{
	memset(stamp, 0, sizeof(*stamp));
	stamp->format = format;
}

/* 64 bits of nanoseconds end in the year 2554, so the calendar always has an answer. */
static void write_calendar(struct timestamp *stamp, time_t second)
{
	const struct layout *layout = &layouts[stamp->format];
	struct tm parts = {0};

	layout->split(&second, &parts);
	strftime(stamp->text, sizeof(stamp->text), layout->calendar, &parts);
	stamp->second = second;
	stamp->known = true;
}

const char *timestamp_text(struct timestamp *stamp, __u64 wall_ns)
{
	const struct layout *layout = &layouts[stamp->format];
	time_t second = wall_ns / NS_PER_S;
	__u32 ns = wall_ns % NS_PER_S;

	if (!stamp->known || second != stamp->second)
		write_calendar(stamp, second);
	decimal_fixed(stamp->text + layout->fraction_at, layout->digits, ns / layout->unit_ns);
	return stamp->text;
}
