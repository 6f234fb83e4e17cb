/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What stands around every page: how it is measured, what went wrong, what keys there are. */
#include "draw.h"

#include <stdio.h>
#include <string.h>

#include "array.h"
#include "log_lines.h"
#include "screen.h"
#include "spark.h"

#define NEWS_S 8 /* a line of the log stays for so long */

/* ---- above ---- */

static void duration(char text[32], double seconds)
{
	unsigned long s = (unsigned long)seconds;

	if (s < 3600)
		snprintf(text, 32, "%lu:%02lu", s / 60, s % 60);
	else
		snprintf(text, 32, "%lu:%02lu:%02lu", s / 3600, s / 60 % 60, s % 60);
}

static void draw_state(const struct live_view *view, const struct live_header *header)
{
	char rate[FIGURE_TEXT], since[32], text[LIVE_HEADER];
	int length;

	figure_count(rate, header->samples_per_s);
	duration(since, header->for_s);
	snprintf(text, sizeof(text), "%zu peer%s, %s samples/s, for %s%s", header->peers,
		 header->peers == 1 ? "" : "s", rate, since, view->paused ? "  PAUSED" : "");
	length = (int)strlen(text);
	screen_text(0, 0, screen_width() - length - 2, SCREEN_TITLE, header->how);
	screen_text(0, screen_width() - length, length,
		    view->paused ? SCREEN_WARNING : SCREEN_PLAIN, text);
}

/* Returns the next line. */
static int draw_trouble(int y, enum screen_style style, const char *what, const char *text)
{
	int x;

	if (!*text)
		return y;
	x = screen_text(y, 0, screen_width(), style, what);
	screen_text(y, x, screen_width() - x, SCREEN_PLAIN, text);
	return y + 1;
}

/* What there was no room for. */
static int draw_left_out(int y, const struct live_header *header)
{
	char text[160] = "";
	size_t length = 0;

	if (header->left_out > 0)
		length = (size_t)snprintf(text, sizeof(text),
					  "%.0f samples of more peers than fit here",
					  header->left_out);
	if (header->unplaced > 0)
		snprintf(text + length, sizeof(text) - length,
			 "%s%.0f samples of more connections than fit in conn and on pages",
			 length ? "; " : "", header->unplaced);
	return draw_trouble(y, SCREEN_WARNING, "not shown: ", text);
}

static int draw_header(const struct live_view *view, const struct live_header *header)
{
	int y = 1;

	draw_state(view, header);
	y = draw_trouble(y, SCREEN_WARNING, "libpcap, not BPF: ", header->fallback);
	y = draw_trouble(y, SCREEN_ERROR, "lost: ", header->losses);
	return draw_left_out(y, header);
}

/* ---- below ---- */

static const char *keys_of(const struct live_view *view)
{
	switch (view->page) {
	case LIVE_DETAIL:
		return "Esc back   arrows scroll   space pause   h help   q quit";
	case LIVE_HELP:
		return "any key: back   q quit";
	default:
		return "h help   / filter   < > sort   Enter details   space pause   q quit";
	}
}

static bool draw_news(int y)
{
	enum log_level level = LEVEL_INFO;
	char text[LOG_LINE_TEXT];
	double age = log_lines_latest(LEVEL_INFO, text, &level);

	if (!*text || age > NEWS_S)
		return false;
	screen_text(y, 0, screen_width(),
		    level >= LEVEL_ERROR     ? SCREEN_ERROR
		    : level == LEVEL_WARNING ? SCREEN_WARNING
					     : SCREEN_DIM,
		    text);
	return true;
}

static void draw_footer(const struct live_view *view)
{
	int y = screen_height() - 1, x;

	if (view->typing) {
		x = screen_text(y, 0, screen_width(), SCREEN_TITLE, "filter: ");
		x += screen_text(y, x, screen_width() - x, SCREEN_PLAIN, view->order.filter);
		screen_text(y, x, 1, SCREEN_SELECTED, " ");
	} else if (!draw_news(y)) {
		screen_text(y, 0, screen_width(), SCREEN_DIM, keys_of(view));
	}
}

/* ---- the page ---- */

static void draw_page(struct live_view *view, struct live_row **rows,
		      const struct live_detail *detail, int from, int to)
{
	if (view->page == LIVE_HELP)
		draw_help(from, to);
	else if (view->page == LIVE_DETAIL && view->selected < view->shown)
		draw_detail(view, rows[view->selected], detail, from, to);
	else
		draw_table(view, rows, from, to);
}

void live_draw(struct live_view *view, struct live_row **rows, const struct live_header *header,
	       const struct live_detail *detail)
{
	int from;

	screen_erase();
	from = draw_header(view, header);
	draw_page(view, rows, detail, from, screen_height() - DRAW_BOTTOM);
	draw_footer(view);
	screen_show();
}

/* ---- help ---- */

void draw_help(int from, int to)
{
	static const char *const lines[] = {
		"Round-trip times of TCP, from data that leaves to the ACK that covers it, in ms.",
		"",
		"Up Down PgUp PgDn Home End   choose a peer;   Enter   all about it;   Esc   back",
		"/     show only peers, addresses and interfaces with this in them; Esc: all",
		"< >   sort by the next column to the left or right, also one that has no room",
		"n i   sort by peer, interface       c s   connections, samples/s",
		"l m a last, min, mean               5 9 0 p50, p95, p99",
		"j t   jitter, retransmissions       the same again turns the order round",
		"space hold the picture; measuring goes on       r   begin figures anew",
		"h     this page                                 q   quit",
		"",
		"conn     connections that were heard of in the last minute",
		"smp/s    samples a second, in the last second; min to p99: since the start or r",
		"jitter   mean difference between a connection's neighbouring samples",
		"rexmit   segments that were sent again",
		"p50/min  p50 of each second of the last minute (of up to 64 of its samples)",
		"",
		"In a capture, smp/s, conn and p50/all are of all of it, by its own clock.",
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines) && from + (int)i < to; i++)
		screen_text(from + (int)i, 0, screen_width(), SCREEN_PLAIN, lines[i]);
}
