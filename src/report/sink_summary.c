/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One JSON object for each series and report interval, for programs: what StatsD would be sent,
 * with all metrics, and under the same names and tags. docs/summary.schema.json says what is in it.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "json_escape.h"
#include "log.h"
#include "merged.h"
#include "metrics.h"
#include "output.h"
#include "series_losses.h"
#include "sink.h"
#include "timestamp.h"

struct summary_sink {
	struct sink sink;
	struct series series;
	struct merged merged; /* only while a report is made */
	bool capture;         /* of a file by itself: its time counts */
	__u64 from_ns;        /* of this interval, since 1970; 0: nothing was seen */
	__u64 to_ns;
	struct output output;
};

static struct summary_sink *summary_sink(struct sink *sink)
{
	return (struct summary_sink *)sink;
}

/* ---- an object ---- */

static void write_time(struct output *output, const char *key, __u64 wall_ns)
{
	struct timestamp timestamp;

	timestamp_init(&timestamp, TIMESTAMP_UTC);
	output_format(output, "\"%s\":\"%s\",", key, timestamp_text(&timestamp, wall_ns));
}

static void write_text(struct output *output, const char *text, size_t length)
{
	char part[LINE_MAX_BYTES + 1], escaped[JSON_ESCAPED * LINE_MAX_BYTES + 1];

	memcpy(part, text, length);
	part[length] = '\0';
	json_escape(escaped, part);
	output_text(output, "\"");
	output_text(output, escaped);
	output_text(output, "\"");
}

/* A tag of ours, KEY:VALUE. */
static void write_own(struct output *output, const char *tag, size_t length)
{
	size_t key = strcspn(tag, ":");

	write_text(output, tag, key);
	output_text(output, ":");
	write_text(output, tag + key + 1, length > key ? length - key - 1 : 0);
}

/* DogStatsD's list, in which ours have their places: src:SRC,dst:DST,TAGS,iface:IFACE and, behind a
 * bar, an origin that only the Agent has a use for. */
static void write_tags(struct output *output, const char *text)
{
	size_t end = strcspn(text, "|"), length;
	const char *separator = "\"tags\":[";
	unsigned int place = 0;

	for (size_t at = 0; at < end; at += length + 1) {
		length = strcspn(text + at, ",|");
		if (place < 2) {
			write_own(output, text + at, length);
			output_text(output, ",");
		} else if (at + length < end) {
			output_text(output, separator);
			write_text(output, text + at, length);
			separator = ",";
		} else {
			output_text(output, *separator == ',' ? "]," : "\"tags\":[],");
			write_own(output, text + at, length);
		}
		place++;
	}
}

static void write_ns(struct output *output, const char *key, double ms)
{
	output_format(output, ",\"%s_ns\":%lld", key, llround(ms * (double)NS_PER_MS));
}

static void write_figures(struct output *output, const struct window *window)
{
	const struct window_stats *s = &window->stats;

	output_format(output, ",\"samples\":%llu", s->count);
	if (s->count) {
		write_ns(output, "last", window_ticks_ms(s->last));
		write_ns(output, "avg", window_mean_ms(s));
		write_ns(output, "min", window_ticks_ms(s->min));
		write_ns(output, "max", window_ticks_ms(s->max));
		write_ns(output, "p50", window_quantile_ms(window, 0.50));
		write_ns(output, "p95", window_quantile_ms(window, 0.95));
		write_ns(output, "p99", window_quantile_ms(window, 0.99));
	}
	if (s->differences)
		write_ns(output, "jitter", window_jitter_ms(s));
	output_format(output, ",\"handshakes\":%llu", s->handshakes);
	if (s->handshakes)
		write_ns(output, "handshake", window_handshake_ms(s));
	output_format(output, ",\"retransmissions\":%llu", s->retransmissions);
}

static void write_object(struct summary_sink *summary, const struct window *window,
			 const char *series)
{
	struct output *output = &summary->output;

	output_text(output, "{");
	write_time(output, "from", summary->from_ns);
	write_time(output, "to", summary->to_ns);
	write_tags(output, series);
	if (interface_number_way(window->key.ifindex) == WAY_IN)
		output_text(output, ",\"direction\":\"in\"");
	write_figures(output, window);
	output_text(output, "}\n");
}

