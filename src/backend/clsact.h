/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * TC filters at a clsact qdisc, for kernels without TCX. A filter outlives its process: each says
 * by its handle who made it (clsact_owner.h), and those of dead owners are removed. There is no
 * lock: any number of bpf-metros on one interface attach beside each other, each filter under a
 * handle that is its owner's alone, and the kernel takes one filter, or one qdisc, at a time. What
 * a neighbour or another agent undoes in between, clsact_check finds.
 */
#ifndef METRO_CLSACT_H
#define METRO_CLSACT_H

struct clsact;

/* Attaches the programs (ingress may be -1 for none); makes the qdisc if there is none. Removes
 * what dead processes left. Returns 0, -EEXIST if an ingress qdisc is in the way, or another
 * -errno. */
int clsact_open(struct clsact **clsact, unsigned int ifindex, int egress, int ingress);

/* Are our filters there, with our programs? Returns 0, -ENOENT if one is not, or another -errno if
 * the kernel did not say. */
int clsact_check(struct clsact *clsact);

/* Removes our filters, and the qdisc if a bpf-metro made it and nobody uses it by now. Filters of
 * others stay, and so does a qdisc that somebody has made in place of ours. NULL is fine. */
void clsact_close(struct clsact *clsact);

#endif
