/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is known of names: the addresses of the configuration's hosts, and what addresses are called
 * in reverse. */
#ifndef METRO_PEER_NAMES_H
#define METRO_PEER_NAMES_H

#include "address.h"
#include "hash.h"

#include <stddef.h>

/*
 * An address that a host had. Names with many addresses are answered with a few of them at a time,
 * and connections outlive the answer they came from: an address that has left the answer is kept,
 * and still measured, until it had no flows for a while. After that its name is still known for a
 * while, for what has yet to be reported. (Cilium's DNS proxy keeps addresses in this way, and has
 * learned to set a bound: --tofqdns-max-deferred-connection-deletes.)
 */
struct former_address {
	struct address addr;
	bool kept;
	bool had_flows; /* seen since it left the answer */
	__u64 alive_ns; /* when it left the answer, or a flow was last seen */
	__u64 until_ns; /* once it is no longer kept: its name is known until then; both
			   CLOCK_MONOTONIC */
};

#define KEPT_MAX                                                                                   \
	512 /* kept addresses of a host; beyond that, those not alive for longest are dropped */
#define FORMER_MAX 2048 /* including those that are no longer kept */

/* A host name of the configuration and its present addresses. */
struct host {
	const char *name;      /* the configuration's; the key */
	char *shown;           /* without the trailing dot of a complete name */
	struct address *addrs; /* sorted, each once */
	size_t count;
	struct former_address *former; /* kept ones first */
	size_t former_count;
	bool crowded; /* addresses with flows had to be dropped */
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

/* Adds a host without addresses, unless it is known. The name must live as long. Returns 0 or
 * -ENOMEM. */
int peer_names_add_host(struct peer_names *names, const char *name);

/* NULL: it is not known. */
struct host *peer_names_host(const struct peer_names *names, const char *name);

/* Gives a host these addresses, in any order. Its old ones are kept; if they are too many, the
 * names of the others stay known for named_ns. Returns 1 if that changed anything, 0 if not,
 * -ENOMEM. */
int peer_names_set_host(struct host *host, const struct address *addrs, size_t count,
			__u64 named_ns);

/* Copies another host's addresses, kept ones included, to a host that has none. Returns 0 or
 * -ENOMEM. */
int peer_names_copy_host(struct host *host, const struct host *from);

/* There are flows to a kept address. */
void peer_names_see_flow(struct former_address *kept);

/* Stops keeping addresses that had no flow for idle_ns. Returns true if that changed anything. */
bool peer_names_forget_idle(struct host *host, __u64 idle_ns, __u64 named_ns);

/* Is the time over? 0 never is. */
bool peer_names_is_over(__u64 until_ns);

/* The name of an address, or NULL. */
const char *peer_names_reverse(const struct peer_names *names, const struct address *addr);

/* Copies the name. Returns 1 if that changed anything, 0 if not, -ENOMEM. */
int peer_names_set_reverse(struct peer_names *names, const struct address *addr, const char *name);

#endif
