/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "flow_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Without memory for a new entry the flow is refused, the process does not end. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define STEP 256 /* flows looked at in one step of a sweep */

struct entry {
	struct flow_key key;
	UT_hash_handle hh;
	struct flow flow; /* its marks follow */
};

struct flow_table {
	struct flow_table_settings settings;
	const struct peers *peers;
	bool peers_changed; /* since the walk under way began */
	bool peers_checked; /* by the walk under way */
	struct entry *entries;
	struct flow_key next; /* where the sweep goes on */
	bool under_way;
	__u64 counters[COUNTERS];
};

int flow_table_new(struct flow_table **table, const struct flow_table_settings *settings)
{
	*table = calloc(1, sizeof(**table));
	if (!*table)
		return -ENOMEM;
	(*table)->settings = *settings;
	return 0;
}

static void entry_drop(struct flow_table *t, struct entry *e)
{
	HASH_DEL(t->entries, e);
	free(e);
}

void flow_table_free(struct flow_table *t)
{
	struct entry *e, *next;

	if (!t)
		return;
	HASH_ITER (hh, t->entries, e, next)
		entry_drop(t, e);
	free(t);
}

void flow_table_set_peers(struct flow_table *t, const struct peers *peers)
{
	t->peers = peers;
	t->peers_changed = true;
}

static struct entry *entry_find(const struct flow_table *t, const struct flow_key *key)
{
	struct entry *e;

	HASH_FIND(hh, t->entries, key, sizeof(*key), e);
	return e;
}

static struct entry *entry_create(struct flow_table *t, const struct flow_key *key)
{
	struct entry *e = NULL;

	if (HASH_COUNT(t->entries) < t->settings.max_flows)
		e = calloc(1, offsetof(struct entry, flow) +
				      FLOW_SIZE(t->settings.engine.mark_mask + 1));
	if (e) {
		e->key = *key;
		HASH_ADD(hh, t->entries, key, sizeof(e->key), e);
		if (!e->hh.tbl) {
			free(e);
			e = NULL;
		}
	}
	t->counters[e ? COUNTER_FLOWS : COUNTER_FLOWS_REFUSED]++;
	return e;
}

static void emit_batch(struct flow_table *t, struct entry *e)
{
	struct flow_record record;

	if (!batch_take(&e->flow, &record))
		return;
	record.key = e->key;
	t->counters[COUNTER_SAMPLES] += record.count;
	t->settings.emit(t->settings.arg, &record);
}

static void handle_events(struct flow_table *t, struct entry *e, __u32 events)
{
	if (events & EVENT_FLUSH)
		emit_batch(t, e);
	for (int i = COUNTER_SAMPLES + 1; events & ~EVENT(COUNTER_SAMPLES) && i < COUNTERS; i++)
		t->counters[i] += !!(events & EVENT(i));
}

static void sent(struct flow_table *t, const struct packet *p, __u64 now_ns, __u32 ifindex)
{
	struct flow_key key = {p->src, p->dst, p->sport, p->dport, ifindex};
	struct entry *e;

	if (!engine_heeds_sent(p))
		return;
	e = entry_find(t, &key);
	if (!e) {
		if (!engine_starts(p))
			return;
		if (t->peers && !peers_match(t->peers, ifindex, &key.peer))
			return;
		e = entry_create(t, &key);
		if (!e)
			return;
	}
	handle_events(t, e, engine_sent(&e->flow, p, now_ns, &t->settings.engine));
}

static void received(struct flow_table *t, const struct packet *p, __u64 now_ns, __u32 ifindex)
{
	struct flow_key key = {p->dst, p->src, p->dport, p->sport, ifindex};
	struct entry *e;

	if (!engine_heeds_received(p))
		return;
	e = entry_find(t, &key);
	if (!e || engine_ignores(&e->flow, p))
		return;
	handle_events(t, e, engine_received(&e->flow, p, now_ns, &t->settings.engine));
}

void flow_table_packet(struct flow_table *t, const struct packet *p, __u64 now_ns, __u32 ifindex,
		       unsigned int directions)
{
	if (directions & DIRECTION_RECEIVED)
		received(t, p, now_ns, ifindex);
	if (directions & DIRECTION_SENT)
		sent(t, p, now_ns, ifindex);
}

bool flow_table_sweep(struct flow_table *t, const struct sweep_terms *terms)
{
	struct entry *e = t->entries, *next;

	if (t->under_way) {
		e = entry_find(t, &t->next);
	} else {
		t->peers_checked = t->peers_changed;
		t->peers_changed = false;
	}
	for (int i = 0; e && i < STEP; i++) {
		next = e->hh.next;
		emit_batch(t, e);
		if ((t->peers_checked && t->peers &&
		     !peers_match(t->peers, e->key.ifindex, &e->key.peer)) ||
		    (terms && flow_is_over(&e->flow, terms)))
			entry_drop(t, e);
		e = next;
	}
	t->under_way = e != NULL;
	if (e)
		t->next = e->key;
	return !t->under_way;
}

void flow_table_forget(struct flow_table *t)
{
	struct entry *e, *next;

	HASH_ITER (hh, t->entries, e, next)
		e->flow.count = 0;
}

void flow_table_unread(struct flow_table *t, enum packet_kind kind)
{
	if (kind == PACKET_BAD)
		t->counters[COUNTER_PARSE_ERRORS]++;
	else if (kind == PACKET_FRAGMENT)
		t->counters[COUNTER_FRAGMENTS]++;
}

__u64 *flow_table_counters(struct flow_table *t)
{
	return t->counters;
}
