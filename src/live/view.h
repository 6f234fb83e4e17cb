/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is on the screen: which page, which row, in which order; and what a key does to that. */
#ifndef METRO_LIVE_VIEW_H
#define METRO_LIVE_VIEW_H

#include "rows.h"

enum live_page { LIVE_TABLE, LIVE_DETAIL, LIVE_HELP };

/* Keys without a character of their own. */
enum live_key {
	LIVE_KEY_UP = 0x110000, /* behind Unicode */
	LIVE_KEY_DOWN,
	LIVE_KEY_PAGE_UP,
	LIVE_KEY_PAGE_DOWN,
	LIVE_KEY_HOME,
	LIVE_KEY_END,
	LIVE_KEY_LEFT,
	LIVE_KEY_RIGHT,
	LIVE_KEY_ENTER,
	LIVE_KEY_ESCAPE,
	LIVE_KEY_BACKSPACE,
	LIVE_KEYS, /* one that means nothing */
};

struct live_view {
	enum live_page page, behind; /* behind: what help was asked from */
	struct live_order order;
	bool typing; /* the filter */
	bool paused;
	bool capture;      /* of a capture: histories are of all of it, and nothing goes */
	bool over;         /* the user has seen enough */
	bool reset;        /* figures are to begin anew: whoever does that clears it */
	size_t shown;      /* rows that match; set when they are arranged */
	size_t selected;   /* of these */
	size_t first;      /* on the screen */
	size_t height;     /* rows that fit on the screen; set when it is drawn */
	size_t scrolled;   /* lines of the detail page .. */
	size_t scroll_end; /* .. at most; set when it is drawn */
};

void live_view_init(struct live_view *view);

/* key: a character of Unicode, or one of the above. */
void live_view_key(struct live_view *view, unsigned int key);

/* Arranges the rows, and keeps the selection on the row that it was on, and on the screen. */
void live_view_arrange(struct live_view *view, struct live_row **rows, size_t count);

/* The row that is selected, or NULL. Before rows go or come, note it; and tell live_view_follow
 * after that: the selection follows the row, and its page is left if it is gone. Rows that stay
 * keep their order. */
struct live_row *live_view_selected(const struct live_view *view, struct live_row **rows,
				    size_t count);
void live_view_follow(struct live_view *view, struct live_row **rows, size_t count,
		      const struct live_row *selected);

/* Has the selected row on the screen; to be called when height has changed. */
void live_view_keep(struct live_view *view);

/* The letter that sorts by a column. */
char live_column_key(enum live_column column);

#endif
