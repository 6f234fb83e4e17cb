/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whom to measure, by interface: the addresses and networks of the configuration's instances and
 * what their host names resolve to. The backends take their filters from here, the sinks names and
 * tags. Each capture file counts as an interface, under a number that no real one has; no backend
 * needs a filter for them. Interfaces with the same instances share a set of peers (peers_sets.h).
 */
#ifndef METRO_PEERS_H
#define METRO_PEERS_H

#include "config.h"
#include "peers_sets.h"
#include "prefix.h"

struct peers;

/* One prefix to measure. name is set where the configuration gave a host name, else NULL. */
struct peer {
	__u32 set;
	struct prefix prefix;
	const char *name;
	const struct instance *instance;
};

/* Builds the table, for the interfaces that are there (NULL: none). The configuration must outlive
 * it. Returns 0 or -ENOMEM. */
int peers_new(struct peers **peers, const struct config *config, const struct links *links);
void peers_free(struct peers *peers);

/* What stands for the interface index with the peers of a capture file, as long as there are
 * instances that read it, also from one table to the one that inherits it. 0: there are none. */
__u32 peers_file_index(const struct peers *peers, const char *path);

enum peers_change {
	PEERS_SAME,       /* nothing has changed .. */
	PEERS_INTERFACES, /* .. but interfaces came to sets that there were, or went: the backends
			     are to be told of interfaces alone */
	PEERS_SETS,       /* .. there are other sets: they are to be told everything */
};

/* These interfaces are there now. Calls before(arg), if that changes anything, while everything
 * still is as it was. Without memory everything stays so, which is reported. */
enum peers_change peers_follow_links(struct peers *peers, const struct links *links,
				     void (*before)(void *arg), void *arg);

/* ---- names, as the resolver finds them ---- */

/* A host name's addresses now, in place of what it had before. Takes effect with peers_update, so
 * that many names cost one update. Addresses that go are kept, and measured as before, while they
 * have flows and for idle_ttl after that. Returns 1 if they differ, 0 if not, -ENOMEM: then they
 * are as before. */
int peers_set_host(struct peers *peers, const char *host, const struct address *addrs,
		   size_t count);

/* Puts the hosts' addresses in force. Returns 1 if they had changed (the backends are to be told),
 * 0 if not, -ENOMEM: then everything is as before, until the next call. */
int peers_update(struct peers *peers);

/* Are there addresses that are kept? If so, a walk over the flows tells of each one's peer; this
 * changes what is noted there, and nothing else. */
bool peers_keep(const struct peers *peers);
void peers_see_flow(const struct peers *peers, __u32 ifindex, const struct address *peer);

/* After a walk over all flows: keeps no longer what had none for idle_ttl. Returns 1 if that
 * changed anything (the backends are to be told), 0 if not, -ENOMEM: then they stay until the next
 * call. */
int peers_forget_idle(struct peers *peers);

/* The reverse name of an address among ips, for its tag; name is copied. Backends need not know.
 * Returns 1 if that changed anything, 0 if not, -ENOMEM. */
int peers_set_address_name(struct peers *peers, const struct address *addr, const char *name);

/* Takes over what another table's hosts resolved to, what is kept of them, the reverse names of
 * addresses and the numbers of capture files that are here, too: a reloaded configuration need not
 * wait for the resolver, and a file that is being read stays the same. Returns 0 or -ENOMEM. */
int peers_inherit(struct peers *peers, const struct peers *from);

/* Warns, once for each instance, where all peers are addresses of this host: their traffic does not
 * pass the interface. Instances whose hosts are not all resolved are left for later. */
void peers_warn_local(struct peers *peers);

/* ---- what to measure ---- */

/* Is this address to be measured on this interface now? Takes a hash lookup for every length of
 * prefix that is configured. */
bool peers_match(const struct peers *peers, __u32 ifindex, const struct address *addr);

/* All prefixes to measure on interfaces now, in no particular order: peers_count(peers) of them. A
 * prefix comes once for every instance of a set that lists it. The pointers hold until the table
 * next changes. */
size_t peers_count(const struct peers *peers);
const struct peer *peers_at(const struct peers *peers, size_t i);

/* The set of peers that an interface has, or 0. */
__u32 peers_set_of(const struct peers *peers, __u32 ifindex);

/* Is there anything to measure on an interface now? */
bool peers_any(const struct peers *peers, __u32 ifindex);

/* All interfaces that have one, by their numbers, capture files among them. */
size_t peers_interfaces_count(const struct peers *peers);
struct peers_interface peers_interface_at(const struct peers *peers, size_t i);

/* A resting instance's peers are not matched, nor among those above, unless another instance has
 * them; but they keep their names, entries and tags. The instances all begin awake. Returns true if
 * that changed anything (the backends are to be told). */
bool peers_rest(struct peers *peers, size_t instance_index, bool resting);

/* ---- what to call it ---- */

/* The host name that the address was configured by, or else its reverse name, without a trailing
 * dot; or NULL. Holds until names or peers next change. */
const char *peers_name(const struct peers *peers, __u32 ifindex, const struct address *addr);

/* The entry of ips or hosts that the address is measured for: the host name, or the longest prefix
 * that contains it, written to text (an address without its bits); NULL if there is none. */
const char *peers_entry(const struct peers *peers, __u32 ifindex, const struct address *addr,
			char text[PREFIX_TEXT]);

/* Calls fn once for every instance on the interface that has the address among its peers, those
 * with the longest prefix first. */
void peers_each_instance(const struct peers *peers, __u32 ifindex, const struct address *addr,
			 void (*fn)(void *arg, const struct instance *instance), void *arg);

#endif
