/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Interfaces come and go by the hundred: what is said of them at level info is one line for all, or
 * one for each of a few. */
#ifndef METRO_BURST_H
#define METRO_BURST_H

#include "backend.h"

#define BURST_NAMES 3 /* that are said */

struct burst_side {
	unsigned int count;
	char names[BURST_NAMES][IF_NAMESIZE];
	bool again[BURST_NAMES];
	char how[sizeof(((struct hold *)0)->how)]; /* of the last */
};

struct burst {
	struct burst_side came, went;
	unsigned int removed, cleaned; /* filters that a killed bpf-metro had left, on so many */
	__u64 said_ns;                 /* CLOCK_MONOTONIC: when the last one was */
};

/* again: it was measured before, and that it ended was said. */
void burst_came(struct burst *burst, const struct hold *hold, bool again);
void burst_went(struct burst *burst, const char *name);

/* How long to wait with saying it, since something was said just now; 0: not at all. */
__u64 burst_wait_ns(const struct burst *burst);

/* Says it, and begins anew. measured: so many interfaces are measured now. */
void burst_say(struct burst *burst, unsigned int measured);

bool burst_is_empty(const struct burst *burst);

#endif
