/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the process may do, less with each phase of its life: its user, its capabilities, and its
 * system calls. Each phase says at debug level what is left.
 *
 *   privileges_start     before anything is read
 *   privileges_settle    another user
 *   privileges_seal      no more files of root's, a filter of system calls
 *   privileges_keep      what the backend that is used needs to go on
 *   privileges_offline   in place of the latter: nothing at all
 *   privileges_checking  likewise, but for reading a configuration
 *
 * Capabilities are each thread's own: all of this is for the only thread, and threads that are
 * started later inherit what there is then, or call privileges_shed_thread. Without
 * privileges_start, as in unit tests, none of it does anything.
 */
#ifndef METRO_PRIVILEGES_H
#define METRO_PRIVILEGES_H

#include "types.h"

#define PRIVILEGES_USER "bpf-metro" /* who root becomes, if there is such a user */

/* What is needed, or'ed together. */
enum {
	NEED_BPF = 1,     /* load programs, attach them, change their maps */
	NEED_PACKETS = 2, /* sockets of libpcap's */
	NEED_MEMORY = 4,  /* the first load before Linux 5.11: RLIMIT_MEMLOCK is raised */
	NEED_OTHERS = 8,  /* /proc of others where it is mounted with hidepid, if that is so */
};

struct privileges_terms {
	const char *user;   /* --user; NULL: PRIVILEGES_USER, if it can be had */
	unsigned int needs; /* from here on */
	bool screen;        /* a terminal's modes are changed */
	bool watched;       /* by somebody who has just typed the command: no news of no use */
};

/* Gives up what measuring has no use for. May be called again. */
void privileges_start(void);

/* In its place, for --probe: gives nothing up, and puts into effect what is permitted, as
 * privileges_start does. */
void privileges_asking(void);

/* Says at debug level what there is in this phase. The others do so by themselves. */
void privileges_tell(const char *phase);

/* Becomes the user, if it is root that has started us. Returns 0, or -errno, reported: the user
 * that was asked for cannot be had. */
int privileges_settle(const struct privileges_terms *terms);

/* What was opened with root's rights is open. Filters system calls. */
void privileges_seal(void);

/* From here on, no more than this is needed: NEED_.. */
void privileges_keep(const char *phase, unsigned int needs);

/* Was that needed when the privileges were settled? */
bool privileges_cover(unsigned int needs);

/* After settle, for what root may read. */
void privileges_reading(void);

/* Nothing is left; then nothing can be opened or started, unless names are still to be looked up.
 * screen: a terminal's modes are changed. */
void privileges_offline(void);
void privileges_offline_seal(bool looks_up, bool screen);

void privileges_checking(void);

/* The calling thread keeps these alone: NEED_.. */
void privileges_shed_thread(unsigned int needs);

/* Between settle and seal, a file that the new user may not open can be opened with root's rights,
 * unless it is the user who decides what is there under that name. If this returns true, try again,
 * and then call privileges_return. */
bool privileges_lend(const char *path);
void privileges_return(void);

/* What to do about an error, to be put behind it: "" or "; .." */
const char *privileges_advice(int err);

#endif
