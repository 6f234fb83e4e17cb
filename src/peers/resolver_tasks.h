/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the resolver's threads share with the event loop: the tasks, one for each name or address.
 */
#ifndef METRO_RESOLVER_TASKS_H
#define METRO_RESOLVER_TASKS_H

#include <pthread.h>

#include "lookup.h"
#include "resolver.h"

struct task {
	enum resolved kind;
	char *host; /* owned; NULL for an address */
	struct address address;

	/* under the lock */
	__u64 due_ns;          /* CLOCK_MONOTONIC */
	bool busy;             /* a thread is looking it up */
	bool dropped;          /* no longer wanted: the thread that is looking it up frees it */
	bool ready;            /* outcome waits to be taken */
	unsigned int failures; /* in a row */
	unsigned int families; /* of its addresses so far */
	struct outcome outcome;
	struct task *next_ready;

	/* the event loop's alone */
	enum { UNKNOWN, RESOLVED, FAILING } state;
	struct outcome known; /* what was found last */
};

#define LANES 3

/* The tasks of one kind and their threads. */
struct lane {
	struct shared *shared;
	pthread_cond_t wake;
	unsigned int threads;
	struct task **due; /* a heap, the first one due in front; busy ones are not in it */
	size_t due_count;
	__u64 gap_ns;  /* from the start of one lookup to the next */
	__u64 next_ns; /* no lookup starts before this */
};

/*
 * Freed by the last user: the resolver, or a thread whose lookup hung while the resolver was
 * stopped.
 */
struct shared {
	pthread_mutex_t lock;
	pthread_cond_t gone; /* a thread is */
	unsigned int threads;
	bool stopping;
	bool abandoned; /* the resolver has stopped: the last thread cleans up */
	int event_fd;   /* the resolver's; do not touch it while stopping */
	struct resolver_pace pace;
	struct lane lanes[LANES]; /* by enum resolved */
	struct task *ready;       /* in the order they came, .. */
	struct task **ready_end;  /* where to put the next */
	struct task **tasks;      /* sorted by task_compare; only the event loop uses it */
	size_t count;
};

/* NULL: out of memory. */
struct shared *shared_new(void);
void shared_free(struct shared *shared);

/* A task that is due at once; host is copied. NULL: out of memory. */
struct task *task_new(enum resolved kind, const char *host, const struct address *address);
void task_free(struct task *task);

/* With the lock held. The lane must have room. */
void lane_push(struct lane *lane, struct task *task);

/* Waits with the lock held, until the time or until the condition is signalled. */
void sleep_until(pthread_cond_t *condition, struct shared *shared, __u64 ns);

/* The body of a lane's thread. */
void *resolver_work(void *lane);

#endif
