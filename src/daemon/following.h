/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Watches for interfaces that come, go and change their names, and has peers, monitor and backend
 * follow.
 */
#ifndef METRO_FOLLOWING_H
#define METRO_FOLLOWING_H

#include "event_loop.h"
#include "monitor.h"

struct following {
	/* Set by the owner before the start. */
	void (*changed)(void *arg); /* interfaces or addresses have: time for following_look */
	void (*leaving)(void *arg); /* before one goes, while its name and tags are known */
	void *arg;

	/* Its own. */
	struct event_loop *loop;
	struct monitor monitor;
	int watch; /* -1: not started */
};

/* Begins to watch, and gathers the interfaces that the configuration names. Returns 0 or -errno; to
 * be stopped in any case. */
int following_start(struct following *f, struct event_loop *loop, const struct config *config);

/* Peers, monitor and backend follow what interfaces there are now. */
void following_look(struct following *f, struct backend *backend, struct peers *peers);

/* The backend must have been detached from all. */
void following_stop(struct following *f);

#endif
