/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Windows that go out under the same tags are one series to the server, and the last one would win:
 * a host name with several addresses, a peer seen before and after its name was found, tags that
 * are the same after cleaning. Here they are added up.
 */
#ifndef METRO_MERGED_H
#define METRO_MERGED_H

#include "line.h"
#include "window.h"

struct merged_series {
	const struct window *window; /* the first, until there is a second */
	struct window *sum;          /* NULL until then */
	UT_hash_handle hh;
	char text[]; /* from dialect_series */
};

/* All series, in the order of their first windows. Zeroed memory is empty. */
struct merged {
	struct merged_series *first;
};

/* Returns 0, or -ENOMEM and the window is not in. Windows must outlive this. */
int merged_add(struct merged *merged, const struct line *text, const struct window *window);

static inline const struct window *merged_window(const struct merged_series *series)
{
	return series->sum ? series->sum : series->window;
}

unsigned int merged_count(const struct merged *merged);
void merged_clear(struct merged *merged);

#endif
