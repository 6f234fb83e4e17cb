/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * TC filters at a clsact qdisc, for kernels without TCX. A filter outlives its process: each says
 * by its handle who made it (clsact_owner.h), and those of dead owners are removed. There is no
 * lock: any number of bpf-metros may attach to one interface, each under a handle that only its
 * owner has, and the kernel handles one filter, or one qdisc, at a time. If another bpf-metro or
 * another agent removes something in between, clsact_check finds that.
 */
#ifndef METRO_CLSACT_H
#define METRO_CLSACT_H

struct clsact;

/* Attaches the programs (ingress may be -1 for none); makes the qdisc if there is none. Removes
 * what dead processes left. Returns 0, -EEXIST if an ingress qdisc is in the way, or another
 * -errno. */
int clsact_open(struct clsact **clsact, unsigned int ifindex, int egress, int ingress);

/* How many filters of dead processes it removed. */
unsigned int clsact_removed(const struct clsact *clsact);

/* Are our filters there, with our programs? Returns 0, -ENOENT if one is not, or another -errno if
 * the kernel did not say. */
int clsact_check(struct clsact *clsact);

/* Removes our filters, and the qdisc if a bpf-metro made it and nobody uses it by now. Filters of
 * others stay, and so does a qdisc that somebody else has made since. NULL is fine. */
void clsact_close(struct clsact *clsact);

#endif
