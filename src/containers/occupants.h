/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The containers whose processes share a network namespace, and which of them the namespace is
 * called by. */
#ifndef METRO_OCCUPANTS_H
#define METRO_OCCUPANTS_H

#include <stddef.h>
#include <sys/types.h>

#include "container.h"

struct occupant {
	struct container container;
	char *path; /* of its cgroup */
	pid_t pid;  /* of its first process */
	bool idle;  /* that one does nothing but hold a pod's namespaces .. */
	bool alone; /* .. and there is no other */
};

/* Begins as zeros. */
struct occupants {
	struct occupant *at;
	size_t count;
	size_t processes; /* in all */
	bool host;        /* it is the namespace of the host itself */
};

/* Who a namespace is called by. */
struct resident {
	struct container container; /* without an id if that is not clear; empty: of none */
	pid_t pid;                  /* of one of its processes; 0: there is none */
	bool settled; /* else something better may come: the application is not there yet */
};

/* Counts a process that is in the container whose cgroup has this path. name is what
 * /proc/PID/comm says. Returns 0 or -ENOMEM. */
int occupants_add(struct occupants *occupants, pid_t pid, const struct container *container,
		  const char *path, const char *name);

/* Is this container among them? If so, its other processes' names need not be known. */
struct occupant *occupants_find(const struct occupants *occupants, const char *id);

/*
 * Containers inside of another one that is there, too, do not count (they share its network); nor
 * does the sandbox of a pod (pause, and podman's catatonit, alone in its cgroup) beside others.
 * If one is left, it is that. Of a sandbox alone the pod is told, but no container: nothing is
 * known of that id where metrics go. With several, the pod is told that all are in.
 */
struct resident occupants_choose(const struct occupants *occupants);

void occupants_clear(struct occupants *occupants);

#endif
