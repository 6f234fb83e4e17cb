/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a sample is, in the plainest form: lists without limits, sequence numbers of 64 bits, no
 * cleverness. Written from the definition (docs: a sample; shared/oracle/ORACLE.md), not from the
 * engine, which is tested against it.
 *
 * A verdict about an ACK: nothing may come of it; a sample of this value may; or it must.
 */
#ifndef METRO_TEST_MODEL_H
#define METRO_TEST_MODEL_H

#include <stdlib.h>
#include <string.h>

#include "packet.h"

enum model_verdict { MODEL_NOTHING, MODEL_OPTIONAL, MODEL_CORE };

struct model_answer {
	enum model_verdict verdict;
	__s64 rtt_ns;
	const char *why;
};

struct model_segment {
	__s64 start, end;
	__u64 time;
	bool again;    /* some of it was sent a second time */
	bool recovery; /* in flight when something below it was sent a second time */
	bool between;  /* two places in doubt at once, and this lies between them */
	bool old;      /* in flight with something too old, or with too much */
};

struct model_range {
	__s64 start, end;
};

struct model_ranges {
	struct model_range *at;
	size_t count, room;
};

struct model {
	bool open, isn_known, una_known, data_seen;
	bool fin_bare; /* FIN was sent without data */
	bool slow;     /* something took longer than 1 s to be acknowledged */
	bool strayed;  /* the last data was far outside the window, at stray */
	__u32 isn;
	__u32 stray;
	__s64 doubt; /* ACKs from below this number need not make samples */
	__s64 first;
	__s64 end;     /* behind the highest payload or SYN */
	__s64 highest; /* .. or FIN */
	__s64 una;
	__s64 fin;        /* the number behind a FIN, 0: none */
	__s64 longest_ns; /* with a segment outstanding for longer, samples become optional */
	struct model_segment *segments; /* outstanding, by rising end */
	size_t count, room;
	struct model_ranges again, holes;
};

static inline void model_free(struct model *m)
{
	free(m->segments);
	free(m->again.at);
	free(m->holes.at);
	*m = (struct model){.longest_ns = m->longest_ns};
}

static inline void model_restart(struct model *m)
{
	m->count = m->again.count = m->holes.count = 0;
	m->open = m->isn_known = m->una_known = m->data_seen = false;
	m->fin_bare = m->slow = m->strayed = false;
	m->fin = m->doubt = 0;
}

static inline void *model_grow(void *list, size_t count, size_t *room, size_t size)
{
	if (count < *room)
		return list;
	*room = *room ? 2 * *room : 16;
	list = realloc(list, *room * size);
	if (!list)
		abort();
	return list;
}

static inline void model_ranges_add(struct model_ranges *r, __s64 start, __s64 end)
{
	r->at = model_grow(r->at, r->count, &r->room, sizeof(*r->at));
	r->at[r->count++] = (struct model_range){start, end};
}

static inline bool model_ranges_meet(const struct model_ranges *r, __s64 start, __s64 end)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->at[i].start < end && r->at[i].end > start)
			return true;
	return false;
}

static inline bool model_ranges_include(const struct model_ranges *r, __s64 start, __s64 end)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->at[i].start <= start && end <= r->at[i].end)
			return true;
	return false;
}

/* Forgets what lies below a number. */
static inline void model_ranges_trim(struct model_ranges *r, __s64 below)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->count; i++)
		if (r->at[i].end > below)
			r->at[kept++] = r->at[i];
	r->count = kept;
}

static inline void model_ranges_cut(struct model_ranges *r, __s64 start, __s64 end)
{
	size_t count = r->count;

	for (size_t i = 0; i < count; i++) {
		struct model_range old = r->at[i];

		if (old.start > start || end > old.end)
			continue;
		r->at[i].end = start; /* may become empty: meets nothing, includes nothing */
		model_ranges_add(r, end, old.end);
	}
}

static inline __s64 model_unwrap(const struct model *m, __u32 number)
{
	return m->highest + (__s32)(number - (__u32)m->highest);
}

