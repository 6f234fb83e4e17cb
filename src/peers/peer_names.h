/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is known of names: the addresses of the configuration's hosts, and what addresses are called
 * in reverse. */
#ifndef METRO_PEER_NAMES_H
#define METRO_PEER_NAMES_H

#include "address.h"

#include <stddef.h>
#include <uthash.h>

/* An address that a host had: what was measured for it is still to be reported. */
struct former_address {
	struct address addr;
	__u64 until_ns; /* CLOCK_MONOTONIC */
};

/* A host name of the configuration and its present addresses. */
struct host {
	const char *name;      /* the configuration's; the key */
	char *shown;           /* without the trailing dot of a complete name */
	struct address *addrs; /* sorted, each once */
	size_t count;
	struct former_address *former;
	size_t former_count;
	UT_hash_handle hh;
};

struct reverse_name {
	struct address addr; /* the key */
	char *name;
	UT_hash_handle hh;
};

/* Begins as zeros. */
struct peer_names {
	struct host *hosts;
	struct reverse_name *reverse;
};

void peer_names_clear(struct peer_names *names);

/* Makes a host known, without addresses, unless it is. The name must live as long. Returns 0 or
 * -ENOMEM. */
int peer_names_add_host(struct peer_names *names, const char *name);

/* NULL: it is not known. */
struct host *peer_names_host(const struct peer_names *names, const char *name);

/* Gives a host these addresses, in any order. Those it had become former ones for keep_ns. Returns
 * 1 if that changed anything, 0 if not, -ENOMEM. */
int peer_names_set_host(struct host *host, const struct address *addrs, size_t count,
			__u64 keep_ns);

/* Is the time over? 0 never is. */
bool peer_names_is_over(__u64 until_ns);

/* The name of an address, or NULL. */
const char *peer_names_reverse(const struct peer_names *names, const struct address *addr);

/* Copies the name. Returns 1 if that changed anything, 0 if not, -ENOMEM. */
int peer_names_set_reverse(struct peer_names *names, const struct address *addr, const char *name);

#endif
