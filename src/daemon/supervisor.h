/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whoever started the daemon may want to know how it is doing: systemd, by the protocol of
 * sd_notify(3), and a process that asked for a reload (reload_reply.h). Without $NOTIFY_SOCKET,
 * the former is told nothing.
 */
#ifndef METRO_SUPERVISOR_H
#define METRO_SUPERVISOR_H

#include "event_loop.h"
#include "notify.h"

struct supervisor {
	struct event_loop *loop;
	int socket; /* -1: there is none */
	struct notify_address manager;
	int watchdog; /* the timer that has it fed; -1: there is none */
	bool stale;   /* the last reload failed */
};

/* Reads the environment, and has the loop feed the watchdog if there is one: a loop that stalls
 * does not, and systemd starts the daemon anew. Never fails; what goes wrong is reported. */
void supervisor_start(struct supervisor *supervisor, struct event_loop *loop);
void supervisor_stop(struct supervisor *supervisor);

/* It measures, or said what it waits for; also at the end of a reload, of which err is the result.
 */
void supervisor_ready(struct supervisor *supervisor, const char *status);
void supervisor_reloading(const struct supervisor *supervisor);
void supervisor_reloaded(struct supervisor *supervisor, int err, const char *status);

/* It is about to end. */
void supervisor_stopping(const struct supervisor *supervisor);

/* How it is doing, one line without a newline. */
void supervisor_say(const struct supervisor *supervisor, const char *status);

/* Answers a signal with this value if it asks for that: err is how the reload went, or 0. */
void supervisor_reply(const struct supervisor *supervisor, int value, int err);

#endif
