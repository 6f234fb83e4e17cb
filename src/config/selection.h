/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which interfaces an instance measures: its terms in one text, with a space between, which no
 * interface's name can have. A term is a name, a shell pattern, or "default" for the interfaces of
 * the default routes; with ! in front it leaves out what it means.
 */
#ifndef METRO_SELECTION_H
#define METRO_SELECTION_H

#include "config.h"
#include "links.h"

#define SELECTION_TERM 128 /* bytes: alternative names have up to 127 */

enum selection_kind { SELECT_NAME, SELECT_PATTERN, SELECT_DEFAULT };

struct selection_term {
	enum selection_kind kind;
	bool leaves_out;
	char text[SELECTION_TERM]; /* without the ! */
};

/* The next term. *at is the selection at first, and then belongs to this. Returns false behind the
 * last one. */
bool selection_next(const char **at, struct selection_term *term);

/* Does a term, whether it leaves that out or not, mean the link? By any of the link's names; but a
 * pattern never means the loopback interface, where each packet would be seen twice: that has to be
 * named. */
bool selection_term_means(const struct selection_term *term, const struct link *link);

/* Is the link meant by some term, and left out by none? */
bool selection_has(const char *selection, const struct link *link);

/* Must default routes be known to tell? */
bool selection_asks_routes(const char *selection);

/* .. for some instance? */
bool selection_config_asks_routes(const struct config *config);

#endif
