/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Windows become gauges: three for each set of tags and report interval. */
#define HASH_NONFATAL_OOM 1 /* uthash would call exit() */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "sink.h"
#include "statsd_client.h"
#include "window.h"

/* go-metro's, and so is the order they are sent in. */
#define NAME_AVG    "system.net.tcp.rtt.avg"
#define NAME_JITTER "system.net.tcp.rtt.jitter"
#define NAME_LAST   "system.net.tcp.rtt"

/* A list of tags. Longer ones than this have no room in a datagram, so that the client finds the
 * line too long whatever is missing here. */
struct tags {
	size_t length;
	char text[STATSD_DATAGRAM_MAX_UNIX + 1];
};

/*
 * A host name may stand for several addresses, each with a window of its own, but to the server
 * their gauges would be one and the last would win. So windows of named peers are first added up by
 * the tags they go out with.
 */
struct series {
	struct window_stats stats;
	const struct window *newest; /* added once, even if two instances have the same tags */
	UT_hash_handle hh;
	char tags[];
};

struct statsd_sink {
	struct sink sink;
	struct statsd_client *client;
	struct windows windows;
	struct series *named; /* only while a report is made */
	__u64 samples_lost;   /* in this interval, for want of memory */
};

/* A window on its way to the server, once for every instance that has the peer. */
struct delivery {
	struct statsd_sink *statsd;
	const struct window *window;
	const char *name; /* the peer's, or NULL */
	bool delivered;
};

static struct statsd_sink *statsd_sink(struct sink *sink)
{
	return (struct statsd_sink *)sink;
}

/* Characters that end a tag, a line or its fields on the wire are no part of a tag. */
static void append(struct tags *tags, const char *text, const char *not_allowed)
{
	for (; *text && tags->length < sizeof(tags->text) - 1; text++) {
		bool fine = (unsigned char)*text >= 0x20 && !strchr(not_allowed, *text);

		tags->text[tags->length++] = fine ? *text : '_';
	}
	tags->text[tags->length] = '\0';
}

static void append_tag(struct tags *tags, const char *key, const char *value)
{
	append(tags, tags->length ? "," : "", "");
	append(tags, key, "");
	append(tags, value, "|,");
}

/* A configured tag passes as it is; a comma in it makes two tags of it, as in go-metro. */
static void append_configured(struct tags *tags, const struct instance *instance)
{
	for (size_t i = 0; i < instance->tags_count; i++) {
		if (!*instance->tags[i])
			continue;
		append(tags, ",", "");
		append(tags, instance->tags[i], "|");
	}
}

static void make_tags(struct tags *tags, const struct delivery *delivery,
		      const struct instance *instance)
{
	const struct window *window = delivery->window;
	char addr[ADDRESS_TEXT];

	tags->length = 0;
	append_tag(tags, "src:", address_format(&window->key.src, addr));
	append_tag(tags, "dst:",
		   delivery->name ? delivery->name : address_format(&window->key.dst, addr));
	if (instance)
		append_configured(tags, instance);
	append_tag(tags, "iface:", window->iface);
}

static void send_gauge(struct statsd_client *client, const char *name, double value,
		       const char *tags)
{
	char line[STATSD_DATAGRAM_MAX_UNIX + 1];
	int n = snprintf(line, sizeof(line), "%s:%f|g|#%s", name, value, tags);

	if (n > 0)
		statsd_client_line(client, line, n);
}

static void send_gauges(struct statsd_client *client, const struct window_stats *stats,
			const char *tags)
{
	send_gauge(client, NAME_AVG, window_mean_ms(stats), tags);
	send_gauge(client, NAME_JITTER, window_jitter_ms(stats), tags);
	send_gauge(client, NAME_LAST, window_ticks_ms(stats->last), tags);
}

static struct series *new_series(struct statsd_sink *statsd, const struct tags *tags)
{
	struct series *series = calloc(1, sizeof(*series) + tags->length + 1);

	if (!series)
		return NULL;
	memcpy(series->tags, tags->text, tags->length + 1);
	HASH_ADD_KEYPTR(hh, statsd->named, series->tags, tags->length, series);
	if (!series->hh.tbl) {
		free(series);
		return NULL;
	}
	return series;
}

