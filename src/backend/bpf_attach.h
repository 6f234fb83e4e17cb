/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Programs on an interface: TCX links where the kernel has them (Linux 6.6), else clsact filters;
 * XDP for what comes in if asked for. Links end with the process; filters are looked for, and
 * removed if their owner is gone, when the next bpf-metro attaches to the interface.
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

struct attachment {
	int egress_link; /* descriptors of links, or -1 */
	int ingress_link;
	struct clsact *clsact; /* or NULL */
};

/* Attaches both sides. Returns 0, or -errno explained in reason, with nothing left attached. */
int attachment_open(struct attachment *attachment, const struct hook_programs *programs,
		    const struct interface *interface, enum hook_choice hook,
		    char reason[BACKEND_REASON]);
void attachment_close(struct attachment *attachment);

/* "tcx", "clsact", "xdp and tcx", ..: for the log */
const char *attachment_kind(const struct attachment *attachment, enum hook_choice hook);

#endif
