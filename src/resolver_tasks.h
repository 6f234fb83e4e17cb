/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the resolver's threads share with the event loop: the tasks, one for each host name. */
#ifndef METRO_RESOLVER_TASKS_H
#define METRO_RESOLVER_TASKS_H

#include <pthread.h>

#include "resolver.h"

/* The outcome of one lookup. */
struct outcome {
	struct address *addrs; /* sorted, each once; owned */
	size_t count;
	char error[128]; /* empty: none */
};

struct task {
	char *host;
	__u64 due_ns;          /* CLOCK_MONOTONIC */
	bool busy;             /* a thread is at it */
	unsigned int failures; /* in a row */
	bool ready;            /* outcome waits to be taken */
	struct outcome outcome;
};

/*
 * Freed by whoever leaves last: the resolver, or a thread whose lookup hung while the resolver was
 * stopped.
 */
struct shared {
	pthread_mutex_t lock;
	pthread_cond_t wake; /* the threads: stop; the resolver: a thread is gone */
	unsigned int threads;
	bool stopping;
	bool abandoned; /* the resolver is gone: the last thread cleans up */
	int event_fd;   /* the resolver's; not to be touched when stopping */
	struct resolver_pace pace;
	struct task *tasks;
	size_t count;
};

__u64 monotonic_ns(void);
void sleep_until(struct shared *shared, __u64 ns); /* or until woken; with the lock held */

/* The body of a thread. */
void *resolver_work(void *shared);

void shared_free(struct shared *shared);

#endif
