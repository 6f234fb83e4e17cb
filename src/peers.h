/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whom to measure, by interface: the addresses and networks of the configuration's instances and
 * what their host names resolve to. The backends take their filters from here, the sinks names and
 * tags.
 */
#ifndef METRO_PEERS_H
#define METRO_PEERS_H

#include "config.h"
#include "prefix.h"

struct peers;

/* One prefix to measure. name is set where the configuration gave a host name, else NULL. */
struct peer {
	__u32 ifindex;
	struct prefix prefix;
	const char *name;
	const struct instance *instance;
};

/* Builds the table. The configuration must outlive it. Peers of an interface that does not exist
 * now are left out until peers_refresh_interfaces finds it. Returns 0 or -ENOMEM. */
int peers_new(struct peers **peers, const struct config *config);
void peers_free(struct peers *peers);

/* Looks up the interfaces' present indices again. Returns true if any of them changed. */
bool peers_refresh_interfaces(struct peers *peers);

/* A host name's addresses as the resolver has them now, in place of what it had before. Returns 1
 * if that changed anything, 0 if not, -ENOMEM. */
int peers_set_host(struct peers *peers, const char *host, const struct address *addrs,
		   size_t count);

/* Takes over what another table's host names resolved to, so that a reloaded configuration need not
 * wait for the resolver. Returns 0 or -ENOMEM. */
int peers_inherit_hosts(struct peers *peers, const struct peers *from);

/* Is this address to be measured on this interface? Constant time for hosts, linear in networks. */
bool peers_match(const struct peers *peers, __u32 ifindex, const struct address *addr);

/* The host name that the address was configured by, without a trailing dot, or NULL. */
const char *peers_name(const struct peers *peers, __u32 ifindex, const struct address *addr);

/* The entry of ips or hosts that the address is measured for: the host name, or the longest
 * matching prefix written into text. NULL if there is none. */
const char *peers_entry(const struct peers *peers, __u32 ifindex, const struct address *addr,
			char text[PREFIX_TEXT]);

/* Calls fn once for every instance on the interface that has the address among its peers. */
void peers_each_instance(const struct peers *peers, __u32 ifindex, const struct address *addr,
			 void (*fn)(void *arg, const struct instance *instance), void *arg);

/* All prefixes on present interfaces, in no particular order: peers_count(peers) of them. A prefix
 * comes once for every instance that lists it. The pointers hold until the table next changes. */
size_t peers_count(const struct peers *peers);
const struct peer *peers_at(const struct peers *peers, size_t i);

/* The name of a configured interface, or NULL. */
const char *peers_interface_name(const struct peers *peers, __u32 ifindex);

#endif
