/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Connections of a stream socket, over which each packet follows its length: 4 bytes,
 * little-endian. */
#ifndef METRO_STATSD_LISTEN_STREAMS_H
#define METRO_STATSD_LISTEN_STREAMS_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#define STREAMS 16 /* at a time; more wait to be accepted */

struct stream;

/* All zero: none. */
struct streams {
	struct stream *stream[STREAMS];
};

/* Takes a connection from the listening socket, if there is room for one. */
void streams_accept(struct streams *streams, int listening_fd);

/* What to wait for: an entry for each connection, fd -1 for none. */
void streams_poll(const struct streams *streams, struct pollfd waiting[STREAMS]);

bool streams_full(const struct streams *streams);

/* Reads from those that are readable; those that end, or talk nonsense, are closed. */
void streams_read(struct streams *streams, const struct pollfd waiting[STREAMS]);

/* Takes out a packet that has arrived whole. Returns false if there is none. */
bool streams_take(struct streams *streams, char *packet, size_t *length);

void streams_close(struct streams *streams);

#endif
