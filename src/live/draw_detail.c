/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One peer: its figures, how its samples are spread, and its connections. */
#include "draw.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "collect.h"
#include "screen.h"
#include "spark.h"

#define BAR_LABEL  24
#define SHOWN_MOST 512 /* connections */

/* Lines from scrolled on, between two lines of the screen. */
struct page {
	int from, to;
	size_t skip, line;
};

static int next_line(struct page *page)
{
	size_t line = page->line++;

	if (line < page->skip || page->from + (int)(line - page->skip) >= page->to)
		return -1; /* screen_text draws nothing there */
	return page->from + (int)(line - page->skip);
}

/* ---- figures ---- */

static void draw_figures(struct page *page, struct live_row *row)
{
	static const struct {
		enum live_column column;
		const char *title;
	} shown[] = {
		{LIVE_LAST, "last"}, {LIVE_MIN, "min"}, {LIVE_MEAN, "mean"},
		{LIVE_P50, "p50"},   {LIVE_P95, "p95"}, {LIVE_P99, "p99"},
	};
	char text[512] = "ms:", figure[FIGURE_TEXT];
	size_t length = strlen(text);

	for (size_t i = 0; i < ARRAY_SIZE(shown); i++) {
		figure_time(figure, live_figure(row, shown[i].column));
		length += (size_t)snprintf(text + length, sizeof(text) - length, "  %s %s",
					   shown[i].title, figure);
	}
	screen_text(next_line(page), 0, screen_width(), SCREEN_PLAIN, text);
	figure_time(figure, live_figure(row, LIVE_JITTER));
	snprintf(text, sizeof(text), "jitter %s  samples %.0f  sent again %.0f  connections %.0f",
		 figure, row->samples, row->figures[LIVE_RETRANSMISSIONS],
		 row->figures[LIVE_CONNECTIONS]);
	screen_text(next_line(page), 0, screen_width(), SCREEN_PLAIN, text);
}

static void draw_title(struct page *page, const struct live_row *row)
{
	char text[LIVE_NAME + ADDRESS_TEXT + LIVE_PLACE + 16];

	if (strcmp(row->name, row->address))
		snprintf(text, sizeof(text), "%s (%s) on %s", row->name, row->address, row->place);
	else
		snprintf(text, sizeof(text), "%s on %s", row->name, row->place);
	screen_text(next_line(page), 0, screen_width(), SCREEN_TITLE, text);
}

static void draw_history(struct page *page, const struct live_row *row)
{
	char spark[SPARK_TEXT(LIVE_HISTORY)];
	int y = next_line(page), x, room;

	x = screen_text(y, 0, screen_width(), SCREEN_PLAIN, "p50 of the last minute  ");
	room = screen_width() - x;
	if (y < 0 || room <= 0)
		return;
	spark_write(spark, room < LIVE_HISTORY ? (size_t)room : LIVE_HISTORY, row->history,
		    LIVE_HISTORY, screen_has_unicode());
	screen_text(y, x, room, SCREEN_BARS, spark);
}

/* ---- how samples are spread ---- */

/* 1, 2, 5 in each decade of ms, from 1 us to 100 s: about equal steps on a logarithmic axis. */
#define EDGES 25

static double edge(unsigned int i)
{
	static const double steps[] = {1, 2, 5};
	double value = 0.001 * steps[i % 3];

	for (unsigned int decade = 0; decade < i / 3; decade++)
		value *= 10;
	return value;
}

/* counts[i]: below edge(i), and not below the one before; counts[EDGES]: all above. */
static void spread(const struct histogram *histogram, __u64 counts[EDGES + 1])
{
	__u32 samples[HISTOGRAM_BUCKETS];
	unsigned int at = 0;

	memset(counts, 0, (EDGES + 1) * sizeof(*counts));
	histogram_counts(histogram, samples);
	for (__u32 i = 0; i < HISTOGRAM_BUCKETS; i++) {
		if (!samples[i])
			continue;
		while (at < EDGES && window_ticks_ms(histogram_middle(i)) >= edge(at))
			at++;
		counts[at] += samples[i];
	}
}

static void label(char text[BAR_LABEL + 8], unsigned int i)
{
	if (i == 0)
		snprintf(text, BAR_LABEL + 8, "below %g", edge(0));
	else if (i == EDGES)
		snprintf(text, BAR_LABEL + 8, "%g and more", edge(EDGES - 1));
	else
		snprintf(text, BAR_LABEL + 8, "%g - %g", edge(i - 1), edge(i));
}

