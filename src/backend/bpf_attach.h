/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Programs on an interface: TCX links where the kernel has them (Linux 6.6), else clsact filters;
 * XDP for incoming packets if asked for. Links end with the process; filters of a process that is
 * gone are removed when the next bpf-metro attaches to the interface.
 */
#ifndef METRO_BPF_ATTACH_H
#define METRO_BPF_ATTACH_H

#include "backend.h"

struct clsact;

/* Descriptors of the programs for one kind of link layer. */
struct hook_programs {
	int egress;
	int ingress;
	int xdp; /* -1 where there is no Ethernet header */
};

/* A link, which ends with its descriptor. */
struct hook_link {
	int fd;        /* or -1 */
	__u32 program; /* id of what we attached */
};

struct attachment {
	struct hook_link egress, ingress;
	struct clsact *clsact; /* or NULL */
	int xdp_refused;       /* -errno of native XDP: generic XDP is used instead; or 0 */
};

/* Attaches both sides. Returns 0, or -errno explained in reason, with nothing left attached. */
int attachment_open(struct attachment *attachment, const struct hook_programs *programs,
		    const struct interface *interface, enum hook_choice hook,
		    char reason[BACKEND_REASON]);

/* Are our programs where they were attached? Links lose their interface when it goes (even if one
 * with the same index takes its place), or when another tool detaches them; anybody may remove
 * clsact's filters. Returns 0, also if the kernel does not say, or -ENOENT explained in reason. */
int attachment_check(const struct attachment *attachment, const struct interface *interface,
		     char reason[BACKEND_REASON]);

void attachment_close(struct attachment *attachment);

/* How many filters that a killed bpf-metro had left were removed with that. */
unsigned int attachment_removed(const struct attachment *attachment);

/* "tcx", "clsact", "xdp and tcx", ...: for the log */
const char *attachment_kind(const struct attachment *attachment, enum hook_choice hook);

#endif
