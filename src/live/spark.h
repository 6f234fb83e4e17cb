/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Figures as text: a line of small bars, times in ms, counts. */
#ifndef METRO_LIVE_SPARK_H
#define METRO_LIVE_SPARK_H

#include <stdbool.h>
#include <stddef.h>

#define SPARK_TEXT(places) ((places)*3 + 1)

/*
 * The last values, a place each, or several where there are fewer places than values: then the
 * largest of them. From the smallest of all, the lowest bar, to the largest; all the same: the
 * lowest. NAN is a blank. to has room for SPARK_TEXT(places).
 */
void spark_write(char *to, size_t places, const float *values, size_t count, bool unicode);

/* A bar of length 0 to places, to eighths of one where there is Unicode. */
void bar_write(char *to, size_t places, double length, bool unicode);

#define FIGURE_TEXT 16

/* A time in ms, three digits at least and at most 7 characters; negative: "-". */
void figure_time(char to[FIGURE_TEXT], double ms);

/* A count or a rate, in at most 6 characters: 0.4, 12, 9999, 12k, 3.4M. */
void figure_count(char to[FIGURE_TEXT], double count);

#endif
