/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Starts to count with the first question, and stops some time after the last. */
#include "watching.h"

#include <math.h>
#include <stdlib.h>

#include "clock.h"
#include "log.h"
#include "wire.h"

/* Several may ask, each once a second or without a pause: an interval is as long as for one. */
#define SHORTEST_NS (NS_PER_S * 8 / 10)

static const char *name_of(void *arg, __u32 number, const struct address *address)
{
	const struct peers *peers = arg;

	return peers ? peers_name(peers, number, address) : NULL;
}

static void start(struct watching *w, double interval_s, __u64 now)
{
	w->started_ns = now;
	w->collect = calloc(1, sizeof(*w->collect));
	if (!w->collect)
		return;
	if (live_collect_open(w->collect, w->started_ns)) {
		free(w->collect);
		w->collect = NULL;
		return;
	}
	/* Samples come in batches, some only with a report: rates by the second would jump. */
	w->collect->rated = (unsigned int)fmin(fmax(ceil(interval_s), 1), LIVE_HISTORY);
	log_debug("somebody watches (--top)");
}

void watching_stop(struct watching *w)
{
	if (!w->collect)
		return;
	live_collect_close(w->collect);
	free(w->collect);
	free(w->answer);
	w->collect = NULL;
	w->answer = NULL;
	log_debug("nobody watches any more");
}

void watching_take(struct watching *w, const struct delivery *delivery)
{
	if (monotonic_ns() - w->asked_ns > WATCHING_MS * NS_PER_MS)
		watching_stop(w);
	else
		live_collect_take(w->collect, delivery);
}

/* To be freed; NULL: out of memory. */
static char *make_answer(struct watching *w, const struct peers *peers, struct live_header *header,
			 __u64 now)
{
	struct json json;
	size_t length;

	live_collect_end_interval(w->collect, now);
	live_collect_show(w->collect, name_of, (void *)peers);
	header->for_s = (double)(now - w->started_ns) / NS_PER_S;
	header->left_out = (double)w->collect->left_out;
	header->unplaced = (double)w->collect->unplaced;
	if (json_begin(&json))
		return NULL;
	wire_write(&json, header, w->collect->rows, w->collect->count);
	return json_take(&json, &length);
}

/* Of the last one to ask that is long ago. */
static void expire(struct watching *w, __u64 now)
{
	if (w->collect && now - w->asked_ns > WATCHING_MS * NS_PER_MS)
		watching_stop(w);
}

void watching_answer(struct watching *w, const struct peers *peers, double interval_s,
		     struct live_header *header, struct json *json)
{
	__u64 now = monotonic_ns();

	expire(w, now);
	if (!w->collect)
		start(w, interval_s, now);
	w->asked_ns = now;
	if (w->collect && (!w->answer || now - w->collect->ended_ns >= SHORTEST_NS)) {
		free(w->answer);
		w->answer = make_answer(w, peers, header, now);
	}
	if (w->answer)
		json_raw(json, NULL, w->answer);
	else
		wire_write(json, header, NULL, 0);
}

static const struct live_peer *find_peer(const struct watching *w, const char *about)
{
	struct live_peer_key key = {};
	char *end;

	key.number = (__u32)strtoul(about, &end, 10);
	if (!w->collect || *end != ' ' || address_parse(end + 1, &key.peer))
		return NULL;
	return live_collect_find(w->collect, &key);
}

void watching_answer_peer(struct watching *w, const char *about, struct json *json)
{
	const struct live_peer *peer;
	struct live_detail *detail = NULL;
	__u64 now = monotonic_ns();

	expire(w, now);
	if (w->collect)
		w->asked_ns = now;
	peer = find_peer(w, about);
	if (peer)
		detail = malloc(sizeof(*detail));
	if (detail)
		live_detail_make(detail, peer);
	wire_write_detail(json, detail);
	free(detail);
}

void watching_reset(struct watching *w)
{
	if (!w->collect)
		return;
	live_collect_reset(w->collect);
	w->started_ns = monotonic_ns();
	free(w->answer);
	w->answer = NULL;
}
