/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Keys are as short as a person can read, and long lists are of numbers alone, each as the
 * difference from the one before where that is shorter: page.js says what they mean.
 */
#include "page_data.h"
#include "json_escape.h"
#include "prefix.h"
#include "timestamp.h"
#include "units.h"

#include <stdlib.h>
#include <string.h>

/* Four buckets of the histogram are one of the drawing: 16 for each power of two. */
#define BUCKETS_DRAWN 4

struct writer {
	struct output *output;
	const struct pairs *pairs;
	__u32 shown;            /* how many of them are in the page .. */
	__u32 connections_each; /* .. and, of each, how many connections */
};

/* "</script>" would end the element, and "<!--" change its meaning. */
static void write_text(const struct writer *w, const char *text)
{
	char *escaped = malloc(JSON_ESCAPED * strlen(text) + 1);

	output_text(w->output, "\"");
	if (escaped) {
		json_escape(escaped, text);
		for (const char *c = escaped; *c; c++)
			if (strchr("<>&", *c))
				output_format(w->output, "\\u%04x", *c);
			else
				output_bytes(w->output, c, 1);
	}
	free(escaped);
	output_text(w->output, "\"");
}

/* Milliseconds are exact with six digits, since a tick is 64 ns. */
static void write_stats(const struct writer *w, const struct window_stats *s)
{
	output_format(w->output, "\"n\":%llu", s->count);
	if (s->count)
		output_format(w->output, ",\"min\":%.6f,\"mean\":%.6f,\"max\":%.6f",
			      window_ticks_ms(s->min), window_mean_ms(s), window_ticks_ms(s->max));
	if (s->differences)
		output_format(w->output, ",\"jitter\":%.6f", window_jitter_ms(s));
	if (s->handshakes)
		output_format(w->output, ",\"shakes\":%llu,\"shake\":%.6f", s->handshakes,
			      window_handshake_ms(s));
	if (s->retransmissions)
		output_format(w->output, ",\"again\":%llu", s->retransmissions);
}

/* Pairs of how many buckets after the last one, and how many samples. */
static void write_buckets(const struct writer *w, const struct histogram *h)
{
	__u32 counts[HISTOGRAM_BUCKETS], last = 0, count;
	bool first = true;

	output_text(w->output, ",\"dist\":[");
	histogram_counts(h, counts);
	for (__u32 i = 0; i < HISTOGRAM_BUCKETS; i += BUCKETS_DRAWN) {
		count = 0;
		for (__u32 j = i; j < i + BUCKETS_DRAWN; j++)
			count += counts[j];
		if (!count)
			continue;
		output_format(w->output, "%s%u,%u", first ? "" : ",", i / BUCKETS_DRAWN - last,
			      count);
		last = i / BUCKETS_DRAWN;
		first = false;
	}
	output_text(w->output, "]");
}

static void write_window(const struct writer *w, const struct window *window)
{
	write_stats(w, &window->stats);
	if (!window->stats.count)
		return;
	output_format(w->output, ",\"p50\":%.6f,\"p95\":%.6f,\"p99\":%.6f",
		      window_quantile_ms(window, 0.50), window_quantile_ms(window, 0.95),
		      window_quantile_ms(window, 0.99));
	write_buckets(w, &window->histogram);
}

static long long since_start_us(const struct writer *w, __u64 time_ns)
{
	return time_ns > w->pairs->first_ns ? (time_ns - w->pairs->first_ns) / NS_PER_US : 0;
}

static int by_samples(__u64 a, __u64 b)
{
	return a < b ? 1 : a > b ? -1 : 0;
}

static int compare_connections(const void *a, const void *b)
{
	const struct connection *const *x = a, *const *y = b;
	int order = by_samples((*x)->stats.count, (*y)->stats.count);

	return order ? order : -by_samples((*x)->first_ns, (*y)->first_ns);
}

/* The connections of a pair, those with most samples first; NULL: no memory, or none. */
static struct connection **sorted_connections(const struct host_pair *pair)
{
	struct connection **all = calloc(pair->connections_count + 1, sizeof(*all));
	__u32 i = 0;

	for (struct connection *c = pair->connections; c && all; c = c->next)
		all[i++] = c;
	if (all)
		qsort(all, i, sizeof(*all), compare_connections);
	return all;
}

static void write_connections(const struct writer *w, const struct host_pair *pair)
{
	struct connection **all = sorted_connections(pair), *c;

	output_format(w->output, ",\"connections\":%u,\"rows\":[", pair->connections_count);
	for (__u32 i = 0; all && i < pair->connections_count; i++) {
		c = all[i];
		c->row = i < w->connections_each ? (int)i : -1;
		if (c->row < 0)
			continue;
		output_format(w->output,
			      "%s{\"sport\":%u,\"dport\":%u,\"first\":%lld,\"last\":%lld,",
			      i ? "," : "", c->key.local_port, c->key.peer_port,
			      since_start_us(w, c->first_ns), since_start_us(w, c->last_ns));
		write_stats(w, &c->stats);
		output_text(w->output, "}");
	}
	output_text(w->output, "]");
	free(all);
}

