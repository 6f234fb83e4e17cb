/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* SIGHUP: another configuration, without losing the flows that stay. */
#ifndef METRO_RELOAD_H
#define METRO_RELOAD_H

#include "plan.h"

struct reload_terms {
	const char *path;    /* of the configuration */
	bool chooses_server; /* mistakes may be in the environment, too */
	struct plan_overrides overrides;

	/* Has what measures go on with another plan's peers. On -errno it is called once more, with
	 * the old plan. */
	int (*measure)(void *arg, const struct plan *plan);
	/* There is no way back: what was measured goes out under the old names and tags, and then
	 * the next plan's hold. */
	void (*leave)(void *arg, const struct plan *next);
	void *arg;
};

/* Loads the configuration again and replaces the plan, which is freed. Returns 0: those who keep
 * something of a configuration are to follow. Or -errno, reported: then nothing has changed. */
int reload(struct plan *plan, const struct reload_terms *terms);

#endif
