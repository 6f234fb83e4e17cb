/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A table of metrics, and how each is computed from a window. */
#include "metrics.h"
#include "array.h"

#include <assert.h>
#include <stdio.h>

#define QUANTILES (METRIC_BIT(METRIC_P50) | METRIC_BIT(METRIC_P95) | METRIC_BIT(METRIC_P99))

/* go-metro's first three, by name and in their order. */
static const struct {
	const char *name;
	enum metric_type type;
} known[] = {
	[METRIC_AVG] = {"system.net.tcp.rtt.avg", METRIC_GAUGE},
	[METRIC_JITTER] = {"system.net.tcp.rtt.jitter", METRIC_GAUGE},
	[METRIC_LAST] = {"system.net.tcp.rtt", METRIC_GAUGE},
	[METRIC_MIN] = {"system.net.tcp.rtt.min", METRIC_GAUGE},
	[METRIC_MAX] = {"system.net.tcp.rtt.max", METRIC_GAUGE},
	[METRIC_P50] = {"system.net.tcp.rtt.p50", METRIC_GAUGE},
	[METRIC_P95] = {"system.net.tcp.rtt.p95", METRIC_GAUGE},
	[METRIC_P99] = {"system.net.tcp.rtt.p99", METRIC_GAUGE},
	[METRIC_SAMPLES] = {"system.net.tcp.rtt.samples", METRIC_COUNT},
	[METRIC_HANDSHAKE] = {"system.net.tcp.handshake", METRIC_GAUGE},
	[METRIC_RETRANSMISSIONS] = {"system.net.tcp.retransmissions", METRIC_COUNT},
};

static_assert(ARRAY_SIZE(known) == METRICS, "a metric has no name");

const char *metric_name(enum metric metric)
{
	return known[metric].name;
}

enum metric_type metric_type(enum metric metric)
{
	return known[metric].type;
}

static __u64 count_of(enum metric metric, const struct window_stats *stats)
{
	return metric == METRIC_SAMPLES ? stats->count : stats->retransmissions;
}

/* With -st, as RFC 6298 smooths them. */
static double mean_or_smoothed(const struct window_stats *stats)
{
	return stats->smoothed.started ? window_ticks_ms(stats->smoothed.srtt)
				       : window_mean_ms(stats);
}

static double jitter_or_smoothed(const struct window_stats *stats)
{
	return stats->smoothed.started ? window_ticks_ms(stats->smoothed.rttvar)
				       : window_jitter_ms(stats);
}

static double gauge_of(enum metric metric, const struct window *window)
{
	const struct window_stats *stats = &window->stats;

	switch (metric) {
	case METRIC_AVG:
		return mean_or_smoothed(stats);
	case METRIC_JITTER:
		return jitter_or_smoothed(stats);
	case METRIC_LAST:
		return window_ticks_ms(stats->last);
	case METRIC_MIN:
		return window_ticks_ms(stats->min);
	case METRIC_MAX:
		return window_ticks_ms(stats->max);
	case METRIC_P50:
		return window_quantile_ms(window, 0.50);
	case METRIC_P95:
		return window_quantile_ms(window, 0.95);
	case METRIC_P99:
		return window_quantile_ms(window, 0.99);
	case METRIC_HANDSHAKE:
		return window_handshake_ms(stats);
	default:
		return 0;
	}
}

bool metric_value(enum metric metric, const struct window *window, char text[METRIC_VALUE_TEXT])
{
	const struct window_stats *stats = &window->stats;
	__u64 count;

	if (metric_type(metric) == METRIC_COUNT) {
		count = count_of(metric, stats);
		snprintf(text, METRIC_VALUE_TEXT, "%llu", count);
		return count || stats->count;
	}
	if (metric == METRIC_HANDSHAKE ? !stats->handshakes : !stats->count)
		return false;
	snprintf(text, METRIC_VALUE_TEXT, "%f", gauge_of(metric, window));
	return true;
}

void metrics_prepare(__u32 metrics, struct windows *windows)
{
	windows->keep_histograms = metrics & QUANTILES;
	windows->keep_handshakes = metrics & METRIC_BIT(METRIC_HANDSHAKE);
	windows->keep_retransmissions = metrics & METRIC_BIT(METRIC_RETRANSMISSIONS);
}
