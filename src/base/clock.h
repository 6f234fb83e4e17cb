/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The time by one of the kernel's clocks, as a number. */
#ifndef METRO_CLOCK_H
#define METRO_CLOCK_H

#include <time.h>

#include "types.h"
#include "units.h"

static inline __u64 clock_ns(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (__u64)now.tv_sec * NS_PER_S + (__u64)now.tv_nsec;
}

static inline __u64 monotonic_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static inline __u64 monotonic_ms(void)
{
	return monotonic_ns() / NS_PER_MS;
}

#endif
