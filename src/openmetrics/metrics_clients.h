/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who is connected, and since when: libmicrohttpd ends connections that are silent, but not those
 * that are slow on purpose.
 */
#ifndef METRO_METRICS_CLIENTS_H
#define METRO_METRICS_CLIENTS_H

#include "types.h"

#define METRICS_CLIENTS_MAX 16
#define METRICS_CLIENT_MS   10000 /* for a request and its answer */

struct metrics_client {
	int socket; /* -1: the place is free, or its client was told to go */
	bool taken;
	bool asked; /* its request is whole */
	__u64 since_ms;
};

struct metrics_clients {
	struct metrics_client
		at[2 * METRICS_CLIENTS_MAX]; /* those who were told to go stay a moment */
	unsigned int count;                  /* of sockets that were not told to go */
};

/* One has come. If there are too many, one is told to go: the oldest of those whose request is not
 * whole, or else the oldest. NULL: there are as many who were told to go, and have not gone. */
struct metrics_client *metrics_clients_add(struct metrics_clients *clients, int socket,
					   __u64 now_ms);
void metrics_clients_remove(struct metrics_clients *clients, struct metrics_client *client);

/* Tells those to go whose time is up. */
void metrics_clients_expire(struct metrics_clients *clients, __u64 now_ms);

#endif
