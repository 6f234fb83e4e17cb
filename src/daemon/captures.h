/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The capture files of a configuration (interface: file): read once, one after the other and in
 * steps, between which the event loop goes on. What is read of a file is measured for the peers of
 * the instances that name it.
 */
#ifndef METRO_CAPTURES_H
#define METRO_CAPTURES_H

#include "backend.h"
#include "config.h"

struct captures;

enum captures_state {
	CAPTURES_WAITING, /* for the addresses of hosts, but not for long */
	CAPTURES_READING, /* captures_step has something to do */
	CAPTURES_DONE,    /* there is nothing more to read, or never was */
};

/* Gathers the files. *captures becomes NULL, which the functions below accept, if there are none.
 * Keeps nothing of the configuration. Returns 0 or -errno. */
int captures_new(struct captures **captures, const struct config *config);

enum captures_state captures_state(const struct captures *captures);

/* A timer that is readable when the wait for addresses is over; -1: there is none. */
int captures_timer(const struct captures *captures);
void captures_wait_no_longer(struct captures *captures);

/* The lookup of this host has ended, with or without an address. */
void captures_heard(struct captures *captures, const char *host);

/* Reads on for some milliseconds, for these peers, which may be others than those of the last step,
 * but have inherited from them. What goes wrong is reported. */
void captures_step(struct captures *captures, const struct backend_settings *settings,
		   const struct peers *peers);

/* Delivers what has been measured of a file that is not read to its end, and frees all. Returns 0,
 * or the first -errno that a file had, reported. */
int captures_end(struct captures *captures, const struct peers *peers);

#endif
