/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The capabilities of this process, and where they count. */
#ifndef METRO_CAPABILITY_SETS_H
#define METRO_CAPABILITY_SETS_H

#include "types.h"

#include <stdbool.h>

/* Sets of bits, one for each CAP_* of <linux/capability.h>. */
struct capability_sets {
	__u64 effective, permitted, bounding;
	bool no_new_privs;      /* no program that is started gains any */
	bool filtered;          /* system calls are */
	bool in_user_namespace; /* not the initial one: they do not count for the whole host */
};

/* Those of the calling thread. What the kernel does not tell is empty or false. */
void capability_sets_read(struct capability_sets *sets);

/* From here on capability_sets_read tells of the bounding set, no_new_privs and the filter as they
 * are now: what the process does to itself explains nothing. */
void capability_sets_remember(void);

static inline bool capability_in(__u64 set, int capability)
{
	return set >> capability & 1;
}

/* Is it effective now? For one question alone. */
bool capability_is_effective(int capability);

#endif
