/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Takes hold of interfaces beside the event loop: that takes the kernel some 20 ms for each, and
 * 200 may appear at once. So does letting go of them, and asking the kernel whether they are still
 * held. The loop submits jobs and takes their results; what measures is changed by the loop alone.
 */
#ifndef METRO_ATTACHING_H
#define METRO_ATTACHING_H

#include "backend.h"

struct attaching;

enum attaching_kind { ATTACHING_OPEN, ATTACHING_CHECK, ATTACHING_SHUT };

/* A job, and what came of it. */
struct attaching_job {
	enum attaching_kind kind;
	struct backend *backend;
	struct interface interface;
	unsigned int ways; /* .. that are to be measured there */
	struct hold *hold; /* to be checked or shut, or what was opened */
	int err;           /* -errno .. */
	char reason[BACKEND_REASON];
	struct attaching_job *next;
};

/* Returns 0, or -errno. Signals must be blocked, so that its thread does not get them. */
int attaching_start(struct attaching **attaching);

/* Waits for the job that is under way, does those that shut something, and leaves out the others.
 * NULL is fine. */
void attaching_stop(struct attaching *attaching);

/* Readable when a job is done that has something to say. */
int attaching_fd(const struct attaching *attaching);

/* Submits a job. Opening comes before checking, and that before shutting. Returns 0 or -errno. */
int attaching_open(struct attaching *attaching, struct backend *backend,
		   const struct interface *interface, unsigned int ways);
int attaching_check(struct attaching *attaching, struct backend *backend, struct hold *hold);

/* Do some of those that are to be checked still wait for it? */
bool attaching_is_checking(struct attaching *attaching);

/* The hold must have been released. first: before anything else, since the same interface is to be
 * opened again. Without memory for a job, or a thread, it is done here and now. */
void attaching_shut(struct attaching *attaching, struct backend *backend, struct hold *hold,
		    bool first);

/* The result of a job that opened or checked something: the caller frees it, and owns the hold that
 * was opened. NULL: there is none yet. Of a hold that has been shut since it was checked, none
 * comes.
 */
struct attaching_job *attaching_take(struct attaching *attaching);

/* Forgets what has not been begun, and waits until nothing is under way: the backend can go. What
 * has been opened and not been taken is shut. The thread ends, until there is another job. */
void attaching_cancel(struct attaching *attaching);

#endif
