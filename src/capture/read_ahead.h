/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A thread that reads, and inflates, while another one measures what was read before: pieces of
 * memory go round between the two, so that it is ahead by a megabyte at most.
 */
#ifndef METRO_READ_AHEAD_H
#define METRO_READ_AHEAD_H

#include "types.h"

#define READ_AHEAD_FRONT (64 * 1024) /* bytes in front of a piece, free to be written to */

struct read_ahead;

/* Starts the thread, which waits to begin. Returns 0, or -errno and there is none. */
int read_ahead_new(struct read_ahead **ahead);

/* Ends it, after the read that it is in. */
void read_ahead_free(struct read_ahead *ahead);

/* From now on it calls read, with arg, until that returns 0 for the end or -errno. */
void read_ahead_begin(struct read_ahead *ahead, long (*read)(void *arg, __u8 *to, size_t size),
		      void *arg);

/* The next piece, which is valid, as the one before, until the next call; waits for it. Returns its
 * length, or what read returned in the end, then and ever after. */
long read_ahead_next(struct read_ahead *ahead, __u8 **piece);

#endif
