/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The interfaces that the configuration means: measured while they are there, each once, whatever
 * it is called, and waited for otherwise. Holds are opened and shut beside the loop (attaching.h).
 */
#ifndef METRO_MONITOR_H
#define METRO_MONITOR_H

#include "attaching.h"
#include "awaited.h"
#include "burst.h"
#include "silence.h"

struct monitored; /* one interface */

struct monitor {
	/* Set by the owner before the start. */
	struct attaching *attaching;
	bool must_find;             /* with no interface there is no start */
	void (*leaving)(void *arg); /* before one is no longer measured, or under another name */
	/* The first interface ever cannot be opened, for this reason: returns whether another
	 * backend will be tried, so that there is nothing to say. */
	bool (*refused)(void *arg, const char *reason);
	void *arg;

	/* Its own. */
	const struct config *config;
	struct monitored *first;
	unsigned int measured, opening; /* how many are */
	bool untried;                   /* the backend: there was no interface at its start */
	struct awaited awaited;
	struct burst burst;
	__u64 reattached; /* times that measuring began again after it had been lost */
};

/* This is the configuration from now on, and until the next call. Takes effect with the next look.
 * Returns 0 or -ENOMEM. */
int monitor_configure(struct monitor *monitor, const struct config *config);

/* Starts with a new backend. Interfaces that are named are opened here and now, and one of the
 * others at least: what goes wrong with that, or with any that is named, is returned as -errno,
 * explained in reason. The others follow beside the loop. */
int monitor_start(struct monitor *monitor, struct backend *backend, const struct links *links,
		  char reason[BACKEND_REASON]);

/* These are the interfaces now: those that have come are opened, those that have gone are left, and
 * those that have another name go by that. What could not be opened is tried again where it has
 * changed, or if retry is set, which is said once. Returns what monitor_take does. */
__u64 monitor_look(struct monitor *monitor, struct backend *backend, const struct links *links,
		   bool retry);

/* Asks the kernel, beside the loop, whether it still measures where it should. */
void monitor_check(struct monitor *monitor, struct backend *backend);

/* To be called when attaching has results: measures what was opened, and opens again what is not
 * held any more. Returns 0, or in how many nanoseconds there will be something to say: then it is
 * to be called again. */
__u64 monitor_take(struct monitor *monitor, struct backend *backend);

/* To be called at the end of each interval: says what may be the reason where no sample comes. */
void monitor_explain(struct monitor *monitor, struct backend *backend, const struct peers *peers,
		     const struct silence_terms *terms);

/* Calls interface for each one that is there, with the hold on it, or NULL: it is down, or waits to
 * be opened; and awaited for each term of the configuration that means none. */
void monitor_each(const struct monitor *monitor,
		  void (*interface)(void *arg, const char *name, const struct hold *hold),
		  void (*awaited)(void *arg, const char *term), void *arg);

/* Leaves all interfaces. The backend is not used beyond this call. */
void monitor_detach(struct monitor *monitor, struct backend *backend);

void monitor_free(struct monitor *monitor);

#endif
