/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Interfaces come, go and change their names: watches for that, and has peers, monitor and backend
 * follow. They come in bursts: it looks FOLLOWING_WAIT_MS after the first news of one, by when an
 * interface has got its name and its place, and then as often as costs a tenth of the time at most.
 */
#ifndef METRO_FOLLOWING_H
#define METRO_FOLLOWING_H

#include "event_loop.h"
#include "monitor.h"
#include "relations.h"

#define FOLLOWING_WAIT_MS 50

struct following {
	/* Set by the owner before the start. */
	bool must_find;             /* without any of the interfaces there is no start */
	void (*changed)(void *arg); /* interfaces or addresses have: time for following_look */
	void (*opened)(void *arg);  /* beside the loop: time for following_take */
	void (*leaving)(void *arg); /* before one goes, while its name and tags are known */
	bool (*refused)(void *arg, const char *reason); /* as monitor.h has it */
	void *arg;

	/* Its own. */
	struct event_loop *loop;
	struct monitor monitor;
	struct relations relations;
	const struct config *config;
	bool routes; /* who has default routes matters */
	bool filters_changed;
	__u64 looked_ns,
		checked_ns; /* CLOCK_MONOTONIC: when the last look, and check, was over .. */
	__u64 look_cost_ns; /* .. and how long the look took */
	__u64 due_ns;       /* .. and when the next look is; 0: at no set time */
	int watch, timer;   /* -1: not started */
};

/* Begins to watch, for the interfaces that the configuration means. Returns 0 or -errno; to be
 * stopped in any case. */
int following_start(struct following *f, struct event_loop *loop, const struct config *config);

/* Another configuration is in force: takes effect with the next look. */
void following_configure(struct following *f, const struct config *config);

/* A new backend begins with the interfaces that there are. -errno is explained in reason. */
int following_attach(struct following *f, struct backend *backend, char reason[BACKEND_REASON]);

/* Peers, monitor and backend follow what interfaces there are now. check: whatever happened, and
 * what could not be measured is tried again. */
void following_look(struct following *f, struct backend *backend, struct peers *peers, bool check);

/* What was opened beside the loop is measured. */
void following_take(struct following *f, struct backend *backend);

/* The backend must have been detached from all. */
void following_stop(struct following *f);

#endif
