/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Addresses and prefixes from text, and what a table of peers makes of them. Include after
 * cmocka.h. */
#ifndef METRO_TEST_PEERING_H
#define METRO_TEST_PEERING_H

#include "peers.h"

static inline struct address addr(const char *text)
{
	struct address a;

	assert_int_equal(address_parse(text, &a), 0);
	return a;
}

/* texts: ends with NULL. */
static inline void fill(struct prefix *prefixes, const char *const *texts)
{
	for (; *texts; texts++)
		assert_int_equal(prefix_parse(*texts, prefixes++), 0);
}

/* A connection of a host that is nobody's peer with this one. */
static inline struct flow_key flow_to(__u32 ifindex, const struct address *peer)
{
	return (struct flow_key){
		.peer = *peer, .local_port = 40000, .peer_port = 443, .ifindex = ifindex};
}

/* Is the address a peer? */
static inline bool matches_address(const struct peers *peers, __u32 ifindex,
				   const struct address *peer)
{
	struct flow_key flow = flow_to(ifindex, peer);

	return peers_match(peers, &flow);
}

static inline bool matches(const struct peers *peers, __u32 ifindex, const char *text)
{
	struct address a = addr(text);

	return matches_address(peers, ifindex, &a);
}

static inline void note_interface(void *arg, const struct instance *instance)
{
	*(const char **)arg = instance->interface;
}

/* What the configuration calls the interface, by an address that is a peer there; NULL if none is
 * known under this index. */
static inline const char *interface_of(const struct peers *peers, __u32 ifindex, const char *text)
{
	struct address a = addr(text);
	struct flow_key flow = flow_to(ifindex, &a);
	const char *name = NULL;

	peers_each_instance(peers, &flow, note_interface, &name);
	return name;
}

#endif