static inline void model_age(struct model *m, __u64 now)
{
	bool old = false;

	if (m->open) /* more in flight than TCP can have */
		old = m->highest - (m->una_known ? m->una : m->first) >= 1 << 30;
	for (size_t i = 0; i < m->count; i++)
		old |= (__s64)(now - m->segments[i].time) > m->longest_ns;
	for (size_t i = 0; old && i < m->count; i++)
		m->segments[i].old = true;
}

static inline void model_begin(struct model *m, __u32 number)
{
	if (m->open)
		return;
	m->open = true;
	m->end = m->highest = m->first = (__s64)number + (1ll << 40);
}

static inline void model_insert(struct model *m, struct model_segment segment)
{
	size_t i;

	m->segments = model_grow(m->segments, m->count, &m->room, sizeof(*m->segments));
	for (i = m->count; i > 0 && m->segments[i - 1].end > segment.end; i--)
		m->segments[i] = m->segments[i - 1];
	m->segments[i] = segment;
	m->count++;
}

/* [start, end) was sent before, in part at least, or fills a hole. */
static inline void model_later_copy(struct model *m, __s64 start, __s64 end, __u64 now)
{
	__s64 old_end = end < m->end ? end : m->end;
	bool in_hole = model_ranges_include(&m->holes, start, old_end);
	bool doubted = m->again.count || m->doubt > m->una;
	__s64 doubt = m->doubt > m->una ? m->doubt : m->first - 1;

	for (size_t i = 0; i < m->again.count; i++)
		if (m->again.at[i].end > doubt)
			doubt = m->again.at[i].end;
	for (size_t i = 0; doubted && i < m->count; i++)
		if (m->segments[i].end > doubt && m->segments[i].end <= start)
			m->segments[i].between = true;
	model_ranges_add(&m->again, start, old_end);
	for (size_t i = 0; i < m->count; i++) {
		struct model_segment *s = &m->segments[i];

		if (s->start < old_end && start < s->end)
			s->again = true;
		else if (s->start >= old_end)
			s->recovery = true;
	}
	if (in_hole)
		model_ranges_cut(&m->holes, start, old_end);
	if (in_hole || end > m->end)
		model_insert(m, (struct model_segment){start, end, now, .again = true});
}

/* Data far outside the window is noise, unless the next data goes on there: then it is another
 * connection. */
static inline bool model_strays(struct model *m, __u32 number)
{
	bool again = m->strayed && abs((__s32)(number - m->stray)) < 1 << 24;

	m->strayed = llabs(model_unwrap(m, number) - m->highest) >= 1 << 30 ||
		     (m->una_known && m->una - model_unwrap(m, number) > 1 << 24);
	m->stray = number;
	if (m->strayed && again) {
		model_restart(m);
		model_begin(m, number);
	}
	return m->strayed;
}

static inline void model_data(struct model *m, __u32 number, __u32 length, __u64 now)
{
	__s64 start, end;

	model_begin(m, number);
	if (model_strays(m, number))
		return;
	start = model_unwrap(m, number);
	end = start + length;
	if (m->una_known && end <= m->una) {
		/* acknowledged before: a keep-alive, or sent again for nothing; or never seen: then
		 * that ACK is believed no longer */
		if (start >= m->end && end != m->una) {
			m->una = end;
			m->doubt = end + 1;
		}
	} else if (start >= m->end) {
		if (start > m->end && (m->data_seen || m->isn_known))
			model_ranges_add(&m->holes, m->end, start);
		model_insert(m,
			     (struct model_segment){start, end, now, false, false, false, false});
	} else {
		model_later_copy(m, start, end, now);
	}
	m->data_seen = true;
	if (end > m->end)
		m->end = end;
	if (m->end > m->highest)
		m->highest = m->end;
}

static inline void model_syn(struct model *m, __u32 isn)
{
	bool other = m->isn_known ? isn != m->isn
				  : llabs(m->first - model_unwrap(m, isn + 1)) >= 1 << 16;

	if (m->open && other)
		model_restart(m);
	model_begin(m, isn + 1);
	m->isn_known = true;
	m->isn = isn;
}

