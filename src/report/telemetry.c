/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reports by how much each counter has grown since the last report. */
#include "telemetry.h"
#include "array.h"
#include "counter_names.h"

#include <assert.h>
#include <stdio.h>

#define NAME_TEXT 64

static const char *const own_names[] = {
	[TELEMETRY_DATAGRAMS_SENT] = "datagrams_sent",
	[TELEMETRY_DATAGRAMS_REFUSED] = "datagrams_refused",
	[TELEMETRY_LINES_OVERLONG] = "lines_overlong",
	[TELEMETRY_SERIES_FOLDED] = "series_folded",
};

static_assert(ARRAY_SIZE(own_names) == TELEMETRY_COUNTERS, "a counter has no name");

/* A counter that is lower than before has started again from 0. */
static __u64 added(__u64 *before, __u64 now)
{
	__u64 difference = now < *before ? now : now - *before;

	*before = now;
	return difference;
}

static const char *name_of(const char *counter, char text[NAME_TEXT])
{
	snprintf(text, NAME_TEXT, "bpf_metro.%s", counter);
	return text;
}

void telemetry_report(struct telemetry *telemetry, const __u64 counters[COUNTERS],
		      const __u64 own[TELEMETRY_COUNTERS], __u64 series,
		      void (*line)(void *arg, const char *name, enum metric_type type, __u64 value),
		      void *arg)
{
	__u64 *before = telemetry->before;
	char name[NAME_TEXT];

	for (int i = 0; counters && i < COUNTERS; i++)
		line(arg, name_of(counter_name(i), name), METRIC_COUNT,
		     added(&before[i], counters[i]));
	for (int i = 0; i < TELEMETRY_COUNTERS; i++)
		line(arg, name_of(own_names[i], name), METRIC_COUNT,
		     added(&before[COUNTERS + i], own[i]));
	line(arg, name_of("series", name), METRIC_GAUGE, series);
}
