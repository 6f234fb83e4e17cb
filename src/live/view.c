/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What keys do. Knows no terminal. */
#include "view.h"

#include <stdio.h>
#include <string.h>

#include "utf8.h"

static const char letters[LIVE_COLUMNS + 1] = "nicslma590jt";

char live_column_key(enum live_column column)
{
	return letters[column];
}

void live_view_init(struct live_view *view)
{
	*view = (struct live_view){.order = {.column = LIVE_RATE}, .height = 1};
}

/* ---- which row ---- */

void live_view_keep(struct live_view *view)
{
	if (view->selected >= view->shown)
		view->selected = view->shown ? view->shown - 1 : 0;
	if (view->selected < view->first)
		view->first = view->selected;
	if (view->selected >= view->first + view->height)
		view->first = view->selected + 1 - view->height;
	if (view->first + view->height > view->shown)
		view->first = view->shown > view->height ? view->shown - view->height : 0;
}

static size_t moved(size_t from, unsigned int key, size_t page)
{
	switch (key) {
	case LIVE_KEY_UP:
		return from ? from - 1 : 0;
	case LIVE_KEY_DOWN:
		return from + 1;
	case LIVE_KEY_PAGE_UP:
		return from > page ? from - page : 0;
	case LIVE_KEY_PAGE_DOWN:
		return from + page;
	case LIVE_KEY_HOME:
		return 0;
	default:
		return from;
	}
}

struct live_row *live_view_selected(const struct live_view *view, struct live_row **rows,
				    size_t count)
{
	return view->selected < view->shown && view->selected < count ? rows[view->selected] : NULL;
}

static bool is_on_page(const struct live_view *view)
{
	return view->page == LIVE_DETAIL ||
	       (view->page == LIVE_HELP && view->behind == LIVE_DETAIL);
}

void live_view_follow(struct live_view *view, struct live_row **rows, size_t count,
		      const struct live_row *selected)
{
	if (!selected)
		return;
	for (size_t i = 0; i < count; i++) {
		if (rows[i] == selected) {
			view->selected = i;
			return;
		}
	}
	if (is_on_page(view))
		view->page = view->behind = LIVE_TABLE;
}

void live_view_arrange(struct live_view *view, struct live_row **rows, size_t count)
{
	/* On the table the eye rests on a place, and on its top most of all; a page is of a peer.
	 */
	const struct live_row *held = NULL;

	if (view->selected || view->page != LIVE_TABLE)
		held = live_view_selected(view, rows, count);
	view->shown = live_arrange(rows, count, &view->order);
	for (size_t i = 0; held && i < view->shown; i++)
		if (rows[i] == held)
			view->selected = i;
	live_view_keep(view);
}

/* ---- the filter ---- */

static void type(struct live_view *view, unsigned int key)
{
	char *filter = view->order.filter;
	size_t length = strlen(filter);

	switch (key) {
	case LIVE_KEY_ESCAPE:
		*filter = '\0';
		view->typing = false;
		break;
	case LIVE_KEY_ENTER:
		view->typing = false;
		break;
	case LIVE_KEY_BACKSPACE:
		if (length)
			filter[utf8_cut(filter, length - 1)] = '\0';
		break;
	default:
		if (key < ' ' || key > '~' || length + 1 >= sizeof(view->order.filter))
			return;
		filter[length] = (char)key;
		filter[length + 1] = '\0';
	}
	view->selected = view->first = 0;
}

/* ---- the table ---- */

static void sort_by(struct live_view *view, enum live_column column)
{
	if (view->order.column == column)
		view->order.reversed = !view->order.reversed;
	else
		view->order.reversed = false;
	view->order.column = column;
	view->selected = view->first = 0;
}

static void sort_by_letter(struct live_view *view, unsigned int key)
{
	const char *at = key && key < 128 ? strchr(letters, (int)key) : NULL;

	if (at)
		sort_by(view, (enum live_column)(at - letters));
}

static void sort_by_next(struct live_view *view, int step)
{
	sort_by(view,
		(enum live_column)((view->order.column + LIVE_COLUMNS + step) % LIVE_COLUMNS));
}

static void on_table(struct live_view *view, unsigned int key)
{
	switch (key) {
	case '/':
		view->typing = true;
		break;
	case LIVE_KEY_ESCAPE:
		view->order.filter[0] = '\0';
		break;
	case LIVE_KEY_ENTER:
		if (!view->shown)
			break;
		view->page = LIVE_DETAIL;
		view->scrolled = 0;
		break;
	case LIVE_KEY_LEFT:
	case '<':
		sort_by_next(view, -1);
		break;
	case LIVE_KEY_RIGHT:
	case '>':
		sort_by_next(view, 1);
		break;
	case LIVE_KEY_END:
		view->selected = view->shown ? view->shown - 1 : 0;
		break;
	default:
		view->selected = moved(view->selected, key, view->height);
		sort_by_letter(view, key);
	}
	live_view_keep(view);
}

static void on_detail(struct live_view *view, unsigned int key)
{
	if (key == LIVE_KEY_ESCAPE || key == LIVE_KEY_ENTER || key == LIVE_KEY_BACKSPACE ||
	    key == LIVE_KEY_LEFT)
		view->page = LIVE_TABLE;
	else
		view->scrolled = moved(view->scrolled, key, view->height);
	if (key == LIVE_KEY_END || view->scrolled > view->scroll_end)
		view->scrolled = view->scroll_end;
}

/* ---- all pages ---- */

static bool on_any(struct live_view *view, unsigned int key)
{
	switch (key) {
	case 'q':
	case 3: /* Ctrl-C, where it comes as a key */
		view->over = true;
		return true;
	case ' ':
	case 'p':
		view->paused = !view->paused;
		return true;
	case 'r':
		view->reset = true;
		return true;
	case 'h':
	case '?':
		if (view->page != LIVE_HELP)
			view->behind = view->page;
		view->page = LIVE_HELP;
		return true;
	}
	return false;
}

void live_view_key(struct live_view *view, unsigned int key)
{
	if (view->typing)
		type(view, key);
	else if (view->page == LIVE_HELP && key != 'q' && key != 3)
		view->page = view->behind;
	else if (on_any(view, key))
		return;
	else if (view->page == LIVE_TABLE)
		on_table(view, key);
	else
		on_detail(view, key);
}
