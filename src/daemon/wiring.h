/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The daemon's services, and what connects them. No service knows another: when one reports
 * something that another must act on, that goes through here.
 */
#ifndef METRO_WIRING_H
#define METRO_WIRING_H

#include "captures.h"
#include "control.h"
#include "daemon_settings.h"
#include "duty_cycle.h"
#include "exposing.h"
#include "following.h"
#include "identifying.h"
#include "naming.h"
#include "reporting.h"
#include "status.h"
#include "supervisor.h"
#include "watching.h"

struct wiring {
	const struct daemon_settings *settings;
	struct event_loop *loop;
	struct plan plan;
	struct measuring measuring;
	struct following following;
	struct reporting reporting;
	struct exposing exposing;
	struct naming naming;
	struct identifying identifying;
	struct captures *captures; /* NULL: there are none to be read */
	struct duty_cycle duty_cycle;
	struct control *control; /* NULL: nobody can ask */
	__u64 started_ms;        /* CLOCK_MONOTONIC */
	struct supervisor supervisor;
	struct status status;
	struct watching watching;

	char refused[BACKEND_REASON]; /* why BPF is to be given up; "": it is not */

	bool over; /* it was asked to stop, or there is nothing more to do .. */
	int error; /* .. because of this, or 0 */
};

/* Connects the services, none of which is started. Takes over the configuration. */
void wiring_init(struct wiring *w, const struct daemon_settings *settings, struct config *config);

/* Of the services that know no event loop, starts one on it. Return 0 or -errno, reported. */
int wiring_start_captures(struct wiring *w);
int wiring_start_duty_cycle(struct wiring *w);

/* Ends them. The first returns 0, or -errno if a file could not be read, reported. Both may be
 * called again, and without a start. */
int wiring_end_captures(struct wiring *w);
void wiring_stop_duty_cycle(struct wiring *w);

/* Has containers looked for, as far as interfaces that are there now want it; and the sink know of
 * them. What goes wrong is reported. */
void wiring_identify(struct wiring *w);

/* All counters since the start. */
void wiring_count(struct wiring *w, __u64 counters[COUNTERS]);

/* Writes what it measures with what. */
void wiring_state(const struct wiring *w, char text[STATUS_SIZE]);

/* Writes what it does now, for the supervisor. */
void wiring_status(const struct wiring *w, char text[STATUS_SIZE]);

/* One turn of the loop, which waits unless there is something to do. Returns 0 or -errno. */
int wiring_turn(struct wiring *w);

/* Was it asked to stop, is everything done, or can output no longer be written? */
bool wiring_is_over(const struct wiring *w);

/* Reports what backend and sink have taken in; counters become all since the start. There must be a
 * backend. */
void wiring_report(struct wiring *w, __u64 counters[COUNTERS]);

#endif
