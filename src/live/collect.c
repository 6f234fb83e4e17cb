/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counts deliveries, and makes rows of what was counted. */
#include "collect.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "text_hash.h"
#include "printable.h"
#include "units.h"

#define FIRST_SEED        2463534242u
#define FIRST_CONNECTIONS 64

int live_collect_open(struct live_collect *c, __u64 now_ns)
{
	*c = (struct live_collect){
		.terms = {.keep_histograms = true, .keep_retransmissions = true},
		.random = FIRST_SEED,
		.ended_ns = now_ns,
		.rated = 1,
	};
	return flow_index_open(&c->connections, FIRST_CONNECTIONS);
}

/* ---- which of an interval's samples are kept for its p50 ---- */

/* Marsaglia's xorshift: what is chosen has to be fair, not secret. */
static __u32 next_random(struct live_collect *c)
{
	c->random ^= c->random << 13;
	c->random ^= c->random >> 17;
	c->random ^= c->random << 5;
	return c->random;
}

/* Vitter's algorithm R: each sample has the same chance. */
static void choose(struct live_collect *c, struct live_peer *peer, __u32 rtt)
{
	__u32 at = peer->seen++;

	if (at >= LIVE_CHOSEN)
		at = (__u32)((__u64)next_random(c) * peer->seen >> 32);
	if (at < LIVE_CHOSEN)
		peer->chosen[at] = rtt;
}

static int compare_ticks(const void *a, const void *b)
{
	__u32 x = *(const __u32 *)a, y = *(const __u32 *)b;

	return (x > y) - (x < y);
}

static float take_median(struct live_peer *peer)
{
	__u32 count = peer->seen < LIVE_CHOSEN ? peer->seen : LIVE_CHOSEN;

	peer->seen = 0;
	if (!count)
		return NAN;
	qsort(peer->chosen, count, sizeof(*peer->chosen), compare_ticks);
	return (float)window_ticks_ms(peer->chosen[(count - 1) / 2]);
}

/* ---- peers ---- */

static void put_place(struct live_row *row, const char *iface, __u32 number)
{
	snprintf(row->place, sizeof(row->place), "%.*s%s", IFNAMSIZ - 1, iface,
		 interface_number_way(number) == WAY_IN ? ":in" : "");
	printable(row->place);
}

static struct live_row **room_for_row(struct live_collect *c)
{
	struct live_row **rows;

	if (c->count == LIVE_PEERS)
		return NULL;
	rows = array_grow(c->rows, c->count, sizeof(*rows));
	if (rows)
		c->rows = rows;
	return rows;
}

static struct live_peer *open_peer(struct live_collect *c, const struct live_peer_key *key,
				   const char *iface)
{
	struct live_peer *peer = room_for_row(c) ? calloc(1, sizeof(*peer)) : NULL;

	if (!peer)
		return NULL;
	peer->key = *key;
	peer->row.peer = peer;
	peer->row.number = key->number;
	for (size_t i = 0; i < LIVE_HISTORY; i++)
		peer->history[i] = NAN;
	put_place(&peer->row, iface, key->number);
	HASH_ADD(hh, c->peers, key, sizeof(peer->key), peer);
	if (!peer->hh.tbl) {
		free(peer);
		return NULL;
	}
	c->rows[c->count++] = &peer->row;
	return peer;
}

struct live_peer *live_collect_find(const struct live_collect *c, const struct live_peer_key *key)
{
	struct live_peer *peer;

	HASH_FIND(hh, c->peers, key, sizeof(*key), peer);
	return peer;
}

static struct live_peer *find_peer(struct live_collect *c, const struct delivery *delivery)
{
	const struct live_peer_key key = {delivery->record->key.peer,
					  delivery->record->key.ifindex};
	struct live_peer *peer = live_collect_find(c, &key);

	return peer ? peer : open_peer(c, &key, delivery->iface);
}

static void free_peer(struct live_peer *peer)
{
	window_reset(&peer->window);
	histogram_free(&peer->window.histogram);
	free(peer);
}

/* ---- connections ---- */

static struct live_connection *open_connection(struct live_collect *c, struct live_peer *peer,
					       const struct flow_key *key, __u32 hash)
{
	struct live_connection *connection = NULL;

	if (c->connections.count < LIVE_CONNECTIONS_MAX)
		connection = calloc(1, sizeof(*connection));
	if (!connection)
		return NULL;
	connection->key = *key;
	connection->peer = peer;
	if (flow_index_add(&c->connections, hash, connection)) {
		free(connection);
		return NULL;
	}
	connection->next = peer->connections;
	peer->connections = connection;
	peer->connections_count++;
	return connection;
}

static void forget_connections(struct live_collect *c, struct live_peer *peer)
{
	struct live_connection **at = &peer->connections, *connection;

	while ((connection = *at)) {
		if (c->intervals - connection->heard < LIVE_HISTORY) {
			at = &connection->next;
			continue;
		}
		*at = connection->next;
		flow_index_remove(&c->connections,
				  flow_index_hash(&c->connections, &connection->key), connection);
		free(connection);
		peer->connections_count--;
	}
}

/* ---- counting ---- */

static void count_connection(struct live_collect *c, struct live_connection *connection,
			     const struct flow_record *record)
{
	if (!connection) {
		c->unplaced += record->count;
		return;
	}
	connection->heard = c->intervals;
	window_stats_add(&connection->stats, record);
}

