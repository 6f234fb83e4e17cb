/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is to be measured now: the configuration in force and the peers that it makes. The two
 * belong together, and a reload replaces both at once. The daemon owns the plan; services are
 * handed what they need of it, again whenever it changes.
 */
#ifndef METRO_PLAN_H
#define METRO_PLAN_H

#include "config.h"
#include "peers.h"

struct plan {
	struct config *config;
	struct peers *peers; /* refer to the configuration */
};

/* What the command line says in place of any configuration. */
struct plan_overrides {
	double interval_s; /* between reports; 0: as the configuration says */
	__u32 metrics;     /* these as well: METRIC_BIT of each */
	bool soften;       /* avg and jitter smoothed */
};

/* Makes the peers of a configuration, to which the overrides are applied. Returns 0, and has taken
 * over the configuration, or -errno. */
int plan_make(struct plan *plan, struct config *config, const struct plan_overrides *overrides);

/* Is there an instance that measures an interface, and not a capture file? */
bool plan_has_interfaces(const struct plan *plan);

/* Also of a plan that is empty. */
void plan_free(struct plan *plan);

#endif
