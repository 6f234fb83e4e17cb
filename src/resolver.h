/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Looks up the configuration's host names beside the event loop: getaddrinfo may block for half a
 * minute, and addresses change. Every name is looked up at once, then again and again.
 */
#ifndef METRO_RESOLVER_H
#define METRO_RESOLVER_H

#include "config.h"

struct resolver;

#define RESOLVER_REFRESH_MS 300000 /* between lookups that succeed */
#define RESOLVER_RETRY_MS   5000   /* after the first failure; doubles up to the refresh */

struct resolver_pace {
	unsigned int refresh_ms;
	unsigned int retry_ms;
};

/* What a lookup brought. It belongs to the resolver and holds until the next call with it. */
struct resolver_result {
	const char *host;            /* as in the configuration */
	const struct address *addrs; /* sorted, each once */
	size_t count;                /* 0: the lookup failed, so keep the addresses of before */
	const char *error;           /* why, or NULL */
};

/* Starts looking up. pace NULL means the constants above. The configuration is not needed any more
 * afterwards. Without host names no thread is started, and results never come. Returns 0, or
 * -errno, reported. */
int resolver_start(struct resolver **resolver, const struct config *config,
		   const struct resolver_pace *pace);

/* Readable when results wait. */
int resolver_fd(const struct resolver *resolver);

/* The next result, if one waits: returns true, and logs if the host's state changed. Call it until
 * it returns false, which makes the descriptor unreadable. */
bool resolver_take(struct resolver *resolver, struct resolver_result *result);

/* Ends it without waiting for lookups that hang. Accepts NULL. */
void resolver_stop(struct resolver *resolver);

#endif
