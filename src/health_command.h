/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* bpf-metro --health: asks a daemon that runs, and says how it is. */
#ifndef METRO_HEALTH_COMMAND_H
#define METRO_HEALTH_COMMAND_H

#include "options.h"

/* What scripts, engines and probes go by. */
enum health_status {
	HEALTH_WELL = 0,
	HEALTH_ILL = 1,    /* or it does not answer in time */
	HEALTH_WRONG = 2,  /* the configuration is wrong, or has no control socket */
	HEALTH_NOBODY = 3, /* no daemon listens there, or this user may not ask */
};

/* Prints one line: for people, or the whole answer as JSON. Takes two seconds at most. */
enum health_status health_command(const struct options *options);

#endif
