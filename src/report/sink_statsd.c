/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Windows become metrics: a set of lines for each series and report interval. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "distribution.h"
#include "log.h"
#include "merged.h"
#include "metrics.h"
#include "series_losses.h"
#include "sink.h"
#include "statsd_client.h"
#include "statsd_identity.h"
#include "telemetry.h"

static_assert(LINE_MAX_BYTES >= STATSD_DATAGRAM_MAX_UNIX, "a line may be shorter than a datagram");

/* The part of the configuration that decides how the samples of an interval are kept and sent. */
struct choice {
	struct series_settings series;
	__u32 metrics;
	bool distribution;
	bool soften;
	char *prefix; /* "": none; owned */
};

struct statsd_sink {
	struct sink sink;
	struct statsd_client *client;
	struct statsd_identity identity;
	struct choice choice;
	struct series series;
	struct merged merged; /* only while a report is made */
	bool telemetry_wanted;
	struct telemetry telemetry;
};

static struct statsd_sink *statsd_sink(struct sink *sink)
{
	return (struct statsd_sink *)sink;
}

/* ---- lines ---- */

static struct wire wire_of(const struct statsd_sink *statsd)
{
	return (struct wire){
		.dialect = statsd->choice.series.dialect,
		.prefix = statsd->choice.prefix,
		.tags = statsd->identity.tags,
		.tags_of_others = statsd_identity_tags_of_others(&statsd->identity),
		.container = statsd->identity.container,
	};
}

static void send_line(struct statsd_sink *statsd, const struct line *line)
{
	statsd_client_line(statsd->client, line->text, line->length);
}

static void send_value(struct statsd_sink *statsd, const char *name, enum metric_type type,
		       const char *value, const char *series)
{
	struct wire wire = wire_of(statsd);
	struct line line;

	dialect_begin(&line, &wire, name, series);
	line_text(&line, value);
	dialect_end(&line, &wire, type, series);
	send_line(statsd, &line);
}

static void send_metrics(struct statsd_sink *statsd, const struct window *window,
			 const char *series)
{
	char value[METRIC_VALUE_TEXT];

	for (enum metric metric = 0; metric < METRICS; metric++)
		if (statsd->choice.metrics & METRIC_BIT(metric) &&
		    metric_value(metric, window, value))
			send_value(statsd, metric_name(metric), metric_type(metric), value, series);
}

/* ---- every sample ---- */

struct packing {
	struct statsd_sink *statsd;
	bool all;     /* all samples; else only full lines, if there is one */
	__u32 count;  /* how many were sent .. */
	bool decided; /* the first set of tags has decided count for the others */
};

static void send_samples(void *arg, const struct window *window, const struct line *series)
{
	struct packing *packing = arg;
	struct statsd_sink *statsd = packing->statsd;
	__u32 limit = packing->decided ? packing->count : window->pending.count, sent = 0;
	size_t line_max = statsd_client_line_max(statsd->client);
	struct wire wire = wire_of(statsd);
	struct line line;

	while (sent < limit) {
		bool room_left;
		__u32 packed =
			distribution_line(&line, &wire, series->text, window->pending.ticks + sent,
					  limit - sent, line_max, &room_left);

		if (room_left && sent && !packing->all && !packing->decided)
			break;
		send_line(statsd, &line);
		sent += packed;
	}
	packing->count = sent;
	packing->decided = true;
}

static void send_pending(struct statsd_sink *statsd, struct window *window, bool all)
{
	struct packing packing = {.statsd = statsd, .all = all};

	if (!window->pending.count)
		return;
	series_each(&statsd->series, statsd->sink.peers, window, send_samples, &packing);
	window_pending_take(window, packing.count);
}

/* What is sent in the middle of an interval adds to the client's previous report: to begin another
 * one, the client would have to deal at once with what is still waiting. */
static void make_room(struct statsd_sink *statsd, struct window *window)
{
	if (!window_pending_is_full(window))
		return;
	send_pending(statsd, window, false);
	statsd_client_end(statsd->client);
}

/* ---- the report ---- */

