/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef METRO_MONOTONIC_H
#define METRO_MONOTONIC_H

#include <time.h>

#include "types.h"

/* Of the monotonic clock. */
static inline __u64 monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (__u64)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

#endif
