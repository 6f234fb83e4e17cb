/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * TC filters at a clsact qdisc, for kernels without TCX. A filter outlives its process, so each
 * running bpf-metro holds a numbered slot of the interface by an abstract socket, which the kernel
 * frees with the process; a filter in a slot that is free is one that a killed process left.
 */
#ifndef METRO_CLSACT_H
#define METRO_CLSACT_H

struct clsact;

/* Attaches the programs (ingress may be -1 for none); makes the qdisc if there is none. Removes
 * what dead processes left. Returns 0, -EEXIST if an ingress qdisc is in the way, -EBUSY if all
 * slots are taken, or another -errno. */
int clsact_open(struct clsact **clsact, unsigned int ifindex, int egress, int ingress);

/* Removes our filters, and the qdisc if a bpf-metro made it and nobody uses it by now. NULL is
 * fine. */
void clsact_close(struct clsact *clsact);

#endif
