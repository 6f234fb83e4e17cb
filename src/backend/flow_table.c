/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "flow_table.h"
#include "closed.h"
#include "copies.h"
#include "eviction.h"
#include "flow_index.h"
#include "handshake.h"
#include "mark_ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define STEP       256 /* flows looked at in one step of a sweep */
#define CACHE_LINE 64

/* With the largest table that is measured live there is no pause for the index to grow. Its memory
 * is taken as flows appear. */
#define INDEXED_AT_ONCE  (1u << 20)
#define INDEXED_AT_FIRST (1u << 15) /* .. of tables beyond that */

struct entry {
	struct flow_key key;       /* first, for the index */
	__u32 epoch;               /* of the last data sent */
	__u32 mark_mask : 31;      /* its marks, less one: they may have grown */
	__u32 answered : 1;        /* something has come back */
	struct entry *prev, *next; /* in the order of the sweep */
	struct flow flow __attribute__((aligned(CACHE_LINE))); /* its marks follow */
};

struct flow_table {
	struct flow_table_settings settings;
	const struct peers *peers;
	bool peers_changed; /* since the walk under way began */
	bool peers_checked; /* by the walk under way */
	struct flow_index index;
	struct entry *entries;
	struct entry *next; /* where the sweep goes on */
	bool under_way;
	struct eviction eviction;
	struct census census;
	struct handshake handshakes[HANDSHAKES];
	__u32 handshake_epochs[HANDSHAKES];
	closed_flow closed[CLOSED];
	struct copies copies;
	__u64 counters[COUNTERS];
	__u64 answered, acks_alone; /* as seen.h has them */
};

int flow_table_new(struct flow_table **table, const struct flow_table_settings *settings)
{
	unsigned int size = settings->max_flows;
	struct flow_table *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->settings = *settings;
	if (flow_index_open(&t->index, size <= INDEXED_AT_ONCE ? size : INDEXED_AT_FIRST)) {
		free(t);
		return -ENOMEM;
	}
	*table = t;
	return 0;
}

static void entry_drop(struct flow_table *t, struct entry *e)
{
	if (t->next == e)
		t->next = e->next;
	flow_index_remove(&t->index, flow_index_hash(&t->index, &e->key), e);
	DL_DELETE(t->entries, e);
	free(e);
}

void flow_table_free(struct flow_table *t)
{
	struct entry *e, *next;

	if (!t)
		return;
	DL_FOREACH_SAFE(t->entries, e, next)
	free(e);
	census_free(&t->census);
	flow_index_close(&t->index);
	free(t);
}

void flow_table_set_peers(struct flow_table *t, const struct peers *peers)
{
	t->peers = peers;
	t->peers_changed = true;
}

void flow_table_set_handshakes(struct flow_table *t, bool handshakes)
{
	t->settings.handshakes = handshakes;
}

/* An entry with room for its marks, which are not set. */
static struct entry *entry_alloc(const struct flow_key *key, __u32 mark_mask)
{
	size_t size = sizeof(struct entry) + FLOW_SIZE(mark_mask + 1) - sizeof(struct flow);
	struct entry *e;

	size = (size + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
	e = aligned_alloc(CACHE_LINE, size);
	if (!e)
		return NULL;
	memset(e, 0, sizeof(*e));
	e->key = *key;
	e->mark_mask = mark_mask;
	return e;
}

static struct entry *entry_create(struct flow_table *t, const struct flow_key *key,
				  const struct flow_segment *s)
{
	struct entry *e = NULL;

	if (t->index.count < t->settings.max_flows)
		e = entry_alloc(key, t->settings.engine.mark_mask);
	if (e && flow_index_add(&t->index, s->hash_sent, e)) {
		free(e);
		e = NULL;
	}
	if (e) {
		e->epoch = s->epoch;
		DL_APPEND(t->entries, e);
	}
	t->counters[e ? COUNTER_FLOWS : COUNTER_FLOWS_REFUSED]++;
	return e;
}

/* Twice the marks, in another place. Returns the entry as it was if there is no memory: then its
 * marks are thinned. */
static struct entry *entry_grow(struct flow_table *t, struct entry *e)
{
	struct entry *larger = entry_alloc(&e->key, 2 * e->mark_mask + 1);

	if (!larger)
		return e;
	larger->epoch = e->epoch;
	larger->answered = e->answered;
	mark_ring_move(&larger->flow, &e->flow, e->mark_mask);
	flow_index_replace(&t->index, flow_index_hash(&t->index, &e->key), e, larger);
	DL_REPLACE_ELEM(t->entries, e, larger);
	if (t->next == e)
		t->next = larger;
	free(e);
	return larger;
}

/* Before a segment is remembered. */
static struct entry *make_room(struct flow_table *t, struct entry *e)
{
	if (likely(!mark_ring_is_full(&e->flow, e->mark_mask)) || !t->settings.marks_most)
		return e;
	if (e->mark_mask + 1u < t->settings.marks_most)
		return entry_grow(t, e);
	t->counters[COUNTER_MARKS_THINNED] += mark_ring_halve(&e->flow, e->mark_mask);
	return e;
}

static struct engine_settings entry_engine(const struct flow_table *t, const struct entry *e)
{
	struct engine_settings engine = t->settings.engine;