/* ---- a report ---- */

/* Without memory the window goes out by itself, which is better than not at all. */
static void merge(void *arg, const struct window *window, const struct line *text)
{
	struct summary_sink *summary = arg;

	if (series_fits(&summary->series, text) && merged_add(&summary->merged, text, window))
		write_object(summary, window, text->text);
}

static void write_series(struct summary_sink *summary)
{
	const struct merged_series *series;

	for (const struct window *w = summary->series.windows.first; w; w = window_next(w))
		if (window_has_data(w))
			series_each(&summary->series, summary->sink.peers, w, merge, summary);
	for (series = summary->merged.first; series; series = series->hh.next)
		write_object(summary, merged_window(series), series->text);
	merged_clear(&summary->merged);
}

static void summary_report(struct sink *sink, const __u64 counters[COUNTERS])
{
	struct summary_sink *summary = summary_sink(sink);

	(void)counters;
	if (!summary->capture)
		summary->to_ns = clock_ns(CLOCK_REALTIME);
	write_series(summary);
	series_say_losses(&summary->series, "");
	series_next_interval(&summary->series, sink->peers);
	summary->from_ns = summary->to_ns;
	sink->error = output_flush(&summary->output);
}

static void see(struct summary_sink *summary, __u64 now_ns)
{
	if (!summary->from_ns || now_ns < summary->from_ns)
		summary->from_ns = now_ns;
	if (now_ns > summary->to_ns)
		summary->to_ns = now_ns;
}

static void summary_take(struct sink *sink, const struct delivery *delivery)
{
	struct summary_sink *summary = summary_sink(sink);

	if (series_take(&summary->series, sink->peers, sink->containers, delivery) &&
	    summary->capture && delivery->wall_ns)
		see(summary, delivery->wall_ns);
}

static void summary_relabel(struct sink *sink, __u32 ifindex)
{
	series_forget_interface(&summary_sink(sink)->series, ifindex);
}

/* ---- the sink ---- */

/* A capture file's series are those of its addresses. */
static void configure(struct summary_sink *summary, const struct config *config)
{
	struct series_settings settings = {.dialect = DIALECT_DOGSTATSD};

	if (config) {
		settings.aggregate = config->aggregate;
		settings.max_series = config->max_series;
	}
	metrics_prepare(METRICS_ALL, &summary->series.windows);
	series_configure(&summary->series, &settings);
}

/* Of what was measured so far there is a report under the old names. */
static int summary_reconfigure(struct sink *sink, const struct config *config)
{
	series_forget_routes(&summary_sink(sink)->series);
	summary_report(sink, NULL);
	configure(summary_sink(sink), config);
	return 0;
}

static int summary_close(struct sink *sink)
{
	struct summary_sink *summary = summary_sink(sink);
	int error;

	if (!sink->error)
		summary_report(sink, NULL);
	error = sink->error;
	series_free(&summary->series);
	free(summary);
	return error;
}

static const struct sink_ops summary_ops = {
	.name = "summary",
	.batch_limit = BATCH_MAX,
	.handshakes = true,
	.take = summary_take,
	.relabel = summary_relabel,
	.report = summary_report,
	.reconfigure = summary_reconfigure,
	.close = summary_close,
};

int sink_summary_open(struct sink **sink, const struct config *config, const struct peers *peers)
{
	struct summary_sink *summary = calloc(1, sizeof(*summary));

	if (!summary) {
		log_error("cannot start summary output: out of memory");
		return -ENOMEM;
	}
	summary->sink.ops = &summary_ops;
	summary->sink.peers = peers;
	summary->capture = !config;
	if (config)
		summary->from_ns = clock_ns(CLOCK_REALTIME);
	configure(summary, config);
	output_init(&summary->output, STDOUT_FILENO);
	*sink = &summary->sink;
	return 0;
}