/* Without memory the window goes out by itself, which is better than not at all. */
static void merge(void *arg, const struct window *window, const struct line *text)
{
	struct statsd_sink *statsd = arg;

	if (merged_add(&statsd->merged, text, window))
		send_metrics(statsd, window, text->text);
}

static void report_windows(struct statsd_sink *statsd)
{
	struct windows *windows = &statsd->series.windows;
	const struct merged_series *series;

	for (const struct window *w = windows->first; w; w = window_next(w))
		if (window_has_data(w))
			series_each(&statsd->series, statsd->sink.peers, w, merge, statsd);
	for (series = statsd->merged.first; series; series = series->hh.next)
		send_metrics(statsd, merged_window(series), series->text);
	for (struct window *w = windows->first; w; w = w->hh.next)
		send_pending(statsd, w, true);
}

static void send_counter(void *arg, const char *name, enum metric_type type, __u64 value)
{
	char text[METRIC_VALUE_TEXT];

	snprintf(text, sizeof(text), "%llu", value);
	send_value(arg, name, type, text, "");
}

static void report_telemetry(struct statsd_sink *statsd, const __u64 counters[COUNTERS])
{
	const struct statsd_counters *client = statsd_client_counters(statsd->client);
	const __u64 own[TELEMETRY_COUNTERS] = {
		[TELEMETRY_DATAGRAMS_SENT] = client->sent,
		[TELEMETRY_DATAGRAMS_REFUSED] = client->refused,
		[TELEMETRY_LINES_OVERLONG] = client->overlong,
		[TELEMETRY_SERIES_FOLDED] = statsd->series.folded_total,
	};

	if (statsd->telemetry_wanted)
		telemetry_report(&statsd->telemetry, counters, own, merged_count(&statsd->merged),
				 send_counter, statsd);
}

static void statsd_report(struct sink *sink, const __u64 counters[COUNTERS])
{
	struct statsd_sink *statsd = statsd_sink(sink);

	statsd_client_begin(statsd->client);
	report_windows(statsd);
	report_telemetry(statsd, counters);
	statsd_client_end(statsd->client);
	merged_clear(&statsd->merged);
	series_say_losses(&statsd->series, "");
	series_next_interval(&statsd->series, sink->peers);
}

static void statsd_take(struct sink *sink, const struct delivery *delivery)
{
	struct statsd_sink *statsd = statsd_sink(sink);
	struct window *window =
		series_take(&statsd->series, sink->peers, sink->containers, delivery);

	if (window && statsd->choice.distribution)
		make_room(statsd, window);
}

static void statsd_relabel(struct sink *sink, __u32 ifindex)
{
	series_forget_interface(&statsd_sink(sink)->series, ifindex);
}

/* ---- configuration ---- */

static int choose(struct choice *choice, const struct config *config)
{
	*choice = (struct choice){
		.series =
			{
				.dialect = config->dialect,
				.aggregate = config->aggregate,
				.max_series = config->max_series,
				.idle_ns = config->idle_ttl_s * NS_PER_S,
			},
		.metrics = config->metrics,
		.distribution = config->distribution,
		.soften = config->soften,
		.prefix = strdup(config->prefix ? config->prefix : ""),
	};
	if (choice->prefix)
		return 0;
	log_error("cannot take over the StatsD settings: out of memory");
	return -ENOMEM;
}

static bool choice_is_same(const struct choice *a, const struct choice *b)
{
	return a->series.dialect == b->series.dialect &&
	       a->series.aggregate.by == b->series.aggregate.by &&
	       a->series.aggregate.bits_v4 == b->series.aggregate.bits_v4 &&
	       a->series.aggregate.bits_v6 == b->series.aggregate.bits_v6 &&
	       a->series.max_series == b->series.max_series && a->metrics == b->metrics &&
	       a->distribution == b->distribution && a->soften == b->soften &&
	       !strcmp(a->prefix, b->prefix);
}

