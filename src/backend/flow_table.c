/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The operations of the datapath over a table in memory, and the walk that drops what is over. */
#include "flow_table.h"
#include "copies.h"
#include "datapath.h"
#include "eviction.h"
#include "flow_entry.h"
#include "flow_index.h"
#include "mark_ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define STEP 256 /* flows looked at in one step of a sweep */

/* Up to the largest table for live traffic, the index never has to grow, which would take a pause.
 * Its memory is taken as flows appear. */
#define INDEXED_AT_ONCE  (1u << 20)
#define INDEXED_AT_FIRST (1u << 15) /* the same for larger tables */

struct flow_table {
	struct flow_table_settings settings;
	const struct peers *peers;
	bool peers_changed; /* since the current walk began */
	bool peers_checked; /* by the current walk */
	struct flow_index index;
	struct entry_pool pool;
	struct entry *entries;
	struct entry *next; /* where the sweep goes on */
	bool under_way;
	struct eviction eviction;
	struct census census;
	struct handshake handshakes[HANDSHAKES];
	closed_flow closed[CLOSED];
	struct copies copies;
	__u64 counters[COUNTERS];
	__u64 answered, acks_alone; /* as seen.h has them */
};

/* A segment on its way to its flow, in one direction. */
struct datapath {
	struct flow_table *table;
	const struct flow_segment *segment;
	__u32 hash; /* of the flow's key */
	bool sent;  /* by the local side */
};

int flow_table_new(struct flow_table **table, const struct flow_table_settings *settings)
{
	unsigned int size = settings->max_flows;
	struct flow_table *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->settings = *settings;
	t->pool.mark_mask = settings->engine.mark_mask;
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
	entry_free(&t->pool, e);
}