void live_collect_take(struct live_collect *c, const struct delivery *delivery)
{
	const struct flow_record *record = delivery->record;
	struct live_connection *connection;
	struct live_peer *peer;
	__u32 hash;

	if (!windows_want(&c->terms, record))
		return;
	hash = flow_index_hash(&c->connections, &record->key);
	connection = flow_index_find(&c->connections, hash, &record->key);
	peer = connection ? connection->peer : find_peer(c, delivery);
	if (!peer || window_add(&c->terms, &peer->window, record)) {
		c->left_out += record->count;
		return;
	}
	peer->heard_ns = c->ended_ns;
	if (!connection)
		connection = open_connection(c, peer, &record->key, hash);
	count_connection(c, connection, record);
	if (record->flags & RECORD_HANDSHAKE)
		return;
	for (unsigned int i = 1; i <= record->count; i++)
		choose(c, peer, record->rtt[i]);
}

/* Over what there is of so many intervals. */
static double rate_of(const struct live_collect *c, const struct live_peer *peer)
{
	double seconds = 0, count = 0;

	for (unsigned int i = LIVE_HISTORY - c->rated; i < LIVE_HISTORY; i++) {
		seconds += c->lengths[i];
		count += peer->counts[i];
	}
	return seconds > 0 ? count / seconds : 0;
}

void live_peer_end_part(struct live_peer *peer, unsigned int place)
{
	__u64 count = peer->window.stats.count;

	peer->history[place] = take_median(peer);
	peer->counts[place] = (__u32)(count - peer->counted);
	peer->counted = count;
}

static void end_interval(const struct live_collect *c, struct live_peer *peer)
{
	memmove(peer->history, peer->history + 1, sizeof(peer->history) - sizeof(float));
	memmove(peer->counts, peer->counts + 1, sizeof(peer->counts) - sizeof(__u32));
	live_peer_end_part(peer, LIVE_HISTORY - 1);
	peer->rate = rate_of(c, peer);
}

static bool is_silent(const struct live_collect *c, const struct live_peer *peer)
{
	return !peer->connections && c->ended_ns - peer->heard_ns > LIVE_PEER_SILENT_S * NS_PER_S;
}

/* A row is part of its peer, and goes with it. */
static void forget_peers(struct live_collect *c)
{
	size_t kept = 0;

	for (size_t i = 0; i < c->count; i++) {
		struct live_peer *peer = live_collect_find(c, &c->rows[i]->peer->key);

		if (!is_silent(c, peer)) {
			c->rows[kept++] = c->rows[i];
			continue;
		}
		HASH_DEL(c->peers, peer);
		free_peer(peer);
	}
	c->count = kept;
}

void live_collect_end_interval(struct live_collect *c, __u64 now_ns)
{
	if (now_ns <= c->ended_ns)
		return;
	memmove(c->lengths, c->lengths + 1, sizeof(c->lengths) - sizeof(double));
	c->lengths[LIVE_HISTORY - 1] = (double)(now_ns - c->ended_ns) / NS_PER_S;
	c->ended_ns = now_ns;
	c->intervals++;
	for (struct live_peer *peer = c->peers; peer; peer = peer->hh.next) {
		end_interval(c, peer);
		forget_connections(c, peer);
	}
	forget_peers(c);
}

/* ---- rows ---- */

static void show_name(struct live_peer *peer, const char *name)
{
	struct live_row *row = &peer->row;

	if (!*row->address)
		address_format(&peer->key.peer, row->address);
	snprintf(row->name, sizeof(row->name), "%s", name ? name : row->address);
	printable(row->name);
}

static void show_figures(struct live_peer *peer)
{
	const struct window_stats *stats = &peer->window.stats;
	double *figures = peer->row.figures;
	bool any = stats->count;

	peer->row.samples = (double)stats->count;
	figures[LIVE_CONNECTIONS] = peer->connections_count;
	figures[LIVE_RATE] = peer->rate;
	figures[LIVE_LAST] = any ? window_ticks_ms(stats->last) : LIVE_NONE;
	figures[LIVE_MIN] = any ? window_ticks_ms(stats->min) : LIVE_NONE;
	figures[LIVE_MEAN] = any ? window_mean_ms(stats) : LIVE_NONE;
	figures[LIVE_JITTER] = stats->differences ? window_jitter_ms(stats) : LIVE_NONE;
	figures[LIVE_RETRANSMISSIONS] = (double)stats->retransmissions;
	peer->row.measured = &peer->window;
	if (!any)
		figures[LIVE_P50] = figures[LIVE_P95] = figures[LIVE_P99] = LIVE_NONE;
	memcpy(peer->row.history, peer->history, sizeof(peer->history));
}

void live_collect_show(struct live_collect *c,
		       const char *(*name)(void *arg, __u32 number, const struct address *address),
		       void *arg)
{
	for (struct live_peer *peer = c->peers; peer; peer = peer->hh.next) {
		show_name(peer, name(arg, peer->key.number, &peer->key.peer));
		show_figures(peer);
	}
}

void live_collect_freeze(struct live_collect *c)
{
	for (size_t i = 0; i < c->count; i++) {
		live_figure(c->rows[i], LIVE_P50);
		c->rows[i]->measured = NULL;
	}
}

void live_collect_reset(struct live_collect *c)
{
	for (struct live_peer *peer = c->peers; peer; peer = peer->hh.next) {
		window_reset(&peer->window);
		peer->row.percentiles_of = 0;
		peer->counted = 0;
	}
}

static void free_connections(struct live_peer *peer)
{
	struct live_connection *connection;

	while ((connection = peer->connections)) {
		peer->connections = connection->next;
		free(connection);
	}
}

void live_collect_close(struct live_collect *c)
{
	struct live_peer *peer, *next;

	HASH_ITER (hh, c->peers, peer, next) {
		HASH_DEL(c->peers, peer);
		free_connections(peer);
		free_peer(peer);
	}
	flow_index_close(&c->connections);
	free(c->rows);
	*c = (struct live_collect){};
}
