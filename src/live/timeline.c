/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Parts of a capture that get longer as it does. */
#include "timeline.h"

#include <math.h>

#include "units.h"

static void close_part(const struct live_timeline *t, struct live_collect *c)
{
	for (struct live_peer *peer = c->peers; peer; peer = peer->hh.next)
		live_peer_end_part(peer, t->at);
}

/* Of two p50s, the mean by the number of samples that each is of. */
static void join_parts(struct live_peer *peer, unsigned int to, unsigned int from)
{
	float one = peer->history[from], other = peer->history[from + 1];
	__u32 count = peer->counts[from] + peer->counts[from + 1];
	float share = count ? (float)peer->counts[from] / (float)count : 0.5f;

	peer->history[to] = isnan(one) ? other : isnan(other) ? one : other + (one - other) * share;
	peer->counts[to] = count;
}

static void double_parts(struct live_timeline *t, struct live_collect *c)
{
	t->part_ns *= 2;
	for (struct live_peer *peer = c->peers; peer; peer = peer->hh.next) {
		for (unsigned int i = 0; i < LIVE_HISTORY / 2; i++)
			join_parts(peer, i, 2 * i);
		for (unsigned int i = LIVE_HISTORY / 2; i < LIVE_HISTORY; i++) {
			peer->history[i] = NAN;
			peer->counts[i] = 0;
		}
	}
}

static void begin(struct live_timeline *t, __u64 wall_ns)
{
	*t = (struct live_timeline){
		.begun_ns = wall_ns,
		.last_ns = wall_ns,
		.part_ns = NS_PER_S,
		.next_ns = wall_ns + NS_PER_S,
	};
}

void live_timeline_move(struct live_timeline *t, struct live_collect *c, __u64 wall_ns)
{
	if (!t->part_ns) {
		begin(t, wall_ns);
		return;
	}
	close_part(t, c);
	while ((wall_ns - t->begun_ns) / t->part_ns >= LIVE_HISTORY)
		double_parts(t, c);
	t->at = (unsigned int)((wall_ns - t->begun_ns) / t->part_ns);
	t->next_ns = t->begun_ns + (t->at + 1) * t->part_ns;
}

void live_timeline_end(struct live_timeline *t, struct live_collect *c)
{
	if (t->part_ns)
		close_part(t, c);
}

void live_timeline_rate(const struct live_timeline *t, struct live_collect *c, __u64 since_ns)
{
	double seconds = (double)(t->last_ns - since_ns) / NS_PER_S;

	for (struct live_peer *peer = c->peers; peer; peer = peer->hh.next)
		peer->rate = seconds > 0 ? (double)peer->window.stats.count / seconds : 0;
}
