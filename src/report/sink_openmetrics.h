/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The sink that adds up all that was measured since the start, for somebody who comes to read it.
 */
#ifndef METRO_SINK_OPENMETRICS_H
#define METRO_SINK_OPENMETRICS_H

#include "sink.h"
#include "snapshot.h"

/* To be ended with its close. Returns 0 or -errno, reported. */
int sink_openmetrics_open(struct sink **sink, const struct config *config,
			  const struct peers *peers);

/* All series, and the counters, as they were at the last report; the other facts are to be filled
 * in. NULL: out of memory. */
struct snapshot *sink_openmetrics_snapshot(struct sink *sink);

/* Adds a counter to a snapshot. Texts are static. */
void sink_openmetrics_count(struct snapshot *snapshot, const char *name, const char *help,
			    __u64 value);

#endif
