/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Containers: has them looked for, beside the loop, at the other end of those interfaces whose
 * instances want to know. Nothing runs until there is such an instance.
 */
#ifndef METRO_IDENTIFYING_H
#define METRO_IDENTIFYING_H

#include "containers.h"
#include "event_loop.h"
#include "peers.h"

struct identifying {
	/* Set by the owner before the start; ifindex 0 stands for all interfaces. */
	struct containers_listener listener;

	/* Its own. */
	struct event_loop *loop;
	struct containers *containers; /* NULL: not started */
	__u32 *watched;                /* sorted, each once */
	size_t count;
};

/* Watches the interfaces that these peers' instances have now. What goes wrong is reported: then
 * it goes on as before. */
void identifying_look(struct identifying *i, struct event_loop *loop, const struct peers *peers);

/* What is known, until the stop; NULL: nothing is looked for. */
const struct container_table *identifying_table(const struct identifying *i);

/* Does nothing if it was not started. */
void identifying_stop(struct identifying *i);

#endif
