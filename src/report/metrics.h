/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The metrics of a series: their names, types, and values. */
#ifndef METRO_METRICS_H
#define METRO_METRICS_H

#include "config.h"
#include "window.h"

/* Every sample, in milliseconds. Datadog accepts one type per name, so this cannot be the gauge's
 * system.net.tcp.rtt. */
#define METRIC_DISTRIBUTION_NAME "system.net.tcp.rtt.distribution"

#define METRIC_VALUE_TEXT        48

enum metric_type { METRIC_GAUGE, METRIC_COUNT, METRIC_DISTRIBUTION };

const char *metric_name(enum metric metric);
enum metric_type metric_type(enum metric metric);

/* Writes the value as it goes over the wire, gauges in milliseconds with six decimals as go-metro
 * has them. Returns false if the window has nothing to say about this metric. */
bool metric_value(enum metric metric, const struct window *window, char text[METRIC_VALUE_TEXT]);

/* What windows must keep for these metrics (METRIC_BIT of each). */
void metrics_prepare(__u32 metrics, struct windows *windows);

#endif
