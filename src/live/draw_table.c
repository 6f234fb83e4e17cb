/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The table: as many columns as there is room for. */
#include "draw.h"

#include <stdio.h>
#include <string.h>

#include "array.h"
#include "screen.h"
#include "spark.h"

#define PEER_LEAST  15
#define PEER_MOST   46
#define SPARK_LEAST 10

/* rank: those with the largest go first where there is no room. */
static const struct {
	const char *title;
	int width, rank;
} columns[LIVE_COLUMNS] = {
	[LIVE_PEER] = {"peer", PEER_LEAST, 0},
	[LIVE_IFACE] = {"iface", 8, 7},
	[LIVE_CONNECTIONS] = {"conn", 5, 6},
	[LIVE_RATE] = {"smp/s", 6, 2},
	[LIVE_LAST] = {"last", 7, 5},
	[LIVE_MIN] = {"min", 7, 8},
	[LIVE_MEAN] = {"mean", 7, 10},
	[LIVE_P50] = {"p50", 7, 1},
	[LIVE_P95] = {"p95", 7, 3},
	[LIVE_P99] = {"p99", 7, 9},
	[LIVE_JITTER] = {"jitter", 7, 11},
	[LIVE_RETRANSMISSIONS] = {"rexmit", 6, 4},
};

struct layout {
	bool has[LIVE_COLUMNS];
	int peer, spark;
};

static int total_width(const struct layout *layout)
{
	int width = 0;

	for (int i = 0; i < LIVE_COLUMNS; i++)
		width += layout->has[i] ? columns[i].width + 1 : 0;
	return width;
}

/* The column that rules the order stays. */
static int find_least(const struct layout *layout, const struct live_view *view)
{
	int least = LIVE_PEER;

	for (int i = 0; i < LIVE_COLUMNS; i++)
		if (layout->has[i] && i != (int)view->order.column &&
		    columns[i].rank > columns[least].rank)
			least = i;
	return least;
}

static void grow(int *width, int most, int *rest)
{
	int more = most - *width < *rest ? most - *width : *rest;

	*width += more;
	*rest -= more;
}

static struct layout lay_out(const struct live_view *view, int width)
{
	struct layout layout;
	int rest, least;

	for (int i = 0; i < LIVE_COLUMNS; i++)
		layout.has[i] = true;
	while (total_width(&layout) + SPARK_LEAST > width &&
	       (least = find_least(&layout, view)) != LIVE_PEER)
		layout.has[least] = false;
	rest = width - total_width(&layout) - SPARK_LEAST;
	layout.peer = PEER_LEAST;
	layout.spark = SPARK_LEAST;
	if (rest < 0) {
		layout.spark = SPARK_LEAST + rest > 0 ? SPARK_LEAST + rest : 0;
		return layout;
	}
	grow(&layout.peer, 30, &rest);
	grow(&layout.spark, 30, &rest);
	grow(&layout.peer, PEER_MOST, &rest);
	grow(&layout.spark, LIVE_HISTORY, &rest);
	return layout;
}

static int width_of(const struct layout *layout, int column)
{
	return column == LIVE_PEER ? layout->peer : columns[column].width;
}

static bool is_left(int column)
{
	return column <= LIVE_IFACE;
}

/* Returns where the next column begins. */
static int draw_cell(int y, int x, int width, bool left, enum screen_style style, const char *text)
{
	int length = (int)strlen(text); /* figures and titles are ASCII */

	screen_text(y, left || length > width ? x : x + width - length, width, style, text);
	return x + width + 1;
}

static void draw_titles(const struct live_view *view, const struct layout *layout, int y)
{
	int x = 0;

	for (int i = 0; i < LIVE_COLUMNS; i++)
		if (layout->has[i])
			x = draw_cell(y, x, width_of(layout, i), is_left(i),
				      i == (int)view->order.column ? SCREEN_SORTED : SCREEN_TITLE,
				      columns[i].title);
	screen_text(y, x, layout->spark, SCREEN_TITLE, view->capture ? "p50/all" : "p50/min");
}

static const char *cell_text(struct live_row *row, int column, char text[FIGURE_TEXT])
{
	double figure;

	if (column == LIVE_PEER)
		return row->name;
	if (column == LIVE_IFACE)
		return row->place;
	figure = live_figure(row, (enum live_column)column);
	if (column == LIVE_CONNECTIONS || column == LIVE_RATE || column == LIVE_RETRANSMISSIONS)
		figure_count(text, figure);
	else
		figure_time(text, figure);
	return text;
}

static void draw_row(const struct layout *layout, struct live_row *row, int y, bool selected)
{
	char text[FIGURE_TEXT], spark[SPARK_TEXT(LIVE_HISTORY)];
	enum screen_style style = selected ? SCREEN_SELECTED : SCREEN_PLAIN;
	int x = 0;

	if (selected)
		screen_fill(y, 0, style);
	for (int i = 0; i < LIVE_COLUMNS; i++)
		if (layout->has[i])
			x = draw_cell(y, x, width_of(layout, i), is_left(i), style,
				      cell_text(row, i, text));
	spark_write(spark, (size_t)layout->spark, row->history, LIVE_HISTORY, screen_has_unicode());
	screen_text(y, x, layout->spark, selected ? style : SCREEN_BARS, spark);
}

static void draw_filter(const struct live_view *view, int y)
{
	char text[LIVE_NAME + 64];

	if (!*view->order.filter || view->typing)
		return;
	snprintf(text, sizeof(text), "%zu with \"%s\" (Esc: all)", view->shown, view->order.filter);
	screen_text(y, 0, screen_width(), SCREEN_WARNING, text);
}

static void draw_nothing(const struct live_view *view, int y)
{
	screen_text(y, 0, screen_width(), SCREEN_DIM,
		    *view->order.filter ? "no peer matches the filter" : "no samples yet");
}

void draw_table(struct live_view *view, struct live_row **rows, int from, int to)
{
	const struct layout layout = lay_out(view, screen_width());
	int lines = to - from - 1;

	if (*view->order.filter && !view->typing) {
		draw_filter(view, from++);
		lines--;
	}
	view->height = lines > 0 ? (size_t)lines : 1;
	live_view_keep(view);
	draw_titles(view, &layout, from);
	if (!view->shown)
		draw_nothing(view, from + 2);
	for (int i = 0; i < lines && view->first + (size_t)i < view->shown; i++) {
		size_t at = view->first + (size_t)i;

		draw_row(&layout, rows[at], from + 1 + i, at == view->selected);
	}
}
