/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* bpf-metro's own counters as metrics: bpf_metro.samples and so on. */
#ifndef METRO_TELEMETRY_H
#define METRO_TELEMETRY_H

#include "counters.h"
#include "metrics.h"

/* Counters of the StatsD sink, behind those of the backend. */
enum telemetry_counter {
	TELEMETRY_DATAGRAMS_SENT,    /* of earlier reports: this one's result is not known yet */
	TELEMETRY_DATAGRAMS_REFUSED, /* likewise */
	TELEMETRY_LINES_OVERLONG,
	TELEMETRY_SERIES_FOLDED,
	TELEMETRY_COUNTERS,
};

struct telemetry {
	__u64 before[COUNTERS + TELEMETRY_COUNTERS]; /* at the last report */
};

/* Calls line for each counter, zero or not, with what was added since the call before, and for the
 * number of series, a gauge. So a server can distinguish zero from missing. counters, the
 * backend's, may be NULL: then those are left for the next call. */
void telemetry_report(struct telemetry *telemetry, const __u64 counters[COUNTERS],
		      const __u64 own[TELEMETRY_COUNTERS], __u64 series,
		      void (*line)(void *arg, const char *name, enum metric_type type, __u64 value),
		      void *arg);

#endif
