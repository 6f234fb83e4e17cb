/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * OpenMetrics: a server for those who come and look, and the sink that adds up what it shows.
 * Nothing of it runs unless the configuration has openmetrics_listen.
 */
#ifndef METRO_EXPOSING_H
#define METRO_EXPOSING_H

#include "config.h"
#include "control_socket.h"
#include "event_loop.h"
#include "health.h"
#include "metrics_server.h"
#include "sink.h"

struct exposing {
	/* Set by the owner before the start. */
	void (*gather)(void *arg, struct health *health); /* the facts of this moment */
	void *arg;

	/* Its own. */
	struct event_loop *loop;
	struct sink *sink;            /* NULL: nothing is served */
	char *where;                  /* as configured, of what is served */
	int listening;                /* opened, but not served yet; -1: none */
	struct control_socket socket; /* a Unix socket's place; fd -1: it is none */
	struct metrics_server *server;
	double started_s; /* since 1970 */
};

/* Before root's rights are given up: opens the socket that the configuration names, if any. Returns
 * 0 or -errno, reported. */
int exposing_listen(struct exposing *e, const struct config *config);

/* Serves there. Peers are the sink's. Returns 0 or -errno, reported. */
int exposing_start(struct exposing *e, struct event_loop *loop, const struct config *config,
		   const struct peers *peers);

/* Another configuration: other buckets, another place, or none. Returns 0, or -errno, reported, and
 * the place is the old one. The sink is another one then, or none. */
int exposing_follow(struct exposing *e, const struct config *config, const struct peers *peers);

/* An interval is over, and the sink has reported: shows that. other: the sink beside ours. */
void exposing_publish(struct exposing *e, struct sink *other);

void exposing_stop(struct exposing *e);

#endif
