/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What traffic control has on an interface at ingress and clsact, read by rtnetlink(7), since
 * libbpf can only ask for a filter whose handle is known. */
#ifndef METRO_TC_DUMP_H
#define METRO_TC_DUMP_H

#include "types.h"

enum tc_qdisc { TC_QDISC_NONE, TC_QDISC_CLSACT, TC_QDISC_INGRESS };

/* Returns which of the two (there can be only one) is there, or none, or -errno. */
int tc_qdisc(unsigned int ifindex);

struct tc_filter {
	__u32 handle;
	__u32 priority;
	__u32 program;    /* id of its BPF program; 0: it has none */
	const char *name; /* that program's name, or ""; only valid during the call */
};

/* Calls fn for each filter on one side; there are none without a qdisc, or without the interface.
 * Returns 0 or -errno. */
int tc_filters(unsigned int ifindex, bool ingress,
	       void (*fn)(void *arg, const struct tc_filter *filter), void *arg);

#endif
