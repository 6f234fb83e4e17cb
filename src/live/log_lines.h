/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Takes the lines of the log that would go to standard error while there is a picture on the
 * terminal, and writes them there when that is over. */
#ifndef METRO_LIVE_LOG_LINES_H
#define METRO_LIVE_LOG_LINES_H

#include "log.h"

#define LOG_LINES_KEPT 1000 /* the latest */
#define LOG_LINE_TEXT  512

/* From now on, lines are taken; from end on, no longer, and those that were are on standard error.
 * Both may be called again. */
void log_lines_begin(void);
void log_lines_end(void);

/* Copies the latest line of at least this level, without the time, and says how many seconds ago
 * it came; "" and 0 if there is none. */
double log_lines_latest(enum log_level least, char text[LOG_LINE_TEXT], enum log_level *level);

#endif