static void draw_bar(struct page *page, unsigned int i, __u64 count, __u64 total, __u64 most)
{
	char text[64], bar[SPARK_TEXT(512)];
	int places = screen_width() - BAR_LABEL - 16, y = next_line(page);

	places = places < 1 ? 1 : places > 511 ? 511 : places;
	label(text, i);
	screen_text(y, BAR_LABEL - 2 - (int)strlen(text), BAR_LABEL, SCREEN_PLAIN, text);
	bar_write(bar, (size_t)places, (double)count * places / (double)most, screen_has_unicode());
	screen_text(y, BAR_LABEL, places, SCREEN_BARS, bar);
	snprintf(text, sizeof(text), "%llu  %.1f %%", (unsigned long long)count,
		 100.0 * (double)count / (double)total);
	screen_text(y, BAR_LABEL + places + 1, 16, SCREEN_PLAIN, text);
}

static void draw_spread(struct page *page, const struct histogram *histogram)
{
	__u64 counts[EDGES + 1], most = 0;
	unsigned int first = EDGES + 1, last = 0;

	next_line(page);
	screen_text(next_line(page), 0, screen_width(), SCREEN_TITLE,
		    "samples by round-trip time in ms");
	spread(histogram, counts);
	for (unsigned int i = 0; i <= EDGES; i++) {
		if (!counts[i])
			continue;
		first = i < first ? i : first;
		last = i;
		most = counts[i] > most ? counts[i] : most;
	}
	for (unsigned int i = first; i <= last && most; i++)
		draw_bar(page, i, counts[i], histogram->total, most);
}

/* ---- connections ---- */

static int latest_first(const void *one, const void *other)
{
	const struct live_connection *a = *(struct live_connection *const *)one,
				     *b = *(struct live_connection *const *)other;

	return (a->stats.last_time_ns < b->stats.last_time_ns) -
	       (a->stats.last_time_ns > b->stats.last_time_ns);
}

/* IPv4 fits into 80 columns with all figures, IPv6 into 120. */
static int ends_width(void)
{
	return screen_width() < 120 ? 30 : 60;
}

static void draw_connection(struct page *page, const struct live_connection *connection)
{
	const struct window_stats *stats = &connection->stats;
	char text[256], address[ADDRESS_TEXT], ends[ADDRESS_TEXT + 32], last[FIGURE_TEXT],
		least[FIGURE_TEXT], mean[FIGURE_TEXT], most[FIGURE_TEXT];
	bool any = stats->count;

	snprintf(ends, sizeof(ends), "%s port %u > %u",
		 address_format(&connection->key.local, address), connection->key.local_port,
		 connection->key.peer_port);
	figure_time(last, any ? window_ticks_ms(stats->last) : LIVE_NONE);
	figure_time(least, any ? window_ticks_ms(stats->min) : LIVE_NONE);
	figure_time(mean, any ? window_mean_ms(stats) : LIVE_NONE);
	figure_time(most, any ? window_ticks_ms(stats->max) : LIVE_NONE);
	snprintf(text, sizeof(text), "%-*s %7llu %7s %7s %7s %7s %6llu", ends_width(), ends,
		 (unsigned long long)stats->count, last, least, mean, most,
		 (unsigned long long)stats->retransmissions);
	screen_text(next_line(page), 0, screen_width(), SCREEN_PLAIN, text);
}

static void draw_connections(struct page *page, const struct live_peer *peer)
{
	const struct live_connection *shown[SHOWN_MOST];
	char text[160];
	size_t count = 0;

	for (const struct live_connection *c = peer->connections; c && count < SHOWN_MOST;
	     c = c->next)
		shown[count++] = c;
	if (count)
		qsort(shown, count, sizeof(*shown), latest_first);
	next_line(page);
	snprintf(text, sizeof(text), "%-*s %7s %7s %7s %7s %7s %6s", ends_width(),
		 "connections of the last minute", "samples", "last", "min", "mean", "max",
		 "rexmit");
	screen_text(next_line(page), 0, screen_width(), SCREEN_TITLE, text);
	for (size_t i = 0; i < count; i++)
		draw_connection(page, shown[i]);
	if (peer->connections_count > count) {
		snprintf(text, sizeof(text), "and %zu more", peer->connections_count - count);
		screen_text(next_line(page), 0, screen_width(), SCREEN_DIM, text);
	}
}

void draw_detail(struct live_view *view, struct live_row *row, int from, int to)
{
	struct page page = {.from = from, .to = to, .skip = view->scrolled};
	size_t lines = to > from ? (size_t)(to - from) : 1;

	draw_title(&page, row);
	draw_figures(&page, row);
	draw_history(&page, row);
	if (row->peer) {
		draw_spread(&page, &row->peer->window.histogram);
		draw_connections(&page, row->peer);
	}
	view->height = lines;
	view->scroll_end = page.line > lines ? page.line - lines : 0;
}
