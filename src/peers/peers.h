/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whom to measure on which interface: the addresses and networks of the configuration's instances,
 * and what their host names resolve to. The backends take their filters from here, the sinks names
 * and tags. Each capture file counts as an interface, under a number that no real one has.
 * Interfaces with the same instances share a set of peers (peers_sets.h).
 */
#ifndef METRO_PEERS_H
#define METRO_PEERS_H

#include "config.h"
#include "peers_ports.h"
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

/* The number that stands for the interface index of a capture file; a table that inherits from this
 * one keeps it. 0: no instance reads the file. */
__u32 peers_file_index(const struct peers *peers, const char *path);

enum peers_change {
	PEERS_SAME,       /* nothing has changed .. */
	PEERS_INTERFACES, /* .. but interfaces came to sets that there were, or went: the backends
			     are to be told of interfaces alone */
	PEERS_SETS,       /* .. there are other sets: they are to be told everything */
};

/* These interfaces are there now. Calls before(arg), if any of those that were there has gone or
 * gets another set, while everything still is as it was. Without memory everything stays so, which
 * is reported. */
enum peers_change peers_follow_links(struct peers *peers, const struct links *links,
				     void (*before)(void *arg), void *arg);

/* ---- names, as the resolver finds them ---- */

/* Sets a host name's addresses. Takes effect with peers_update, so that many names cost one update.
 * Addresses that are missing now are kept and still measured while they have flows, and for
 * idle_ttl after that. Returns 1 if anything differs, 0 if not, or -ENOMEM and nothing has changed.
 */
int peers_set_host(struct peers *peers, const char *host, const struct address *addrs,
		   size_t count);

/* Puts the hosts' addresses in force. Returns 1 if they had changed (tell the backends), 0 if not,
 * or -ENOMEM and nothing changes until the next call. */
int peers_update(struct peers *peers);

/* Are there kept addresses? If so, a walk over the flows must report each flow's peer through
 * peers_see_flow, which only notes that. */
bool peers_keep(const struct peers *peers);
void peers_see_flow(const struct peers *peers, __u32 ifindex, const struct address *peer);

/* After a walk over all flows: stops keeping addresses that had none for idle_ttl. Returns 1 if
 * that changed anything (tell the backends), 0 if not, or -ENOMEM: then they stay until the next
 * call. */
int peers_forget_idle(struct peers *peers);

/* The reverse name of an address among ips, for its tag; name is copied. Backends need not be told.
 * Returns 1 if that changed anything, 0 if not, -ENOMEM. */
int peers_set_address_name(struct peers *peers, const struct address *addr, const char *name);

/* Takes over from another table what this one needs, too: its hosts' addresses, kept ones included,
 * reverse names of addresses and numbers of capture files. So a reloaded configuration need not
 * wait for the resolver, and a file that is being read keeps its number. Returns 0 or -ENOMEM. */
int peers_inherit(struct peers *peers, const struct peers *from);

/* Warns, once per instance, if all its peers are addresses of this host: their traffic does not
 * pass the interface. Instances whose hosts are not all resolved are left for later. */
void peers_warn_local(struct peers *peers);

/* ---- what to measure ---- */

/* Should this flow be measured now, by its interface, its peer and its ports? Costs a hash lookup
 * for every prefix length that is configured. */
bool peers_match(const struct peers *peers, const struct flow_key *flow);

/* The ports that instances name; without any in the configuration it has no spans. */
const struct peers_ports *peers_ports(const struct peers *peers);

/* The lists of ports for which a peer that is to be measured is, over all instances of its set that
 * have it among theirs, in wider networks, too; 0: for all ports. */
__u64 peers_port_lists(const struct peers *peers, const struct peer *peer);

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

/* A resting instance's peers do not match and are not among those above, unless another instance
 * has them; but they keep their names, entries and tags. No instance rests at first. Returns true
 * if that changed anything (tell the backends). */
bool peers_rest(struct peers *peers, size_t instance_index, bool resting);

/* Calls fn for each interface that an instance measures now, also while it rests, but for no
 * capture file. For one that several instances measure, once for each. */
void peers_each_interface(const struct peers *peers,
			  void (*fn)(void *arg, __u32 ifindex, const struct instance *instance),
			  void *arg);

/* ---- what to call it ---- */

/* The host name by which the address was configured, or else its reverse name, without a trailing
 * dot; or NULL. Valid until names or peers next change. */
const char *peers_name(const struct peers *peers, __u32 ifindex, const struct address *addr);

/* The entry of ips or hosts that the flow is measured for: the host name, or the longest prefix
 * that contains its peer, written to text (an address without its bits); NULL if there is none. */
const char *peers_entry(const struct peers *peers, const struct flow_key *flow,
			char text[PREFIX_TEXT]);

/* Calls fn once for every instance on the flow's interface that has its peer and its ports among
 * its own, those with the longest prefix first. */
void peers_each_instance(const struct peers *peers, const struct flow_key *flow,
			 void (*fn)(void *arg, const struct instance *instance), void *arg);

#endif
