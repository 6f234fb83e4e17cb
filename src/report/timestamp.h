/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Times of samples as text, for the cost of a few digits: the calendar is computed once a second.
 */
#ifndef METRO_TIMESTAMP_H
#define METRO_TIMESTAMP_H

#include <time.h>

#include "types.h"

enum timestamp_format {
	TIMESTAMP_UTC,   /* 2026-11-23T10:00:00.123456789Z */
	TIMESTAMP_CLOCK, /* 10:00:00.123456, local time */
};

struct timestamp {
	enum timestamp_format format;
	bool known; /* the text has been made for this second */
	time_t second;
	char text[32];
};

void timestamp_init(struct timestamp *stamp, enum timestamp_format format);

/* The text for a time in ns since 1970, UTC. It stays until the next call. */
const char *timestamp_text(struct timestamp *stamp, __u64 wall_ns);

#endif
