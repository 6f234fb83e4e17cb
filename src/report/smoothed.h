/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The smoothed round-trip time and its variation of RFC 6298, section 2 (-st): SRTT and RTTVAR with
 * alpha 1/8 and beta 1/4. They go on from one report interval to the next.
 */
#ifndef METRO_SMOOTHED_H
#define METRO_SMOOTHED_H

#include "types.h"

struct smoothed {
	double srtt; /* ticks */
	double rttvar;
	bool started; /* by a first sample; zeroed memory is not */
};

void smoothed_add(struct smoothed *smoothed, __u32 rtt);

/* Two series that are one to the server: their mean, weighted by the samples of each. */
void smoothed_merge(struct smoothed *into, __u64 into_samples, const struct smoothed *from,
		    __u64 from_samples);

/* At most this many are remembered between intervals: 8 MB, plus their tags. The one unused for
 * longest is dropped first. */
#define SMOOTHED_MAX 65536

struct smoothed_memory {
	struct smoothed_entry *first; /* by the time they were put in */
	__u64 idle_ns;                /* nothing is remembered longer; times are those of records */
};

/* Zeroed memory is empty. name identifies it. Without memory it is forgotten. */
void smoothed_put(struct smoothed_memory *memory, const char *name, const struct smoothed *smoothed,
		  __u64 time_ns);

/* What was put in under the name, or one that has not started. */
struct smoothed smoothed_get(const struct smoothed_memory *memory, const char *name, __u64 time_ns);

void smoothed_forget(struct smoothed_memory *memory);

#endif
