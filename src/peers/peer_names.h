/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is known of names: the addresses of the configuration's hosts, and what addresses are called
 * in reverse. */
#ifndef METRO_PEER_NAMES_H
#define METRO_PEER_NAMES_H

#include "address.h"
#include "hash.h"

#include <stddef.h>

/*
 * An address that a host had. Names with many addresses tell a few of them at a time, and
 * connections outlive the answers they came from: an address that has left the answer is kept, and
 * measured as before, until it had no flows for a while. Then its name is still known for what is
 * to be reported. (Cilium's DNS proxy keeps addresses in this way, and has learned to set a bound:
 * --tofqdns-max-deferred-connection-deletes.)
 */
struct former_address {
	struct address addr;
	bool kept;
	bool had_flows; /* seen since it left the answer */
	__u64 alive_ns; /* when it left the answer, or a flow was last seen */
	__u64 until_ns; /* its name is known until then, once it is not kept; CLOCK_MONOTONIC both
			 */
};

#define KEPT_MAX                                                                                   \
	512 /* addresses of a host; beyond that, those go that were alive the longest ago */
#define FORMER_MAX 2048 /* with those that are not kept */

/* A host name of the configuration and its present addresses. */
struct host {
	const char *name;      /* the configuration's; the key */
	char *shown;           /* without the trailing dot of a complete name */
	struct address *addrs; /* sorted, each once */
	size_t count;
	struct former_address *former; /* those that are kept first */
	size_t former_count;
	bool crowded; /* addresses with flows had to go */
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

/* Gives a host these addresses, in any order. Those it had are kept; the names of those that are
 * too many are known for named_ns. Returns 1 if that changed anything, 0 if not, -ENOMEM. */
int peer_names_set_host(struct host *host, const struct address *addrs, size_t count,
			__u64 named_ns);

/* The same addresses as another's, kept ones and all, for a host that has none. Returns 0 or
 * -ENOMEM.
 */
int peer_names_copy_host(struct host *host, const struct host *from);

/* There are flows to a kept address. */
void peer_names_see_flow(struct former_address *kept);

/* Keeps no longer what had no flow for idle_ns. Returns true if that changed anything. */
bool peer_names_forget_idle(struct host *host, __u64 idle_ns, __u64 named_ns);

/* Is the time over? 0 never is. */
bool peer_names_is_over(__u64 until_ns);

/* The name of an address, or NULL. */
const char *peer_names_reverse(const struct peer_names *names, const struct address *addr);

/* Copies the name. Returns 1 if that changed anything, 0 if not, -ENOMEM. */
int peer_names_set_reverse(struct peer_names *names, const struct address *addr, const char *name);

#endif
