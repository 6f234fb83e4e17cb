/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The interfaces that the configuration names: attached while they are there, else waited for. */
#ifndef METRO_MONITOR_H
#define METRO_MONITOR_H

#include "backend.h"
#include "silence.h"

struct monitored; /* one interface */

struct monitor {
	struct monitored *first;
	void (*leaving)(void *arg); /* called before an interface that is gone is detached from */
	void *arg;
	__u64 reattached; /* times that measuring began again where it had been lost */
};

/* Makes the list match the configuration. Interfaces that it no longer has are detached
 * from the backend (which may be NULL). Returns 0 or -ENOMEM. */
int monitor_configure(struct monitor *monitor, const struct config *config,
		      struct backend *backend);

/* Attaches a new backend to all interfaces. Returns -errno, explained in reason, if none of them is
 * there, or anything else goes wrong with one. */
int monitor_start(struct monitor *monitor, struct backend *backend, char reason[BACKEND_REASON]);

/* Attaches to interfaces that have come, leaves those that have gone, and attaches again where the
 * backend says that it does not measure any more. An interface that is configured by several of its
 * names is measured once. What goes wrong is reported once, and tried again with each call. */
void monitor_follow(struct monitor *monitor, struct backend *backend);

/* To be called at the end of each interval: says what may be the reason where no sample comes. */
void monitor_explain(struct monitor *monitor, struct backend *backend, const struct peers *peers,
		     const struct silence_terms *terms);

/* Detaches from all interfaces. */
void monitor_detach(struct monitor *monitor, struct backend *backend);

void monitor_free(struct monitor *monitor);

#endif
