/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The flow table in the kernel, seen from user space: making it, and walking over it. */
#ifndef METRO_BPF_FLOWS_USER_H
#define METRO_BPF_FLOWS_USER_H

#include "census.h"
#include "peers.h"

/* Makes the map of slots for flows with that many marks each; lock: with one that programs can take
 * by bpf_spin_lock. Returns its descriptor or -errno. */
int flow_map_create(unsigned int marks, unsigned int max_flows, bool lock);

struct flow_walk;

/* flows: that map; fresh: the one of fresh slots; sweep: the program metro_sweep. All stay the
 * caller's. Returns 0 or -ENOMEM. */
int flow_walk_new(struct flow_walk **walk, int flows, int fresh, int sweep, unsigned int marks);
void flow_walk_free(struct flow_walk *walk);

struct flow_walk_terms {
	struct sweep_terms over;   /* by CLOCK_MONOTONIC */
	const struct peers *peers; /* drop flows whose peer is not among these; NULL: keep all */
	const struct peers *told;  /* notes which of these have flows; NULL: not needed */
	__u32 flows, max_flows;    /* how many there are now, and may be */
	struct census *census;     /* counts the flows; or NULL */
};

/* Looks at some more flows, at most a few hundred: sends waiting samples into the ring buffer,
 * drops flows that are over, and idle ones to make room. Returns 1 when all have been seen, 0 if
 * there are more, -errno. */
int flow_walk_step(struct flow_walk *walk, const struct flow_walk_terms *terms);

#endif
