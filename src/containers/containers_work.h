/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the thread that looks for containers shares with the event loop. */
#ifndef METRO_CONTAINERS_WORK_H
#define METRO_CONTAINERS_WORK_H

#include <pthread.h>
#include <stdatomic.h>

#include "containers.h"
#include "far_ends.h"

/* An interface. What is known of it is under the lock. */
struct watched {
	__u32 ifindex;
	struct far_end end;     /* that found is of */
	struct container found; /* by the thread; empty: none */
	bool ready;             /* the event loop does not know yet */
};

/* Freed by whoever leaves last: the event loop, or the thread in a walk while all was stopped. */
struct watch_list {
	pthread_mutex_t lock;
	pthread_cond_t gone; /* the thread is */
	bool running;        /* it is there */
	bool abandoned;      /* the event loop is gone: the thread cleans up */
	atomic_bool stopping;
	int wake_fd;  /* tells the thread that the list has changed; closed with the list */
	int event_fd; /* tells the event loop; its own, not to be touched when stopping */
	struct containers_pace pace;
	bool added;         /* interfaces, that no walk was for yet */
	struct watched *at; /* by ifindex; the event loop alone replaces it */
	size_t count;
	int error;         /* of the last walk */
	unsigned int vain; /* walks in a row that saw no process in any of the namespaces */
};

/* NULL: out of memory, or of descriptors; errno is set. */
struct watch_list *watch_list_new(void);
void watch_list_free(struct watch_list *list);

/* The body of the thread. */
void *containers_work(void *list);

#endif
