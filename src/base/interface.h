/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Network interfaces as the kernel has them now. */
#ifndef METRO_INTERFACE_H
#define METRO_INTERFACE_H

#include <net/if.h>
#include <stdbool.h>

struct interface {
	char name[IF_NAMESIZE];
	unsigned int ifindex;
	unsigned short type; /* ARPHRD_*, <linux/if_arp.h> */
	unsigned char mac[6];
};

/* Looks an interface up by name. Returns 0, -ENODEV if there is none, or another -errno. */
int interface_find(const char *name, struct interface *interface);

/* How packets look at the hooks: 0 with an Ethernet header, 1 with the IP header first, -ENOTSUP
 * for link layers that bpf-metro does not know. */
int interface_is_bare_ip(const struct interface *interface);

#define INTERFACE_KIND 16

/* What the interface is, as `ip link add type` has it: "bond", "vrf", "veth", ...; "" for hardware,
 * or if the kernel does not say. */
void interface_kind(unsigned int ifindex, char kind[INTERFACE_KIND]);

/* Of what kind the interface is that this one is in: "bridge", "bond", "vrf" ..; "" for none. */
void interface_port_kind(unsigned int ifindex, char kind[INTERFACE_KIND]);

#endif
