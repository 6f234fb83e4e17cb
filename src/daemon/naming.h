/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Names: has a resolver look up those of the configuration beside the loop, and puts what it finds
 * into the peers. Whoever waits for an answer is told.
 */
#ifndef METRO_NAMING_H
#define METRO_NAMING_H

#include "event_loop.h"
#include "peers.h"
#include "resolver.h"

/* What others do with answers. All of them are called from the event loop. */
struct naming_ops {
	/* The lookup of this host has ended, with or without an address. */
	void (*heard)(void *arg, const char *host);
	/* The server has these addresses, one or more. */
	void (*server)(void *arg, const struct address *addrs, size_t count);
	/* Other addresses are to be measured: tell the backends. */
	void (*changed)(void *arg);
};

struct naming {
	/* Set by the owner before the start. */
	const struct naming_ops *ops;
	void *arg;

	/* Its own. */
	struct event_loop *loop;
	struct resolver *resolver; /* NULL: not started */
	struct peers *peers;       /* into which names go; borrowed */
};

/* Starts, with nothing to look up yet. Returns 0 or -errno, reported. */
int naming_start(struct naming *n, struct event_loop *loop);

/* What to look up from now on: this configuration's names, for its peers, and the server's (NULL:
 * none). The peers must live until the next call or the end. Returns 0, or -errno, reported. */
int naming_follow(struct naming *n, const struct config *config, struct peers *peers,
		  const char *server);

/* Does not wait for lookups that hang. Does nothing if it was not started. */
void naming_stop(struct naming *n);

#endif
