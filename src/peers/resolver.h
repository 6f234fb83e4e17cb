/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Looks up names beside the event loop, since the C library may block for half a minute and answers
 * change. Three kinds, each with threads of its own, so that none keeps another waiting: the
 * addresses of the configuration's hosts and of the StatsD server, and the names of the addresses
 * among ips, slowly, since those may be thousands. Everything is looked up at the start, then again
 * and again.
 */
#ifndef METRO_RESOLVER_H
#define METRO_RESOLVER_H

#include "config.h"

struct resolver;

/* The usual pace. */
#define RESOLVER_RETRY_MS       5000 /* after the first failure; doubles up to the refresh */
#define RESOLVER_REVERSE_GAP_MS 10   /* from one address's lookup to the next one's */

struct resolver_pace {
	unsigned int refresh_ms; /* between lookups that succeed */
	unsigned int retry_ms;
	unsigned int reverse_gap_ms;
};

enum resolved { RESOLVED_HOST, RESOLVED_ADDRESS, RESOLVED_SERVER };

/* The result of a lookup. It belongs to the resolver and is valid until the next call. */
struct resolver_result {
	enum resolved kind;

	/* RESOLVED_HOST, RESOLVED_SERVER */
	const char *host;            /* as in the configuration; else NULL */
	const struct address *addrs; /* sorted, each once */
	size_t count;                /* 0: the lookup failed, so keep the old addresses */
	const char *error;           /* why, or NULL */

	/* RESOLVED_ADDRESS: only delivered when there is a name */
	struct address address;
	const char *name; /* a valid host name without trailing dot; else NULL */
};

/* Makes a resolver that looks nothing up yet. pace NULL means the constants above and the
 * configuration's resolve_interval. Returns 0, or -errno, reported. */
int resolver_start(struct resolver **resolver, const struct resolver_pace *pace);

/*
 * Sets what to look up: the configuration's hosts, the addresses among its ips unless reverse_names
 * is off, and the server (NULL: none). Neither argument is needed afterwards. Hosts and server are
 * looked up at once, addresses that were looked up before when they are due. Waiting results for
 * other names are dropped. Returns 0, or -errno, reported, and nothing changes.
 */
int resolver_look_up(struct resolver *resolver, const struct config *config, const char *server);

/* A descriptor that is readable when results wait; it stays the same as long as the resolver lives.
 */
int resolver_fd(const struct resolver *resolver);

/* The next result, if one waits: returns true, and logs if the host's state changed. Call it until
 * it returns false, which makes the descriptor unreadable. */
bool resolver_take(struct resolver *resolver, struct resolver_result *result);

/* Ends it without waiting for lookups that hang. Accepts NULL. */
void resolver_stop(struct resolver *resolver);

#endif
