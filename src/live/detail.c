/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Makes the page's figures of what was counted. */
#include "detail.h"

#include <stdlib.h>
#include <string.h>

#include "collect.h"

double live_edge(unsigned int i)
{
	static const double steps[] = {1, 2, 5};
	double value = 0.001 * steps[i % 3];

	for (unsigned int decade = 0; decade < i / 3; decade++)
		value *= 10;
	return value;
}

static void make_spread(struct live_detail *detail, const struct histogram *histogram)
{
	__u32 samples[HISTOGRAM_BUCKETS];
	unsigned int at = 0;

	memset(detail->spread, 0, sizeof(detail->spread));
	histogram_counts(histogram, samples);
	for (__u32 i = 0; i < HISTOGRAM_BUCKETS; i++) {
		if (!samples[i])
			continue;
		while (at < LIVE_EDGES && window_ticks_ms(histogram_middle(i)) >= live_edge(at))
			at++;
		detail->spread[at] += samples[i];
	}
}

static int latest_first(const void *one, const void *other)
{
	const struct live_connection *a = *(struct live_connection *const *)one,
				     *b = *(struct live_connection *const *)other;

	return (a->stats.last_time_ns < b->stats.last_time_ns) -
	       (a->stats.last_time_ns > b->stats.last_time_ns);
}

static void make_line(struct live_line *line, const struct live_connection *connection)
{
	const struct window_stats *stats = &connection->stats;
	bool any = stats->count;

	address_format(&connection->key.local, line->local);
	line->local_port = connection->key.local_port;
	line->peer_port = connection->key.peer_port;
	line->samples = (double)stats->count;
	line->last = any ? window_ticks_ms(stats->last) : LIVE_NONE;
	line->min = any ? window_ticks_ms(stats->min) : LIVE_NONE;
	line->mean = any ? window_mean_ms(stats) : LIVE_NONE;
	line->max = any ? window_ticks_ms(stats->max) : LIVE_NONE;
	line->retransmissions = (double)stats->retransmissions;
}

/* Of more than have a line, those that were opened last. */
static void make_lines(struct live_detail *detail, const struct live_peer *peer)
{
	const struct live_connection *shown[LIVE_SHOWN_MOST];
	unsigned int count = 0;

	for (const struct live_connection *c = peer->connections; c && count < LIVE_SHOWN_MOST;
	     c = c->next)
		shown[count++] = c;
	if (count)
		qsort(shown, count, sizeof(*shown), latest_first);
	for (unsigned int i = 0; i < count; i++)
		make_line(&detail->lines[i], shown[i]);
	detail->count = count;
	detail->more = peer->connections_count - count;
}

void live_detail_make(struct live_detail *detail, const struct live_peer *peer)
{
	make_spread(detail, &peer->window.histogram);
	make_lines(detail, peer);
}
