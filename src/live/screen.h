/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The terminal, by ncurses: opened, read, and given back as it was, whatever ends the process
 * (SIGKILL aside). There is one.
 */
#ifndef METRO_LIVE_SCREEN_H
#define METRO_LIVE_SCREEN_H

#include <signal.h>
#include <stdbool.h>

/* Finds out what the terminal can do, which reads files: to be called while that is allowed.
 * Nothing is seen of it yet. Returns 0, or -errno, reported: there is no terminal, or nobody knows
 * its kind. */
int screen_prepare(void);

/* Takes over the terminal, and the log's lines (log_lines.h). */
void screen_open(void);

/* Gives both back. May be called again, and without a start. */
void screen_close(void);

/* Readable when there are keys. */
int screen_fd(void);

/* The next key (view.h), or 0: there is none. *gone becomes true if the terminal is. */
unsigned int screen_key(bool *gone);

/* Adds the signals about the terminal to those that a loop blocks and takes itself. */
void screen_add_signals(sigset_t *set);
bool screen_is_signal(int signal);

/* Follows one of them; what was drawn has to be drawn again. With SIGTSTP (Ctrl-Z) we are stopped,
 * and return when we are to go on. */
void screen_follow(int signal);

bool screen_has_unicode(void);

enum screen_style {
	SCREEN_PLAIN,
	SCREEN_TITLE,    /* of a page, of columns */
	SCREEN_SORTED,   /* the column that rules the order */
	SCREEN_SELECTED, /* a row */
	SCREEN_DIM,
	SCREEN_BARS,
	SCREEN_WARNING,
	SCREEN_ERROR,
	SCREEN_STYLES,
};

/* Draws text at a place, at most width columns of it. Outside of the screen nothing is drawn.
 * Returns how many columns it took. */
int screen_text(int y, int x, int width, enum screen_style style, const char *text);

/* Fills the rest of a line, from column x on, with blanks of a style. */
void screen_fill(int y, int x, enum screen_style style);

int screen_width(void);
int screen_height(void);

/* Begins a new picture; shows it. */
void screen_erase(void);
void screen_show(void);

#endif