/* Of each: microseconds and frames since the one before, ticks, the row of its connection or -1,
 * how many segments had been sent again. */
static void write_points(const struct writer *w, struct host_pair *pair)
{
	long long last_us = 0, us, last_frame = 0;
	const struct connection *c;

	output_format(w->output, ",\"stretch\":%llu,\"points\":[",
		      pair->points.stretch_ns / NS_PER_US +
			      !!(pair->points.stretch_ns % NS_PER_US));
	for (__u32 i = 0; i < pair->points.count; i++) {
		const struct point *p = &pair->points.all[i];

		c = p->connection;
		us = since_start_us(w, p->time_ns);
		output_format(w->output, "%s%lld,%lld,%u,%d,%u", i ? "," : "", us - last_us,
			      (long long)p->frame - last_frame, p->rtt, c ? c->row : -1, p->again);
		last_us = us;
		last_frame = (long long)p->frame;
	}
	output_text(w->output, "]");
}

static void write_pair(const struct writer *w, struct host_pair *pair)
{
	char src[ADDRESS_TEXT], dst[ADDRESS_TEXT];

	output_format(w->output, "{\"src\":\"%s\",\"dst\":\"%s\",",
		      address_format(&pair->key.local, src), address_format(&pair->key.peer, dst));
	if (interface_number_way(pair->key.ifindex) == WAY_IN)
		output_text(w->output, "\"in\":1,");
	write_window(w, &pair->window);
	write_connections(w, pair);
	output_format(w->output, ",\"rowless\":%llu", pair->rowless);
	write_points(w, pair);
	output_text(w->output, "}");
}

static int compare_pairs(const void *a, const void *b)
{
	const struct host_pair *const *x = a, *const *y = b;
	int order = by_samples((*x)->window.stats.count, (*y)->window.stats.count);

	return order ? order : memcmp(&(*x)->key, &(*y)->key, sizeof((*x)->key));
}

static void write_pairs(const struct writer *w)
{
	const struct pairs *pairs = w->pairs;
	__u64 left_out = pairs->pairless;

	output_text(w->output, ",\"pairs\":[");
	for (__u32 i = 0; i < pairs->count; i++) {
		if (i >= w->shown) {
			left_out += pairs->all[i]->window.stats.count;
			continue;
		}
		output_text(w->output, i ? ",\n" : "\n");
		write_pair(w, pairs->all[i]);
	}
	output_format(w->output, "],\"pairs_known\":%u,\"pairless\":%llu,\"left_out\":%llu",
		      pairs->count, pairs->pairless, left_out);
}

static __u32 points_within(const struct pairs *pairs, __u32 shown, __u32 limit)
{
	__u32 sum = 0;

	for (__u32 i = 0; i < shown; i++) {
		__u32 count = pairs->all[i]->points.count;

		sum += count < limit ? count : limit;
	}
	return sum;
}

/* Pairs with few points keep all of them. */
static void thin_points(const struct pairs *pairs, __u32 shown)
{
	__u32 limit = POINTS_OF_PAIR;

	while (limit > POINTS_LEAST && points_within(pairs, shown, limit) > PAGE_POINTS)
		limit /= 2;
	for (__u32 i = 0; i < shown; i++) {
		points_even(&pairs->all[i]->points);
		points_thin(&pairs->all[i]->points, limit);
	}
}

static void write_file(const struct writer *w, const struct page_terms *terms)
{
	struct timestamp timestamp;

	timestamp_init(&timestamp, TIMESTAMP_UTC);
	output_text(w->output, "{\"version\":\"" METRO_VERSION "\",\"file\":");
	write_text(w, terms->file);
	output_format(w->output, ",\"whole\":%s,\"packets\":%llu,\"tcp\":%llu",
		      terms->whole ? "true" : "false", terms->packets, terms->tcp);
	if (terms->note) {
		output_text(w->output, ",\"note\":");
		write_text(w, terms->note);
	}
	if (w->pairs->first_ns)
		output_format(w->output, ",\"first\":\"%s\",\"first_us\":%llu,\"span_us\":%lld",
			      timestamp_text(&timestamp, w->pairs->first_ns),
			      w->pairs->first_ns / NS_PER_US, since_start_us(w, w->pairs->last_ns));
	output_format(w->output, ",\"lost\":%llu", w->pairs->lost);
}

void page_data_write(struct output *output, struct pairs *pairs, const struct page_terms *terms)
{
	__u32 shown = pairs->count < PAGE_PAIRS ? pairs->count : PAGE_PAIRS;
	const struct writer w = {output, pairs, shown, PAGE_CONNECTIONS / (shown ? shown : 1)};

	qsort(pairs->all, pairs->count, sizeof(*pairs->all), compare_pairs);
	thin_points(pairs, shown);
	write_file(&w, terms);
	output_text(output, ",\"total\":{");
	write_window(&w, &pairs->total);
	output_text(output, "}");
	write_pairs(&w);
	output_text(output, "}");
}
