/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the engine's counters are called, in the log and in metrics. */
#ifndef METRO_COUNTER_NAMES_H
#define METRO_COUNTER_NAMES_H

#include "counters.h"
#include "types.h"

const char *counter_name(enum counter counter);

/* Writes all counters to the log, in one line; those that stand for a loss as a warning of their
 * own if they are not zero. */
void counters_log(const __u64 values[COUNTERS]);

#define LOSSES 4 /* counters that stand for one */

struct losses {
	__u64 before[LOSSES]; /* at the last call */
	bool losing[LOSSES];
};

/* To be called at the end of each interval: warns of a loss in the interval that it begins in. */
void losses_log(struct losses *losses, const __u64 values[COUNTERS]);

#endif
