/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whose is a filter that outlives its process? Each running bpf-metro has a number, which is part
 * of its filters' handles, and holds a netlink socket of that port for as long as it lives.
 * Everybody in the same network namespace sees these ports, and interfaces belong to one, too: so
 * this works across containers, mounts and users, and with a read-only root.
 *
 * Any user may take a port, but not join the group RTNLGRP_IPV4_MROUTE_R, which needs CAP_NET_ADMIN
 * over the network namespace (since Linux 4.13): only those who may delete our filters anyway can
 * pass for an owner. And since numbers are drawn from 2^23, nobody can use them all up.
 */
#ifndef METRO_CLSACT_OWNER_H
#define METRO_CLSACT_OWNER_H

#include "types.h"

#define OWNERS_PREFIX 0x6d000000u /* "m" */
#define OWNERS_MASK   0xff800000u /* the bits of a number that are the same for all */

/* Becomes an owner, with a number that no other has, until the returned descriptor is closed.
 * Returns it or -errno. */
int owner_become(__u32 *number);

struct owners {
	__u32 *numbers;
	size_t count;
};

/* Reads all present owners in this network namespace. Returns 0 or -errno: then nothing is known.
 */
int owners_read(struct owners *owners);
void owners_free(struct owners *owners);
bool owners_have(const struct owners *owners, __u32 number);

#endif
