/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One look over all processes: who is at the other end of interfaces? */
#ifndef METRO_SCAN_H
#define METRO_SCAN_H

#include <stdatomic.h>

#include "far_ends.h"
#include "occupants.h"

struct finding {
	struct far_end end; /* NSID_UNKNOWN: the interface came, went or changed meanwhile, and
			       nothing is known */
	struct resident resident;
};

struct scan {
	struct finding *findings; /* by ifindex; the caller gives their indices, in order */
	size_t count;
	const atomic_bool *stop; /* ends it early; NULL: nobody does */
	size_t behind;           /* how many have another namespace behind them .. */
	size_t visible;          /* .. and for how many of these a process in it is visible */
};

/* Processes that end meanwhile are left out. Returns 0, or -errno and nothing was found; -EINTR:
 * it was stopped. */
int scan_run(struct scan *scan);

#endif
