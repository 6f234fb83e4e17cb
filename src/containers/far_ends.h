/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which network namespaces lie behind interfaces, and which processes are in them, both in the
 * numbers that the kernel has for the other namespaces in ours (nsid; ip-netns(8)). Neither
 * question takes a capability, where /proc/PID/ns/net takes CAP_SYS_PTRACE.
 */
#ifndef METRO_FAR_ENDS_H
#define METRO_FAR_ENDS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "types.h"

#define NSID_NONE    (-1) /* our own, or one that no interface of ours has to do with */
#define NSID_UNKNOWN (-2) /* nothing was heard of the interface, or the process has ended */

struct far_end {
	__u32 ifindex;
	int nsid;
	__u32 other; /* index of the interface at the other end, there .. */
	__u8 mac[6]; /* .. and our end's address: do they tell that it is not the same pair? */
};

/* Was it made again, with the same index, since? */
bool far_end_is_same(const struct far_end *end, const struct far_end *now);

/* Fills in the namespaces at the other end of pairs (veth, netkit); ends are in the order of their
 * indices. Returns 0 or -errno. */
int far_ends_read(struct far_end *ends, size_t count);

#define PIDS_MAX 64 /* asked for at once */

/* A socket for the next function: returns it, to be closed, or -errno. */
int namespaces_open(void);

/* The namespaces that processes of our PID namespace are in. Returns 0 or -errno. */
int namespaces_of(int fd, const pid_t *pids, size_t count, int *nsids);

#endif
