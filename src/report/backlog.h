/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Bytes that wait for a slow reader, in a ring that is made when the first of them have to. */
#ifndef METRO_BACKLOG_H
#define METRO_BACKLOG_H

#include <stdbool.h>
#include <stddef.h>

#define BACKLOG_BYTES (16ul << 20) /* a power of two; some 85,000 lines of JSON */

struct backlog {
	char *bytes;  /* NULL: none wait */
	size_t first; /* place of the first */
	size_t count;
};

/* How many more there is room for: 0 where there is no memory. */
size_t backlog_room(struct backlog *backlog);

/* Adds bytes, no more than there is room for. */
void backlog_add(struct backlog *backlog, const char *bytes, size_t count);

/* The first bytes, as many as lie side by side: all or a part of what waits. */
const char *backlog_first(const struct backlog *backlog, size_t *count);

/* Takes that many of them out; the last one takes the memory with it. */
void backlog_take(struct backlog *backlog, size_t count);

/* Frees what waits. Returns how many ends of lines were in it. */
size_t backlog_drop(struct backlog *backlog);

/* How many ends of lines there are. */
size_t backlog_lines(const char *bytes, size_t count);

#endif
