/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Answers HTTP in a thread of its own, from the snapshot that it was handed last. The event loop
 * calls the functions below, and none of them waits for a client.
 */
#ifndef METRO_METRICS_SERVER_H
#define METRO_METRICS_SERVER_H

#include "snapshot.h"

struct metrics_server;

/* Serves the clients of a socket that listens, which it takes over, also after an error. Returns 0
 * or -errno. */
int metrics_server_start(struct metrics_server **server, int listening);

/* Waits for the answer that is being made, if there is one. NULL: does nothing. */
void metrics_server_stop(struct metrics_server *server);

/* From now on /metrics answers this, which it takes over. */
void metrics_server_publish(struct metrics_server *server, struct snapshot *snapshot);

/* A descriptor that is readable when a client wants to know whether it is well; the same as long as
 * the server lives. The loop then calls metrics_server_answer, with a JSON text, which it takes
 * over; NULL: out of memory. */
int metrics_server_question(const struct metrics_server *server);
void metrics_server_answer(struct metrics_server *server, bool healthy, bool ready, char *json);

#endif