/* The local side's segment. */
static inline void model_sent(struct model *m, __u32 seq, __u32 length, __u8 flags, __u64 now)
{
	__u32 start = seq + !!(flags & TCP_SYN);
	__s64 fin;

	if (!m->open && length == 1 && !(flags & (TCP_SYN | TCP_FIN | TCP_PSH)))
		return; /* a keep-alive */
	model_age(m, now);
	if (flags & TCP_SYN)
		model_syn(m, seq);
	if (flags & TCP_RST)
		return;
	if (length)
		model_data(m, start, length, now);
	if (flags & TCP_FIN) {
		model_begin(m, start + length);
		fin = model_unwrap(m, start + length) + 1;
		if (llabs(fin - m->highest) < 1 << 30) {
			m->fin = fin;
			m->fin_bare = !length;
			if (fin > m->highest)
				m->highest = fin;
		}
	}
}

/* Nothing can follow when the FIN has been acknowledged, and the engine drops the flow. */
static inline bool model_is_over(const struct model *m)
{
	return m->open && m->fin && m->una_known && m->una == m->highest;
}

static inline struct model_answer model_judge(const struct model *m, __s64 una, __s64 ack,
					      const struct model_segment *x, __u64 now)
{
	struct model_answer a = {MODEL_NOTHING, 0, ""};

	a.rtt_ns = (__s64)(now - x->time);
	if (ack > m->highest)
		a.why = "above all that was sent";
	else if (x->again || model_ranges_meet(&m->again, una, ack))
		a.why = "Karn";
	else if (x->recovery)
		a.why = "waited for a recovery";
	else if (a.rtt_ns < 0)
		a.why = "negative";
	else if (m->fin_bare && ack == m->fin && x->end == ack - 1)
		a.why = "caused by a bare FIN";
	/* What came before took 1 s at most: SRTT + 4 RTTVAR cannot be above 5 s. */
	else if (a.rtt_ns > 10500000000 && !m->slow)
		a.why = "later than its sender would have waited";
	else if (a.rtt_ns > 1500000000)
		a = (struct model_answer){MODEL_OPTIONAL, a.rtt_ns, "late"};
	else if (una < m->doubt)
		a = (struct model_answer){MODEL_OPTIONAL, a.rtt_ns, "in doubt"};
	else if (x->between)
		a = (struct model_answer){MODEL_OPTIONAL, a.rtt_ns, "between"};
	else if (x->old)
		a = (struct model_answer){MODEL_OPTIONAL, a.rtt_ns, "old"};
	else if (x->end != ack && !(ack == m->fin && x->end == ack - 1))
		a = (struct model_answer){MODEL_OPTIONAL, a.rtt_ns, "inexact"};
	else if (model_ranges_meet(&m->holes, una, ack))
		a = (struct model_answer){MODEL_OPTIONAL, a.rtt_ns, "hole"};
	else
		a = (struct model_answer){MODEL_CORE, a.rtt_ns, "core"};
	return a;
}

/* The peer's segment, with ACK and without RST. */
static inline struct model_answer model_acked(struct model *m, __u32 number, __u64 now)
{
	struct model_answer answer = {MODEL_NOTHING, 0, "nothing covered"};
	size_t covered = 0;
	__s64 ack, una;

	if (!m->open)
		return answer;
	model_age(m, now);
	ack = model_unwrap(m, number);
	if (!m->una_known) {
		m->una_known = true;
		m->una = ack < m->highest ? ack : m->highest;
		if (m->count)
			m->una = ack < m->segments[0].start ? ack : m->segments[0].start;
	}
	if (ack <= m->una || ack - m->highest > 1 << 24)
		return answer;
	una = m->una;
	while (covered < m->count && m->segments[covered].end <= ack)
		covered++;
	if (covered)
		answer = model_judge(m, una, ack, &m->segments[covered - 1], now);
	if (answer.rtt_ns > 1500000000) /* if it was left out, so is what is in flight */
		m->doubt = m->highest;
	m->slow |= answer.rtt_ns > 1000000000;
	m->una = ack;
	m->count -= covered;
	memmove(m->segments, m->segments + covered, m->count * sizeof(*m->segments));
	model_ranges_trim(&m->again, ack);
	model_ranges_trim(&m->holes, ack);
	return answer;
}

#endif
