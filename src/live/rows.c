/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sorts and filters rows. */
#include "rows.h"

#include <stdlib.h>
#include <string.h>

#include "window.h"

static void make_percentiles(struct live_row *row)
{
	const struct window *window = row->measured;

	if (!window || row->percentiles_of == window->stats.count)
		return;
	row->percentiles_of = window->stats.count;
	row->figures[LIVE_P50] = window_quantile_ms(window, 0.50);
	row->figures[LIVE_P95] = window_quantile_ms(window, 0.95);
	row->figures[LIVE_P99] = window_quantile_ms(window, 0.99);
}

double live_figure(struct live_row *row, enum live_column column)
{
	if (column >= LIVE_P50 && column <= LIVE_P99)
		make_percentiles(row);
	return row->figures[column];
}

bool live_matches(const struct live_row *row, const char *filter)
{
	return !*filter || strcasestr(row->name, filter) || strcasestr(row->address, filter) ||
	       strcasestr(row->place, filter);
}

static int by_text(const struct live_row *a, const struct live_row *b, enum live_column column)
{
	if (column == LIVE_IFACE)
		return strcmp(a->place, b->place);
	return strcasecmp(a->name, b->name);
}

/* The largest first. */
static int by_figure(struct live_row *a, struct live_row *b, enum live_column column)
{
	double x = live_figure(a, column), y = live_figure(b, column);

	return (x < y) - (x > y);
}

/* Equal ones stay in an order of their own, so that lines do not jump. */
static int compare(const void *one, const void *other, void *arg)
{
	struct live_row *a = *(struct live_row *const *)one, *b = *(struct live_row *const *)other;
	const struct live_order *order = arg;
	int sign;

	if (order->column <= LIVE_IFACE)
		sign = by_text(a, b, order->column);
	else
		sign = by_figure(a, b, order->column);
	if (order->reversed)
		sign = -sign;
	if (!sign)
		sign = strcasecmp(a->name, b->name);
	return sign ? sign : strcmp(a->place, b->place);
}

size_t live_arrange(struct live_row **rows, size_t count, const struct live_order *order)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		struct live_row *row = rows[i];

		if (live_matches(row, order->filter)) {
			rows[i] = rows[kept];
			rows[kept++] = row;
		}
	}
	if (kept)
		qsort_r(rows, kept, sizeof(*rows), compare, (void *)order);
	return kept;
}
