/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which lists of ports a port is in. Each list that differs has a bit (instance.ports_list), so all
 * lists of a flow, a peer or an instance are one number, and one belongs to another if they have a
 * bit in common.
 */
#ifndef METRO_PEERS_PORTS_H
#define METRO_PEERS_PORTS_H

#include "config.h"
#include "record.h"

/* Ports from first on, up to the next span's, are in these lists. */
struct port_span {
	__u32 first;
	__u64 lists;
};

struct peers_ports {
	struct port_span *spans; /* in rising order; ports before the first are in no list */
	size_t count;            /* 0: no instance has ports */
	__u64 tagged;            /* lists of instances with tag_port */
};

/* Returns 0 or -ENOMEM. */
int peers_ports_make(struct peers_ports *ports, const struct config *config);
void peers_ports_clear(struct peers_ports *ports);

/* The lists that a port is in. */
__u64 peers_ports_of(const struct peers_ports *ports, __u16 port);

/* Those that either end of a flow is in. */
__u64 peers_ports_of_flow(const struct peers_ports *ports, const struct flow_key *key);

/* The instance's list; 0: it takes all ports. */
static inline __u64 instance_port_lists(const struct instance *instance)
{
	return instance->ports ? 1ull << instance->ports_list : 0;
}

/* Does the instance take flows that are in these lists? */
static inline bool instance_takes_ports(const struct instance *instance, __u64 lists)
{
	return !instance->ports || instance_port_lists(instance) & lists;
}

#endif
