/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the configuration names that may not be there: each name, pattern, or the default route, and
 * whether it was said that it is waited for. */
#ifndef METRO_AWAITED_H
#define METRO_AWAITED_H

#include "config.h"
#include "links.h"

struct awaited_term;

struct awaited {
	struct awaited_term *first;
};

/* Makes it what the configuration has; what it had before stays as it was. Returns 0 or -ENOMEM. */
int awaited_configure(struct awaited *awaited, const struct config *config);
void awaited_free(struct awaited *awaited);

/* Says, once until it is there, of each term that means no link that it is waited for. */
void awaited_look(struct awaited *awaited, const struct links *links);

/* Writes what is missing, in words, if nothing is there; returns false if something is. */
bool awaited_explain(const struct awaited *awaited, const struct links *links, char *text,
		     size_t size);

/* Calls each for the text of every term that was missing when it was last looked for. */
void awaited_each(const struct awaited *awaited, void (*each)(void *arg, const char *term),
		  void *arg);

/* Is it one of the names, and no pattern? */
bool awaited_names(const struct awaited *awaited, const char *name);

/* One of the names is gone, which was said; and it has come again: returns whether it was gone. */
void awaited_lose(struct awaited *awaited, const char *name);
bool awaited_find(struct awaited *awaited, const char *name);

#endif