/* Without memory the window goes out alone, which is still better than not at all. */
static void add_to_series(struct statsd_sink *statsd, const struct window *window,
			  const struct tags *tags)
{
	struct series *series;

	HASH_FIND(hh, statsd->named, tags->text, tags->length, series);
	if (!series)
		series = new_series(statsd, tags);
	if (!series) {
		send_gauges(statsd->client, &window->stats, tags->text);
	} else if (series->newest != window) {
		window_stats_merge(&series->stats, &window->stats);
		series->newest = window;
	}
}

static void deliver(void *arg, const struct instance *instance)
{
	struct delivery *delivery = arg;
	struct statsd_sink *statsd = delivery->statsd;
	struct tags tags;

	make_tags(&tags, delivery, instance);
	if (delivery->name)
		add_to_series(statsd, delivery->window, &tags);
	else
		send_gauges(statsd->client, &delivery->window->stats, tags.text);
	delivery->delivered = true;
}

/* A peer that a reload took out, or one of a capture file, belongs to no instance. */
static void report_window(struct statsd_sink *statsd, const struct window *window)
{
	const struct window_key *key = &window->key;
	const struct peers *peers = statsd->sink.peers;
	struct delivery delivery = {.statsd = statsd, .window = window};

	if (peers) {
		delivery.name = peers_name(peers, key->ifindex, &key->dst);
		peers_each_instance(peers, key->ifindex, &key->dst, deliver, &delivery);
	}
	if (!delivery.delivered)
		deliver(&delivery, NULL);
}

static void report_named(struct statsd_sink *statsd)
{
	struct series *series, *next;

	HASH_ITER (hh, statsd->named, series, next) {
		send_gauges(statsd->client, &series->stats, series->tags);
		HASH_DEL(statsd->named, series);
		free(series);
	}
}

static void statsd_report(struct sink *sink, const __u64 counters[COUNTERS])
{
	struct statsd_sink *statsd = statsd_sink(sink);

	(void)counters;
	statsd_client_begin(statsd->client);
	for (const struct window *w = statsd->windows.first; w; w = window_next(w))
		report_window(statsd, w);
	report_named(statsd);
	statsd_client_end(statsd->client);
	windows_clear(&statsd->windows);
	if (statsd->samples_lost)
		log_error("out of memory: %llu samples of this interval are lost",
			  (unsigned long long)statsd->samples_lost);
	statsd->samples_lost = 0;
}

static void statsd_take(struct sink *sink, const struct batch *batch)
{
	struct statsd_sink *statsd = statsd_sink(sink);

	if (windows_add(&statsd->windows, batch->record, batch->iface))
		statsd->samples_lost += batch->record->count;
}

/* Metrics that the server does not take are no reason to fail. */
static int statsd_close(struct sink *sink)
{
	struct statsd_sink *statsd = statsd_sink(sink);

	statsd_report(sink, NULL);
	statsd_client_close(statsd->client);
	free(statsd);
	return 0;
}

static int statsd_reconfigure(struct sink *sink, const struct config *config)
{
	return statsd_client_redirect(statsd_sink(sink)->client, config);
}

static int statsd_fd(struct sink *sink)
{
	return statsd_client_fd(statsd_sink(sink)->client);
}

static void statsd_resume(struct sink *sink)
{
	statsd_client_resume(statsd_sink(sink)->client);
}

static const char *statsd_server_name(struct sink *sink)
{
	return statsd_client_server_name(statsd_sink(sink)->client);
}

static void statsd_set_server(struct sink *sink, const struct address *addrs, size_t count)
{
	statsd_client_set_server(statsd_sink(sink)->client, addrs, count);
}

static const struct sink_ops statsd_ops = {
	.name = "statsd",
	.batch_limit = BATCH_MAX,
	.take = statsd_take,
	.report = statsd_report,
	.reconfigure = statsd_reconfigure,
	.close = statsd_close,
	.fd = statsd_fd,
	.resume = statsd_resume,
	.server_name = statsd_server_name,
	.set_server = statsd_set_server,
};

int sink_statsd_open(struct sink **sink, const struct config *config, const struct peers *peers)
{
	struct statsd_sink *statsd = calloc(1, sizeof(*statsd));
	int error = -ENOMEM;

	if (statsd)
		error = statsd_client_open(&statsd->client, config);
	if (error == -ENOMEM)
		log_error("no memory for StatsD output");
	if (error) {
		free(statsd);
		return error;
	}
	statsd->sink.ops = &statsd_ops;
	statsd->sink.peers = peers;
	*sink = &statsd->sink;
	return 0;
}
