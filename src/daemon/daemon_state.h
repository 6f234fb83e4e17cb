/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the parts of the daemon share: daemon.c (its life and events), daemon_backend.c (what
 * measures), reload.c (SIGHUP). */
#ifndef METRO_DAEMON_STATE_H
#define METRO_DAEMON_STATE_H

#include "backend.h"
#include "captures.h"
#include "clock.h"
#include "config.h"
#include "counter_names.h"
#include "duty_cycle.h"
#include "event_loop.h"
#include "monitor.h"
#include "options.h"
#include "peers.h"
#include "resolver.h"
#include "sink.h"

struct daemon {
	const struct options *options;
	struct config *config;
	struct peers *peers;
	struct resolver *resolver;
	struct sink *sink;
	struct backend *backend; /* NULL while there are only capture files to measure */
	struct captures *captures;
	struct monitor monitor;
	struct duty_cycle duty_cycle;
	struct event_loop *loop;
	struct losses losses;
	int signals, timer, watch;
	bool sweeping; /* a report waits for the walk over all flows */
	bool stop;
	int error; /* that made it stop, 0 if asked to */
};

/* ---- daemon.c ---- */

/* Seconds between two reports. */
double daemon_interval_s(const struct daemon *d);

/* What the command line says in place of the configuration. */
void daemon_apply_options(const struct options *options, struct config *config);

/* Has the sink take the samples. */
void daemon_deliver(void *arg, const struct delivery *delivery);

/* Level and file as options and configuration say; the file is opened anew. */
void daemon_follow_log(struct daemon *d);

/* The resolver looks up the present configuration's names. Returns 0 or -errno, reported. */
int daemon_follow_names(struct daemon *d);

/* ---- daemon_backend.c ---- */

struct backend_settings daemon_backend_settings(struct daemon *d);

/* Is there an instance that measures an interface? */
bool daemon_has_interfaces(const struct config *config);

/* Starts the backend that the options allow and the host can, and waits for its events. Returns 0,
 * or -errno, reported. */
int daemon_backend_start(struct daemon *d);
void daemon_backend_close(struct daemon *d);

/* Tells the backend that peers have changed, and delivers what former ones still had. */
void daemon_peers_changed(struct daemon *d);

/* What was taken in so far is reported; counters become the backend's, which must be there. */
void daemon_report(struct daemon *daemon, __u64 counters[COUNTERS]);

/* A whole walk over the flows, after the rest of one that may be under way. */
void daemon_sweep_all(struct daemon *d);

/* ---- reload.c ---- */

/* Loads the configuration again. A file with mistakes is reported and changes nothing. */
void daemon_reload(struct daemon *d);

#endif
