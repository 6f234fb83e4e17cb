/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Adds up windows by the text of their tags; a series of one window costs no copy. */
#include "merged.h"
#include "text_hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int add_first(struct merged *merged, const struct line *text, const struct window *window)
{
	struct merged_series *series = calloc(1, sizeof(*series) + text->length + 1);

	if (!series)
		return -ENOMEM;
	memcpy(series->text, text->text, text->length + 1);
	series->window = window;
	HASH_ADD_KEYPTR(hh, merged->first, series->text, text->length, series);
	if (series->hh.tbl)
		return 0;
	free(series);
	return -ENOMEM;
}

static void free_sum(struct window *sum)
{
	if (sum)
		window_reset(sum);
	free(sum);
}

/* Copies the first window, which must stay as it is: it may be in other series, too. */
static int begin_sum(struct merged_series *series)
{
	struct window *sum = calloc(1, sizeof(*sum));

	if (!sum || window_merge(sum, series->window)) {
		free_sum(sum);
		return -ENOMEM;
	}
	series->sum = sum;
	return 0;
}

int merged_add(struct merged *merged, const struct line *text, const struct window *window)
{
	struct merged_series *series;

	HASH_FIND(hh, merged->first, text->text, text->length, series);
	if (!series)
		return add_first(merged, text, window);
	if (!series->sum && begin_sum(series))
		return -ENOMEM;
	return window_merge(series->sum, window);
}

unsigned int merged_count(const struct merged *merged)
{
	return HASH_COUNT(merged->first);
}

void merged_clear(struct merged *merged)
{
	struct merged_series *series, *next;

	HASH_ITER (hh, merged->first, series, next) {
		HASH_DEL(merged->first, series);
		free_sum(series->sum);
		free(series);
	}
}
