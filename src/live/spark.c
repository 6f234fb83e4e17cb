/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Bars out of characters, and figures that fit into columns. */
#include "spark.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define LEVELS 8

static const char *const blocks[LEVELS] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
static const char *const plain[LEVELS] = {"_", ".", "-", ":", "=", "+", "*", "#"};
static const char *const eighths[LEVELS] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};

static void find_range(const float *values, size_t count, float *low, float *high)
{
	*low = INFINITY;
	*high = -INFINITY;
	for (size_t i = 0; i < count; i++) {
		if (isnan(values[i]))
			continue;
		*low = fminf(*low, values[i]);
		*high = fmaxf(*high, values[i]);
	}
}

static float largest(const float *values, size_t count)
{
	float found = NAN;

	for (size_t i = 0; i < count; i++)
		found = fmaxf(found, values[i]); /* which passes over NAN */
	return found;
}

static unsigned int level_of(float value, float low, float high)
{
	/* A tenth more or less is no mountain: the scale reaches half of the largest at least. */
	float span = fmaxf(high - low, high / 2);

	return span > 0 ? (unsigned int)fminf((value - low) / span * LEVELS, LEVELS - 1) : 0;
}

void spark_write(char *to, size_t places, const float *values, size_t count, bool unicode)
{
	size_t each = places ? (count + places - 1) / places : 1;
	size_t used = (count + each - 1) / each;
	float low, high;

	find_range(values, count, &low, &high);
	*to = '\0';
	for (size_t i = used > places ? used - places : 0; places && i < used; i++) {
		/* Whole groups at the new end, so that a bar does not change as it moves. */
		size_t end = count - (used - 1 - i) * each, from = end > each ? end - each : 0;
		float value = largest(values + from, end - from);
		unsigned int level = isnan(value) ? 0 : level_of(value, low, high);

		to = stpcpy(to, isnan(value) ? " " : unicode ? blocks[level] : plain[level]);
	}
}

void bar_write(char *to, size_t places, double length, bool unicode)
{
	unsigned int parts = (unsigned int)lround(fmin(fmax(length, 0), (double)places) * LEVELS);

	*to = '\0';
	for (unsigned int i = 0; i < parts / LEVELS; i++)
		to = stpcpy(to, unicode ? "█" : "#");
	if (parts % LEVELS && unicode)
		stpcpy(to, eighths[parts % LEVELS]);
	else if (parts && parts < LEVELS)
		stpcpy(to, ".");
}

void figure_time(char to[FIGURE_TEXT], double ms)
{
	int decimals = ms < 100 ? 3 : ms < 1000 ? 2 : ms < 10000 ? 1 : 0;

	if (ms < 0)
		strcpy(to, "-");
	else
		snprintf(to, FIGURE_TEXT, "%.*f", decimals, ms);
}

void figure_count(char to[FIGURE_TEXT], double count)
{
	if (count > 0 && count < 9.95)
		snprintf(to, FIGURE_TEXT, "%.*f", count != floor(count), count);
	else if (count < 99999.5)
		snprintf(to, FIGURE_TEXT, "%.0f", count);
	else if (count < 9999500)
		snprintf(to, FIGURE_TEXT, "%.0fk", count / 1e3);
	else
		snprintf(to, FIGURE_TEXT, "%.0fM", count / 1e6);
}
