/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Every sample to the server, many in a line: DogStatsD's distributions with packed values
 * (protocol 1.1, Agent 7.25). */
#ifndef METRO_DISTRIBUTION_H
#define METRO_DISTRIBUTION_H

#include "dialect.h"

/*
 * Puts as many samples into one line as fit, and at least one, however long the line gets. Returns
 * how many; room_left says that these were all and that another one would have fit.
 */
__u32 distribution_line(struct line *line, const struct wire *wire, const char *series,
			const __u32 *ticks, __u32 count, size_t line_max, bool *room_left);

#endif