/* Takes over what choice owns. No window may hold samples that were kept in another way. */
static void apply(struct statsd_sink *statsd, const struct choice *choice)
{
	struct windows *windows = &statsd->series.windows;

	free(statsd->choice.prefix);
	statsd->choice = *choice;
	metrics_prepare(choice->metrics, windows);
	windows->keep_pending = choice->distribution;
	windows->smooth = choice->soften;
	series_configure(&statsd->series, &choice->series);
}

/* ---- the server ---- */

static int statsd_fd(struct sink *sink)
{
	return statsd_client_fd(statsd_sink(sink)->client);
}

static void statsd_resume(struct sink *sink)
{
	statsd_client_resume(statsd_sink(sink)->client);
}

static struct statsd_state statsd_server_state(struct sink *sink)
{
	return statsd_client_state(statsd_sink(sink)->client);
}

static const struct statsd_counters *statsd_server_counters(struct sink *sink)
{
	return statsd_client_counters(statsd_sink(sink)->client);
}

static const char *statsd_server_name(struct sink *sink)
{
	return statsd_client_server_name(statsd_sink(sink)->client);
}

static void statsd_set_server(struct sink *sink, const struct address *addrs, size_t count)
{
	statsd_client_set_server(statsd_sink(sink)->client, addrs, count);
}

/* ---- the sink ---- */

static bool has_data(const struct statsd_sink *statsd)
{
	for (const struct window *w = statsd->series.windows.first; w; w = window_next(w))
		if (window_has_data(w))
			return true;
	return false;
}

/* What was measured so far goes to the old server in its form. */
static int statsd_reconfigure(struct sink *sink, const struct config *config)
{
	struct statsd_sink *statsd = statsd_sink(sink);
	struct choice choice;
	int error = choose(&choice, config);

	series_forget_routes(&statsd->series);
	if (error)
		return error;
	if (!choice_is_same(&choice, &statsd->choice) && has_data(statsd))
		statsd_report(sink, NULL);
	error = statsd_client_redirect(statsd->client, config);
	if (error) {
		free(choice.prefix);
		return error;
	}
	apply(statsd, &choice);
	statsd->telemetry_wanted = config->telemetry;
	return 0;
}

/* Metrics that the server does not take do not count as a failure. */
static int statsd_close(struct sink *sink)
{
	struct statsd_sink *statsd = statsd_sink(sink);

	if (has_data(statsd))
		statsd_report(sink, NULL);
	if (statsd->choice.series.max_series)
		log_info("max_series: %llu series went into dst:other",
			 statsd->series.folded_total);
	series_free(&statsd->series);
	statsd_client_close(statsd->client);
	free(statsd->choice.prefix);
	free(statsd);
	return 0;
}

static const struct sink_ops statsd_ops = {
	.name = "statsd",
	.batch_limit = BATCH_MAX,
	.take = statsd_take,
	.report = statsd_report,
	.relabel = statsd_relabel,
	.reconfigure = statsd_reconfigure,
	.close = statsd_close,
	.fd = statsd_fd,
	.resume = statsd_resume,
	.server_state = statsd_server_state,
	.server_counters = statsd_server_counters,
	.server_name = statsd_server_name,
	.set_server = statsd_set_server,
};

static int open_client(struct statsd_sink *statsd, const struct config *config)
{
	struct choice choice;
	int error = choose(&choice, config);

	if (error)
		return error;
	error = statsd_client_open(&statsd->client, config);
	if (error == -ENOMEM)
		log_error("cannot start StatsD output: out of memory");
	if (error)
		free(choice.prefix);
	else
		apply(statsd, &choice);
	return error;
}

int sink_statsd_open(struct sink **sink, const struct config *config, const struct peers *peers)
{
	struct statsd_sink *statsd = calloc(1, sizeof(*statsd));
	int error;

	if (!statsd) {
		log_error("cannot start StatsD output: out of memory");
		return -ENOMEM;
	}
	error = open_client(statsd, config);
	if (error) {
		free(statsd);
		return error;
	}
	statsd_identity_read(&statsd->identity);
	statsd->telemetry_wanted = config->telemetry;
	statsd->sink.ops = &statsd_ops;
	statsd->sink.peers = peers;
	*sink = &statsd->sink;
	return 0;
}
