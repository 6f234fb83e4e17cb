/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Windows become sums since the start. There are windows in between, as with StatsD, since they
 * have the rules for labels, aggregate and max_series. */
#include "sink_openmetrics.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "accumulated.h"
#include "clock.h"
#include "counter_names.h"
#include "log.h"
#include "series_losses.h"

/* Without max_series: of those that are silent, the oldest go. 50 MB with the default buckets. */
#define SERIES_MOST 100000

struct openmetrics_sink {
	struct sink sink;
	struct series series;
	struct series_settings settings;
	struct accumulated accumulated;
	__u64 counters[COUNTERS];
	__u64 report_ns; /* while a report is made: when */
};

static struct openmetrics_sink *openmetrics_sink(struct sink *sink)
{
	return (struct openmetrics_sink *)sink;
}

/* ---- the report ---- */

/* The text begins with a comma. One that was cut would spoil all that is scraped. */
static void add_window(void *arg, const struct window *window, const struct line *text)
{
	struct openmetrics_sink *o = arg;

	if (series_fits(&o->series, text) &&
	    accumulated_add(&o->accumulated, text->text + 1, text->length - 1, window,
			    o->report_ns))
		o->series.lost += window->stats.count;
}

static void openmetrics_report(struct sink *sink, const __u64 counters[COUNTERS])
{
	struct openmetrics_sink *o = openmetrics_sink(sink);

	o->report_ns = monotonic_ns();
	for (const struct window *w = o->series.windows.first; w; w = window_next(w))
		if (window_has_data(w))
			series_each(&o->series, sink->peers, w, add_window, o);
	accumulated_forget(&o->accumulated,
			   o->settings.max_series ? o->settings.max_series : SERIES_MOST,
			   o->report_ns);
	series_say_losses(&o->series, "OpenMetrics: ");
	series_next_interval(&o->series, sink->peers);
	if (counters)
		memcpy(o->counters, counters, sizeof(o->counters));
}

static void openmetrics_take(struct sink *sink, const struct delivery *delivery)
{
	struct openmetrics_sink *o = openmetrics_sink(sink);

	series_take(&o->series, sink->peers, sink->containers, delivery);
}

static void openmetrics_relabel(struct sink *sink, __u32 ifindex)
{
	series_forget_interface(&openmetrics_sink(sink)->series, ifindex);
}

/* ---- configuration ---- */

static bool bounds_are_same(const struct bucket_bounds *a, const struct bucket_bounds *b)
{
	return a->count == b->count && !memcmp(a->ns, b->ns, a->count * sizeof(*a->ns));
}

/* What was measured so far is added up as it was configured then. */
static int openmetrics_reconfigure(struct sink *sink, const struct config *config)
{
	struct openmetrics_sink *o = openmetrics_sink(sink);

	openmetrics_report(sink, NULL);
	if (!bounds_are_same(&o->accumulated.bounds, &config->openmetrics_buckets))
		accumulated_clear(&o->accumulated);
	o->accumulated.bounds = config->openmetrics_buckets;
	o->settings = (struct series_settings){
		.dialect = DIALECT_OPENMETRICS,
		.aggregate = config->aggregate,
		.max_series = config->max_series,
		.idle_ns = config->idle_ttl_s * NS_PER_S,
	};
	series_configure(&o->series, &o->settings);
	return 0;
}

/* ---- what others read ---- */

void sink_openmetrics_count(struct snapshot *snapshot, const char *name, const char *help,
			    __u64 value)
{
	struct snapshot_facts *facts = &snapshot->facts;

	if (facts->counters_count < SNAPSHOT_COUNTERS)
		facts->counters[facts->counters_count++] =
			(struct snapshot_counter){.name = name, .help = help, .value = value};
}

struct snapshot *sink_openmetrics_snapshot(struct sink *sink)
{
	struct openmetrics_sink *o = openmetrics_sink(sink);
	struct snapshot *snapshot = accumulated_snapshot(&o->accumulated);

	if (!snapshot)
		return NULL;
	for (int i = 0; i < COUNTERS; i++)
		sink_openmetrics_count(snapshot, counter_name(i), counter_help(i), o->counters[i]);
	sink_openmetrics_count(
		snapshot, "series_folded",
		"Series that had no place and were added up in dst other, in each interval.",
		o->series.folded_total);
	return snapshot;
}

/* ---- the sink ---- */

static int openmetrics_close(struct sink *sink)
{
	struct openmetrics_sink *o = openmetrics_sink(sink);

	series_free(&o->series);
	accumulated_clear(&o->accumulated);
	free(o);
	return 0;
}

static const struct sink_ops openmetrics_ops = {
	.name = "openmetrics",
	.batch_limit = BATCH_MAX,
	.take = openmetrics_take,
	.report = openmetrics_report,
	.relabel = openmetrics_relabel,
	.reconfigure = openmetrics_reconfigure,
	.close = openmetrics_close,
};

int sink_openmetrics_open(struct sink **sink, const struct config *config,
			  const struct peers *peers)
{
	struct openmetrics_sink *o = calloc(1, sizeof(*o));
	struct windows *windows = &o->series.windows;

	if (!o) {
		log_error("cannot serve OpenMetrics: out of memory");
		return -ENOMEM;
	}
	o->sink.ops = &openmetrics_ops;
	o->sink.peers = peers;
	windows->keep_handshakes = true;
	windows->keep_retransmissions = true;
	windows->bounds = &o->accumulated.bounds;
	openmetrics_reconfigure(&o->sink, config);
	*sink = &o->sink;
	return 0;
}
