/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the engine's counters are called, in the log and in metrics. */
#ifndef METRO_COUNTER_NAMES_H
#define METRO_COUNTER_NAMES_H

#include "counters.h"
#include "types.h"

const char *counter_name(enum counter counter);

/* What it counts, as a sentence. */
const char *counter_help(enum counter counter);

/* Writes all counters to the log, in one line, and a warning for each that stands for a loss and is
 * not zero. */
void counters_log(const __u64 values[COUNTERS]);

#define LOSSES 5 /* counters that stand for a loss */

struct losses {
	__u64 before[LOSSES]; /* at the last call */
	bool losing[LOSSES];
};

/* Those that are not zero, as "ring_lost 3, flows_refused 1". */
void losses_write(const __u64 values[COUNTERS], char *text, size_t size);

/* Call this at the end of each interval: warns in the interval in which a loss begins. */
void losses_log(struct losses *losses, const __u64 values[COUNTERS]);

#endif
