/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How much memory a container leaves to this process: the limits of its control group and of those
 * around it, as far as they can be seen from here; and what of the kernel's memory counts there.
 */
#ifndef METRO_MEMORY_LIMIT_H
#define METRO_MEMORY_LIMIT_H

#include "types.h"

#include <stdint.h>

#define MEMORY_UNLIMITED UINT64_MAX
#define MEMORY_SOURCE    80 /* room for where a limit is from, and a final zero */

struct memory_limit {
	__u64 bytes;                /* MEMORY_UNLIMITED: there is none, or none that is known */
	char source[MEMORY_SOURCE]; /* "memory.max of /kubepods/pod1", or without its group */
};

struct memory_limit_paths {
	const char *cgroup;    /* /proc/self/cgroup */
	const char *mountinfo; /* /proc/self/mountinfo */
};

/* The lowest, in control groups v2 or, where that is in use, those of the memory controller of v1.
 * What cannot be read is no limit. */
void memory_limit_read(struct memory_limit *limit, const struct memory_limit_paths *paths);

/* That of this process. */
void memory_limit_of_self(struct memory_limit *limit);

/* What memory that is locked counts against: RLIMIT_MEMLOCK, unless this process may raise it. */
void memory_limit_of_locked(struct memory_limit *limit);

/* Is this kernel, from uname(2), at least of that version? */
bool memory_kernel_is(unsigned int major, unsigned int minor);

#endif
