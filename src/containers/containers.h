/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which container is at the other end of an interface, found beside the event loop by a thread that
 * walks over /proc: when interfaces are added, when a container that it found ends, and else every
 * ten seconds; less often where walks take more than a hundredth of a CPU.
 */
#ifndef METRO_CONTAINERS_H
#define METRO_CONTAINERS_H

#include "container_table.h"

#include <stddef.h>

struct containers;

struct containers_pace {
	unsigned int rescan_ms; /* where all is known, or an application did not come for long */
	unsigned int gap_ms; /* from one walk to the next at least, and while one is waited for */
};

/* The usual pace. */
#define CONTAINERS_RESCAN_MS 10000
#define CONTAINERS_GAP_MS    1000

/* What is called when containers have changed. */
struct containers_listener {
	/* Some interface's container gives way to another: called before, while everything is as it
	 * was. */
	void (*before)(void *arg);
	/* This interface's container has changed, or was found. */
	void (*changed)(void *arg, __u32 ifindex);
	void *arg;
};

/* Watches nothing yet. pace NULL means the usual one. Returns 0, or -errno, reported. */
int containers_start(struct containers **containers, const struct containers_pace *pace);

/* The interfaces to watch from now on, in any order, each once. What is known of those that stay is
 * kept; of those that come nothing is known until containers_follow says so. Returns 0 or -ENOMEM,
 * and then everything is as before. */
int containers_watch(struct containers *containers, const __u32 *ifindices, size_t count);

/* Readable when something was found; the same as long as this lives. */
int containers_fd(const struct containers *containers);

/* Takes what was found, calls the listener, and logs what is missing to find containers at all,
 * once. */
void containers_follow(struct containers *containers, const struct containers_listener *listener);

/* What is known, the same table as long as this lives. A container that has ended is not known any
 * more, but its pod is while a sandbox is left: what comes next may be another container's. */
const struct container_table *containers_table(const struct containers *containers);

/* Ends it, without waiting for a walk that is under way. Accepts NULL. */
void containers_stop(struct containers *containers);

#endif
