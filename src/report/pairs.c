/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds the pair and the connection that a sample belongs to, and a point for it. */
#include "pairs.h"

#include <errno.h>
#include <stdlib.h>

#define PAIRS_FIRST 1024 /* room for this many at first */

int pairs_open(struct pairs *pairs)
{
	*pairs = (struct pairs){
		.kept = {.keep_histograms = true,
			 .keep_handshakes = true,
			 .keep_retransmissions = true},
		.points_limit = POINTS_OF_PAIR,
	};
	pairs->all = calloc(PAIRS_MAX, sizeof(struct host_pair *));
	if (!pairs->all || flow_index_open(&pairs->by_hosts, PAIRS_FIRST) ||
	    flow_index_open(&pairs->by_connection, PAIRS_FIRST)) {
		pairs_close(pairs);
		return -ENOMEM;
	}
	return 0;
}

static void pair_free(struct host_pair *pair)
{
	struct connection *next;

	for (struct connection *c = pair->connections; c; c = next) {
		next = c->next;
		free(c);
	}
	points_free(&pair->points);
	window_reset(&pair->window);
	free(pair);
}

void pairs_close(struct pairs *pairs)
{
	for (__u32 i = 0; i < pairs->count; i++)
		pair_free(pairs->all[i]);
	free(pairs->all);
	flow_index_close(&pairs->by_hosts);
	flow_index_close(&pairs->by_connection);
	window_reset(&pairs->total);
	*pairs = (struct pairs){0};
}

static struct host_pair *pair_open(struct pairs *pairs, const struct flow_key *key, __u32 hash)
{
	struct host_pair *pair = pairs->count < PAIRS_MAX ? calloc(1, sizeof(*pair)) : NULL;

	if (!pair)
		return NULL;
	pair->key = *key;
	if (flow_index_add(&pairs->by_hosts, hash, pair)) {
		free(pair);
		return NULL;
	}
	pairs->all[pairs->count++] = pair;
	return pair;
}

static struct host_pair *pair_of(struct pairs *pairs, const struct flow_key *flow)
{
	const struct flow_key key = {
		.local = flow->local, .peer = flow->peer, .ifindex = flow->ifindex};
	__u32 hash = flow_index_hash(&pairs->by_hosts, &key);
	struct host_pair *pair = flow_index_find(&pairs->by_hosts, hash, &key);

	return pair ? pair : pair_open(pairs, &key, hash);
}

static struct connection *connection_open(struct pairs *pairs, struct host_pair *pair,
					  const struct flow_key *key, __u32 hash)
{
	struct connection *c =
		pairs->connections_count < CONNECTIONS_MAX ? calloc(1, sizeof(*c)) : NULL;

	if (!c)
		return NULL;
	*c = (struct connection){.key = *key, .next = pair->connections};
	if (flow_index_add(&pairs->by_connection, hash, c)) {
		free(c);
		return NULL;
	}
	pair->connections = c;
	pair->connections_count++;
	pairs->connections_count++;
	return c;
}

static struct connection *connection_of(struct pairs *pairs, struct host_pair *pair,
					const struct flow_key *key)
{
	__u32 hash = flow_index_hash(&pairs->by_connection, key);
	struct connection *c = flow_index_find(&pairs->by_connection, hash, key);

	return c ? c : connection_open(pairs, pair, key, hash);
}

/* There are too many points: from now on, each pair has half as many. */
static void thin_all(struct pairs *pairs)
{
	if (pairs->points_limit > POINTS_LEAST)
		pairs->points_limit /= 2;
	pairs->points_count = 0;
	for (__u32 i = 0; i < pairs->count; i++) {
		points_thin(&pairs->all[i]->points, pairs->points_limit);
		pairs->points_count += pairs->all[i]->points.count;
	}
}

static int add_point(struct pairs *pairs, struct host_pair *pair,
		     const struct connection *connection, const struct delivery *delivery)
{
	const struct point point = {.time_ns = delivery->wall_ns,
				    .frame = delivery->frame,
				    .connection = connection,
				    .rtt = delivery->record->rtt[1],
				    .again = delivery->record->retransmissions};
	__u32 before = pair->points.count;
	int err = points_add(&pair->points, &point, pairs->points_limit);

	pairs->points_count += pair->points.count - before;
	if (pairs->points_count > POINTS_MAX)
		thin_all(pairs);
	return err;
}

static void hear(struct pairs *pairs, __u64 now_ns)
{
	if (!pairs->first_ns || now_ns < pairs->first_ns)
		pairs->first_ns = now_ns;
	if (now_ns > pairs->last_ns)
		pairs->last_ns = now_ns;
}

static void count_in_pair(struct pairs *pairs, struct host_pair *pair,
			  const struct delivery *delivery, unsigned int samples)
{
	const struct flow_record *record = delivery->record;
	__u64 now_ns = delivery->wall_ns;
	struct connection *connection = connection_of(pairs, pair, &record->key);

	pairs->lost += window_add(&pairs->kept, &pair->window, record) ? samples : 0;
	if (connection) {
		window_stats_add(&connection->stats, record);
		if (!connection->first_ns)
			connection->first_ns = now_ns;
		if (now_ns > connection->last_ns)
			connection->last_ns = now_ns;
	} else {
		pair->rowless += samples;
	}
	if (samples)
		pairs->lost += add_point(pairs, pair, connection, delivery) ? samples : 0;
}

void pairs_count(struct pairs *pairs, const struct delivery *delivery)
{
	const struct flow_record *record = delivery->record;
	unsigned int samples = record->flags & RECORD_HANDSHAKE ? 0 : record->count;
	struct host_pair *pair;

	if (!windows_want(&pairs->kept, record))
		return;
	if (delivery->wall_ns)
		hear(pairs, delivery->wall_ns);
	pairs->lost += window_add(&pairs->kept, &pairs->total, record) ? samples : 0;
	pair = pair_of(pairs, &record->key);
	if (pair)
		count_in_pair(pairs, pair, delivery, samples);
	else
		pairs->pairless += samples;
}