	engine.mark_mask = e->mark_mask;
	return engine;
}

static void emit_batch(struct flow_table *t, struct entry *e)
{
	struct flow_record record;

	if (!batch_take(&e->flow, &record))
		return;
	record.key = e->key;
	t->counters[COUNTER_SAMPLES] += record.count;
	census_add_samples(&t->census, e->key.ifindex, record.count);
	t->settings.emit(t->settings.arg, &record);
}

static void entry_close(struct flow_table *t, struct entry *e)
{
	__u32 tag = flow_tag(&e->key);

	t->closed[closed_place(tag)] = closed_make(tag, e->flow.nxt);
	entry_drop(t, e);
}

static void handle_events(struct flow_table *t, struct entry *e, __u32 events)
{
	if (events & EVENT_FLUSH)
		emit_batch(t, e);
	for (int i = COUNTER_SAMPLES + 1; events & ~EVENT(COUNTER_SAMPLES) && i < COUNTERS; i++)
		t->counters[i] += !!(events & EVENT(i));
	if (events & EVENT_OVER)
		entry_close(t, e);
}

/* Is this of a connection that has ended? Then it makes no flow. */
static bool is_closed(struct flow_table *t, const struct flow_key *key, const struct packet *p)
{
	__u32 tag = flow_tag(key);
	closed_flow *closed = &t->closed[closed_place(tag)];

	if (closed_ends(*closed, tag, p))
		*closed = 0;
	return closed_is(*closed, tag, p);
}

static struct flow_key key_sent(const struct flow_segment *s)
{
	const struct packet *p = &s->packet;

	return (struct flow_key){p->src, p->dst, p->sport, p->dport, s->ifindex};
}

static struct flow_key key_received(const struct flow_segment *s)
{
	const struct packet *p = &s->packet;