void flow_table_free(struct flow_table *t)
{
	struct entry *e, *next;

	if (!t)
		return;
	DL_FOREACH_SAFE(t->entries, e, next)
	free(e);
	entry_pool_clear(&t->pool);
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

static struct entry *entry_create(struct flow_table *t, const struct flow_key *key, __u32 hash,
				  __u32 epoch)
{
	struct entry *e = NULL;

	if (t->index.count < t->settings.max_flows)
		e = entry_alloc(&t->pool, key, t->pool.mark_mask);
	if (e && flow_index_add(&t->index, hash, e)) {
		entry_free(&t->pool, e);
		e = NULL;
	}
	if (e) {
		e->epoch = epoch;
		DL_APPEND(t->entries, e);
	}
	t->counters[e ? COUNTER_FLOWS : COUNTER_FLOWS_REFUSED]++;
	return e;
}

/* Moves the entry to one with twice the marks. Returns the old entry if there is no memory: then
 * its marks are thinned. */
static struct entry *entry_grow(struct flow_table *t, struct entry *e)
{
	struct entry *larger = entry_alloc(&t->pool, &e->key, 2 * e->mark_mask + 1);

	if (!larger)
		return e;
	larger->epoch = e->epoch;
	larger->answered = e->answered;
	mark_ring_move(&larger->flow, &e->flow, e->mark_mask);
	flow_index_replace(&t->index, flow_index_hash(&t->index, &e->key), e, larger);
	DL_REPLACE_ELEM(t->entries, e, larger);
	if (t->next == e)
		t->next = larger;
	entry_free(&t->pool, e);
	return larger;
}

/* Call this before a segment is remembered. */
static struct entry *make_room(struct flow_table *t, struct entry *e)
{
	if (likely(!mark_ring_is_full(&e->flow, e->mark_mask)) || !t->settings.marks_most)
		return e;
	if (e->mark_mask + 1u < t->settings.marks_most)
		return entry_grow(t, e);
	t->counters[COUNTER_MARKS_THINNED] += mark_ring_halve(&e->flow, e->mark_mask);
	return e;
}

static struct entry *entry_of(struct flow *f)
{
	return (struct entry *)((char *)f - offsetof(struct entry, flow));
}

static __always_inline bool datapath_may_be_peer(struct datapath *d, const struct address *addr)
{
	(void)d, (void)addr;
	return true; /* the capture's filter has let it pass */
}

static __always_inline bool datapath_is_peer(struct datapath *d, const struct flow_key *key)
{
	const struct peers *peers = d->table->peers;

	return !peers || peers_match(peers, key);
}

/* A second copy of an ACK is of no consequence. */
static __always_inline bool datapath_is_copy(struct datapath *d, const struct packet *p)
{
	const struct flow_segment *s = d->segment;

	if (!copies_have(&d->table->copies, p, s->hash_copy, s->now_ns, s->place))
		return false;
	d->table->counters[COUNTER_COPIES]++;
	return true;
}

static __always_inline struct flow *datapath_find(struct datapath *d, const struct flow_key *key,
						  __u32 tag)
{
	struct entry *e = flow_index_find(&d->table->index, d->hash, key);

	(void)tag;
	return e ? &e->flow : NULL;
}

static __always_inline struct flow *datapath_create(struct datapath *d, const struct flow_key *key,
						    __u32 tag)
{
	struct entry *e = entry_create(d->table, key, d->hash, d->segment->epoch);

	(void)tag;
	return e ? &e->flow : NULL;
}

static __always_inline void datapath_drop(struct datapath *d, const struct flow_key *key,
					  struct flow *f)
{
	(void)key;
	entry_drop(d->table, entry_of(f));
}

/* Distrusts what is in flight when an epoch begins. */
static __always_inline bool datapath_acquire(struct datapath *d, struct flow **f, __u32 tag)
{
	struct entry *e = entry_of(*f);

	(void)tag;
	if (d->sent)
		e = make_room(d->table, e);
	if (unlikely(e->epoch != d->segment->epoch))
		flow_distrust(&e->flow);
	*f = &e->flow;
	return true;
}

/* .. the first data in it are distrusted. */
static __always_inline void datapath_release(struct datapath *d, struct flow *f, __u32 tag)
{
	struct entry *e = entry_of(f);

	(void)tag;
	if (!d->sent)
		return;
	if (unlikely(e->epoch != d->segment->epoch))
		flow_distrust(f);
	if (d->segment->packet.payload)
		e->epoch = d->segment->epoch;
}

static __always_inline closed_flow *datapath_closed(struct datapath *d, __u32 place)
{
	return &d->table->closed[place];
}

static __always_inline bool datapath_times_handshakes(struct datapath *d)
{
	return d->table->settings.handshakes;
}

static __always_inline struct handshake *datapath_handshake(struct datapath *d, __u32 place)
{
	return &d->table->handshakes[place];
}

static __always_inline void datapath_lock_handshake(struct handshake *h)
{
	(void)h; /* one thread only */
}

static __always_inline void datapath_unlock_handshake(struct handshake *h)
{
	(void)h;
}

static __always_inline __u64 datapath_now(struct datapath *d)
{
	return d->segment->now_ns;
}

static __always_inline __u64 datapath_departure(struct datapath *d, __u64 now)
{
	(void)d;
	return now; /* it is captured as it leaves */
}

static __always_inline __u32 datapath_epoch(struct datapath *d)
{
	return d->segment->epoch;
}

static __always_inline __u32 datapath_segment_size(struct datapath *d)
{
	(void)d;
	return 0; /* a capture does not tell */
}

static __always_inline struct engine_settings datapath_settings(struct datapath *d, struct flow *f)
{
	struct engine_settings settings = d->table->settings.engine;

	settings.mark_mask = entry_of(f)->mark_mask;
	return settings;
}

static __always_inline __u64 *datapath_counters(struct datapath *d)
{
	return d->table->counters;
}

static __always_inline void datapath_emit(struct datapath *d, const struct flow_record *record)
{
	struct flow_table *t = d->table;

	if (!(record->flags & RECORD_HANDSHAKE)) {
		t->counters[COUNTER_SAMPLES] += record->count;
		census_add_samples(&t->census, record->key.ifindex, record->count);
	}
	t->settings.emit(t->settings.arg, record);
}

static __always_inline void datapath_sight_sent(struct datapath *d, const struct packet *p,
						__u32 ifindex)
{
	(void)p;
	census_add_sent(&d->table->census, ifindex);
}

/* Is this an ACK for data that must have gone another way? */
static bool is_alone(struct datapath *d, const struct flow_key *key, const struct packet *p)
{
	return !p->payload && (p->flags & (TCP_SYN | TCP_FIN | TCP_RST | TCP_ACK)) == TCP_ACK &&
	       datapath_is_peer(d, key);
}

static void see(struct datapath *d, const struct packet *p, const struct flow_key *key,
		struct flow *f)
{
	struct flow_table *t = d->table;

	if (f) {
		t->answered += !entry_of(f)->answered;
		entry_of(f)->answered = true;
	} else {
		t->acks_alone += is_alone(d, key, p);
	}
}

static __always_inline void datapath_sight_received(struct datapath *d, const struct packet *p,
						    const struct flow_key *key, struct flow *f)
{
	if (unlikely(d->table->settings.tells_seen))
		see(d, p, key, f);
	if (!f)
		census_add_received(&d->table->census, key->ifindex, p->payload);
}

static bool is_sent(const struct flow_segment *s)
{
	return s->directions & DIRECTION_SENT && engine_heeds_sent(&s->packet);
}

static bool is_received(const struct flow_segment *s)
{
	return s->directions & DIRECTION_RECEIVED && engine_heeds_received(&s->packet);
}

void flow_table_expect(const struct flow_table *t, struct flow_segment *s)
{
	struct flow_key key;

	if (is_received(s)) {
		key = packet_key_received(&s->packet, s->ifindex);
		s->hash_received = flow_index_hash(&t->index, &key);
		flow_index_expect(&t->index, s->hash_received);
	}
	if (is_sent(s)) {
		key = packet_key_sent(&s->packet, s->ifindex);
		s->hash_sent = flow_index_hash(&t->index, &key);
		flow_index_expect(&t->index, s->hash_sent);
		s->hash_copy = copies_hash(&s->packet, s->ifindex);
		copies_expect(&t->copies, s->hash_copy);
	}
}

/* Prefetches the key, what comes before the marks, and the first marks. */
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
	struct datapath received = {.table = t, .segment = s, .hash = s->hash_received};
	struct datapath sent = {.table = t, .segment = s, .hash = s->hash_sent, .sent = true};

	if (s->directions & DIRECTION_RECEIVED)
		datapath_received(&received, &s->packet, s->ifindex);
	if (s->directions & DIRECTION_SENT)
		datapath_sent(&sent, &s->packet, s->ifindex);
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
	if (t->peers_checked && t->peers && !peers_match(t->peers, &e->key))
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
	struct datapath d = {.table = t};
	struct flow_record record;
	bool tell = t->peers && peers_keep(t->peers);

	if (!t->under_way)
		sweep_begin(t, terms);
	for (int i = 0; e && i < STEP; i++) {
		next = e->next;
		/* The clock was set back: the flow would count as the youngest until the clock has
		 * caught up. */
		if (terms && (__s32)(e->flow.last - terms->now) > CLOCK_SLACK)
			e->flow.last = terms->now;
		if (batch_take(&e->flow, &record))
			datapath_emit_for(&d, &e->key, &record);
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
	struct datapath d = {.table = t};

	datapath_unread(&d, kind);
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