	return (struct flow_key){p->dst, p->src, p->dport, p->sport, s->ifindex};
}

static bool is_sent(const struct flow_segment *s)
{
	return s->directions & DIRECTION_SENT && engine_heeds_sent(&s->packet);
}

static bool is_received(const struct flow_segment *s)
{
	return s->directions & DIRECTION_RECEIVED && engine_heeds_received(&s->packet);
}

static void begin_handshake(struct flow_table *t, const struct flow_key *key,
			    const struct flow_segment *s)
{
	__u32 tag = flow_tag(key), place = handshake_place(tag);

	handshake_sent(&t->handshakes[place], tag, &s->packet, s->now_ns);
	t->handshake_epochs[place] = s->epoch;
}

static void end_handshake(struct flow_table *t, const struct flow_key *key,
			  const struct flow_segment *s)
{
	struct flow_record record = {.key = *key};
	__u32 tag = flow_tag(key), place = handshake_place(tag), ticks;

	ticks = handshake_received(&t->handshakes[place], tag, &s->packet, s->now_ns);
	if (ticks == HANDSHAKE_NONE || t->handshake_epochs[place] != s->epoch)
		return;
	handshake_record(&record, ticks, s->now_ns);
	t->settings.emit(t->settings.arg, &record);
}

static __u32 entry_sent(const struct flow_table *t, struct entry *e, const struct flow_segment *s)
{
	struct engine_settings engine = entry_engine(t, e);
	bool broken = e->epoch != s->epoch;
	__u32 events;

	if (unlikely(broken))
		flow_distrust(&e->flow);
	events = engine_sent(&e->flow, &s->packet, s->now_ns, s->now_ns, &engine);
	if (unlikely(broken))
		flow_distrust(&e->flow);
	if (s->packet.payload)
		e->epoch = s->epoch;
	return events;
}

static void sent(struct flow_table *t, const struct flow_segment *s)
{
	bool syn = t->settings.handshakes && handshake_begins(&s->packet);
	struct flow_key key = key_sent(s);
	struct entry *e = flow_index_find(&t->index, s->hash_sent, &key);

	if (!e) {
		if (is_closed(t, &key, &s->packet) || (!engine_starts(&s->packet) && !syn))
			return;
		if (t->peers && !peers_match(t->peers, key.ifindex, &key.peer))
			return;
	}
	if (syn)
		begin_handshake(t, &key, s);
	if (!e && engine_starts(&s->packet))
		e = entry_create(t, &key, s);
	if (!e)
		return;
	e = make_room(t, e);
	handle_events(t, e, entry_sent(t, e, s));
}

/* Is this an ACK for data that must have gone another way? */
static bool is_alone(const struct flow_table *t, const struct flow_key *key, const struct packet *p)
{
	return !p->payload && (p->flags & (TCP_SYN | TCP_FIN | TCP_RST | TCP_ACK)) == TCP_ACK &&
	       (!t->peers || peers_match(t->peers, key->ifindex, &key->peer));
}

static void see(struct flow_table *t, struct entry *e, const struct flow_key *key,
		const struct packet *p)
{
	if (e) {
		t->answered += !e->answered;
		e->answered = true;
	} else {
		t->acks_alone += is_alone(t, key, p);
	}
}

static void received(struct flow_table *t, const struct flow_segment *s)
{
	struct flow_key key = key_received(s);
	struct entry *e = flow_index_find(&t->index, s->hash_received, &key);
	struct engine_settings engine;

	if (unlikely(t->settings.tells_seen))
		see(t, e, &key, &s->packet);
	if (t->settings.handshakes && handshake_may_end(&s->packet, e ? &e->flow : NULL))
		end_handshake(t, &key, s);
	if (!e)
		census_add_received(&t->census, key.ifindex, s->packet.payload);
	if (!e || engine_ignores(&e->flow, &s->packet))
		return;
	if (unlikely(e->epoch != s->epoch))
		flow_distrust(&e->flow);
	engine = entry_engine(t, e);
	handle_events(t, e, engine_received(&e->flow, &s->packet, s->now_ns, &engine));
}

void flow_table_expect(const struct flow_table *t, struct flow_segment *s)
{
	struct flow_key key;

	if (is_received(s)) {
		key = key_received(s);
		s->hash_received = flow_index_hash(&t->index, &key);
		flow_index_expect(&t->index, s->hash_received);
	}
	if (is_sent(s)) {
		key = key_sent(s);
		s->hash_sent = flow_index_hash(&t->index, &key);
		flow_index_expect(&t->index, s->hash_sent);
	}
}

/* The key, what is in front of the marks, and the first of them. */
static void entry_fetch(const struct flow_table *t, __u32 hash)
{
	const char *e = flow_index_guess(&t->index, hash);

	for (size_t at = 0; e && at <= offsetof(struct entry, flow.marks); at += CACHE_LINE)
		__builtin_prefetch(e + at, 1);
}

void flow_table_fetch(const struct flow_table *t, const struct flow_segment *s)
{
	if (is_received(s))
		entry_fetch(t, s->hash_received);
	if (is_sent(s))
		entry_fetch(t, s->hash_sent);
}

void flow_table_run(struct flow_table *t, const struct flow_segment *s)
{
	if (is_received(s))
		received(t, s);
	if (!is_sent(s)) {
		if (s->directions & DIRECTION_SENT)
			census_add_sent(&t->census, s->ifindex);
		return;
	}
	/* Only now: a second copy of an ACK is of no consequence. */
	if (copies_have(&t->copies, &s->packet, s->now_ns, s->ifindex, s->place))
		t->counters[COUNTER_COPIES]++;
	else
		sent(t, s);
}

static void sweep_begin(struct flow_table *t, const struct sweep_terms *terms)
{
	t->peers_checked = t->peers_changed;
	t->peers_changed = false;
	census_begin(&t->census);
	if (terms)
		eviction_begin(&t->eviction, terms, t->index.count, t->settings.max_flows);
}

static bool sweep_drops(struct flow_table *t, const struct entry *e,
			const struct sweep_terms *terms)
{
	if (t->peers_checked && t->peers && !peers_match(t->peers, e->key.ifindex, &e->key.peer))
		return true;
	return terms && flow_is_over(&e->flow, terms);
}

static bool sweep_evicts(struct flow_table *t, const struct entry *e,
			 const struct sweep_terms *terms)
{
	struct sweep_terms crowded = {.crowded = t->eviction.before};

	if (!terms)
		return false;
	eviction_see(&t->eviction, &e->flow);
	census_see(&t->census, e->key.ifindex, &e->flow, terms);
	if (!flow_gives_way(&e->flow, &crowded))
		return false;
	t->counters[COUNTER_FLOWS_EVICTED]++;
	return true;
}

bool flow_table_sweep(struct flow_table *t, const struct sweep_terms *terms)
{
	struct entry *e = t->under_way ? t->next : t->entries, *next;
	bool tell = t->peers && peers_keep(t->peers);

	if (!t->under_way)
		sweep_begin(t, terms);
	for (int i = 0; e && i < STEP; i++) {
		next = e->next;
		/* The clock was set back: it would be the youngest of all for as long. */
		if (terms && (__s32)(e->flow.last - terms->now) > CLOCK_SLACK)
			e->flow.last = terms->now;
		emit_batch(t, e);
		if (sweep_drops(t, e, terms) || sweep_evicts(t, e, terms))
			entry_drop(t, e);
		else if (tell)
			peers_see_flow(t->peers, e->key.ifindex, &e->key.peer);
		e = next;
	}
	t->under_way = e != NULL;
	t->next = e;
	return !t->under_way;
}

void flow_table_unread(struct flow_table *t, enum packet_kind kind)
{
	if (kind == PACKET_BAD)
		t->counters[COUNTER_PARSE_ERRORS]++;
	else if (kind == PACKET_FRAGMENT)
		t->counters[COUNTER_FRAGMENTS]++;
}

struct census *flow_table_census(struct flow_table *t)
{
	return &t->census;
}

void flow_table_seen(const struct flow_table *t, struct seen *seen)
{
	seen->answered = t->answered;
	seen->acks_alone = t->acks_alone;
}

__u64 *flow_table_counters(struct flow_table *t)
{
	return t->counters;
}
