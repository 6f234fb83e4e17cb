/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The engine: what a flow does with a segment. Compiled into the BPF programs and into the libpcap
 * backend, so that both find the same samples in the same packets.
 *
 * A sample is the time from sending a segment of new data to the ACK that newly covers it, for the
 * newest segment that the ACK covers completely.
 *
 * Karn's rule (RFC 6298, 3), in one number. When something is sent again, [seq, end):
 *  - marks that end above seq go: they were sent again, or are in flight above a loss, where their
 *    ACK waits for the recovery;
 *  - the mark below seq, if any, gets MARK_GAP, so that only an ACK that stops right there counts;
 *  - karn becomes the end of what was sent again. A later ACK that comes from below karn and goes
 *    above it covers both old and new copies and makes no sample, though new segments sent since
 *    then have marks. Once una has reached karn, nothing is in doubt. If something further up is
 *    sent again before that, the marks in between go, too.
 *
 * A retransmission may pass unseen: on another interface, dropped before it was captured. An ACK
 * that comes far later than its sender would have waited shows it (flow_believes).
 *
 * What the local side sends is believed, what arrives may be forged (docs/samples.md has what a
 * forger can do): its numbers have to fit, and what the local side sends next corrects what was
 * wrongly believed.
 */
#ifndef METRO_ENGINE_H
#define METRO_ENGINE_H

#include "batch.h"
#include "counters.h"
#include "marks.h"
#include "packet.h"

struct engine_settings {
	__u32 mark_mask;   /* marks per flow, less one; their number is a power of two */
	__u32 batch_limit; /* samples, 1 .. BATCH_MAX */
	__u32 batch_age;   /* ticks after the first sample, after which the next packet sends the
			      batch */
};

/* Results are a set of events, the bits of enum counter and these. */
#define EVENT(counter) (1u << (counter))
#define EVENT_FLUSH    (1u << 31) /* take the batch */
#define EVENT_OVER     (1u << 30) /* after that, drop the flow: nothing is outstanding */
_Static_assert(COUNTERS < 30, "a bit for each counter");

/* Numbers further apart than this belong to no window that TCP could have (RFC 7323, 2.3). */
#define WINDOW_MAX (1 << 30)
/* An ACK above all that was sent: capture loss up to here, nonsense beyond. */
#define UNSEEN_MAX (1 << 24)
/* The peer's segments are further ahead of, or behind, what the local side last acknowledged only
 * with windows above the default of 6 to 32 MB (tcp_rmem, Linux 6.16 and before). */
#define PEER_WINDOW (1 << 24)
/* Data this close to other data belongs to the same connection: mostly, that much is in flight at
 * once. */
#define STRAY_NEAR (1 << 24)
/* A SYN this close to the first number seen is that connection's own, whose ISN was not seen */
#define ISN_NEAR (1 << 16)

/* A sample may be off by one of these: 1 us (a little less, since both times are rounded), or 0.1
 * %. */
#define RTT_DOUBT_TICKS (1000 / TICK_NS - 1)
#define RTT_DOUBT_SHARE 1100 /* a little less than 0.1 %, for the same reason */
#define RTT_NONE        0xffffffffu

/* Longer than any sender waits before it sends again, in units of flow_clock: RFC 6298 has 1 s at
 * first (2.1), doubled at the first time-out, and then SRTT + 4 RTTVAR or 1 s (2.3, 2.4), doubled
 * here, too. We may see the ACK a little later than the sender does. */
#define PATIENCE_FIRST (3000000000ull >> CLOCK_SHIFT)
#define PATIENCE_LEAST (2000000000ull >> CLOCK_SHIFT)

/* Can a segment that the local side sends, or receives, matter to its flow, if there is one? */
static __always_inline bool engine_heeds_sent(const struct packet *p)
{
	return p->payload || p->flags & (TCP_SYN | TCP_FIN | TCP_RST);
}

static __always_inline bool engine_heeds_received(const struct packet *p)
{
	return p->flags & (TCP_ACK | TCP_RST);
}

/* Is this what a keep-alive may look like (RFC 9293, 3.8.4)? It may carry the last byte before
 * SND.NXT again, but then has no PSH; the end of a write has one. */
static __always_inline bool engine_may_probe(const struct packet *p)
{
	return p->payload == 1 && !(p->flags & (TCP_SYN | TCP_FIN | TCP_PSH));
}

/* Should a segment that the local side sends make a flow? Data does, and SYNs of connections that
 * the local side opens; not answers to SYNs of others, or a SYN flood would fill the table. */
static __always_inline bool engine_starts(const struct packet *p)
{
	if (p->flags & TCP_RST || engine_may_probe(p))
		return false;
	return p->payload || (p->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

static __always_inline void flow_open(struct flow *f, __u32 start)
{
	f->una = start;
	f->end = start;
	f->nxt = start;
	f->karn = start - WINDOW_MAX; /* below anything that may still be sent again */
	f->first = start;
	f->count = 0;
	f->flags = FLOW_OPEN;
	f->late = 0;
}

static __always_inline void flow_advance(struct flow *f, __u32 seq)
{
	if (!seq_after(seq, f->nxt))
		return;
	f->nxt = seq;
	/* Without ACKs, move these along: after 2^31 bytes they would compare the wrong way. */
	if (f->nxt - f->una + UNSEEN_MAX > WINDOW_MAX + UNSEEN_MAX)
		f->una = f->nxt - WINDOW_MAX;
	if (seq_before(f->karn, f->nxt - WINDOW_MAX))
		f->karn = f->nxt - WINDOW_MAX;
}

/* Whatever is in flight may have been sent again: no sample until it is acknowledged. */
static __always_inline void flow_distrust(struct flow *f)
{
	f->count = 0;
	if (seq_after(f->nxt, f->karn))
		f->karn = f->nxt;
}

/* Keeps the latest time: clocks of captures, and of two CPUs, may run back a little. */
static __always_inline void flow_touch(struct flow *f, __u64 now_ns)
{
	if ((__s32)(flow_clock(now_ns) - f->last) > 0)
		f->last = flow_clock(now_ns);
}

/* The number after our SYN: is this the connection we know, or has its port been used again? */
static __always_inline __u32 flow_syn(struct flow *f, __u32 start)
{
	__u32 distance = start - f->first;

	if (distance + ISN_NEAR >= 2 * ISN_NEAR)
		flow_open(f, start);
	return distance == 0 ? EVENT(COUNTER_RETRANSMISSIONS) : 0;
}

static __always_inline __u32 flow_new_data(struct flow *f, __u32 start, __u32 end,
					   __u64 departure_ns, __u32 mask)
{
	if (start != f->end)
		marks_gap(f, mask); /* data in between never passed here */
	f->end = end;
	flow_advance(f, end);
	if (!(f->flags & FLOW_LAST_SENT)) /* only half of it had ended, or the end was forged */
		f->flags &= ~FLOW_ENDED;
	return marks_push(f, end, departure_ns, mask) ? EVENT(COUNTER_MARKS_THINNED) : 0;
}

/*
 * Data that has been acknowledged already: a keep-alive, or sent again needlessly. Neither old nor
 * new data is in doubt. But if it is new to us, then an earlier ACK above all that was sent was
 * wrong or forged, and is no longer believed.
 */
static __always_inline __u32 flow_old_data(struct flow *f, __u32 start, __u32 end)
{
	bool again = end - start > 1 && seq_before(start, f->end);

	if (!seq_before(start, f->end) && end != f->una) {
		f->una = end;
		f->karn =
			end + 1; /* what is sent next may have reached the peer before, after all */
	}
	if (seq_after(end, f->end))
		f->end = end;
	flow_advance(f, end);
	return again ? EVENT(COUNTER_RETRANSMISSIONS) : 0;
}

static __always_inline __u32 flow_sent_again(struct flow *f, __u32 start, __u32 end, __u32 mask)
{
	__u32 again = seq_before(end, f->end) ? end : f->end;
	__u32 clean = start;

	if (seq_before(f->una, f->karn) && seq_before(f->karn, start))
		clean = f->karn; /* one number cannot describe two places in doubt */
	f->count = marks_covered(f, clean, mask);
	marks_gap(f, mask);
	if (seq_after(again, f->karn))
		f->karn = again;
	if (seq_after(end, f->end))
		f->end = end;
	flow_advance(f, end);
	return EVENT(COUNTER_RETRANSMISSIONS);
}

static __always_inline bool seq_in_window(const struct flow *f, __u32 seq)
{
	/* Nor does a sender go back so far behind what has been acknowledged. */
	if (f->flags & FLOW_UNA_KNOWN && (__s32)(f->una - seq) > STRAY_NEAR)
		return false;
	return seq - f->nxt + WINDOW_MAX < 2u * WINDOW_MAX;
}

/* Data far outside the window: noise, or another connection on the same ports whose SYN was not
 * seen. It is another connection if the next data continues there. */
static __always_inline bool flow_strays(struct flow *f, __u32 start)
{
	__u32 distance = start - ((__u32)f->stray << 16);
	bool again = f->flags & FLOW_STRAY && distance + STRAY_NEAR < 2u * STRAY_NEAR;

	if (likely(seq_in_window(f, start))) {
		f->flags &= ~FLOW_STRAY;
		return false;
	}
	if (again) {
		flow_open(f, start);
		return false;
	}
	f->flags |= FLOW_STRAY;
	f->stray = start >> 16;
	return true;
}

static __always_inline __u32 flow_data(struct flow *f, __u32 start, __u32 end, __u64 departure_ns,
				       __u32 mask)
{
	if (flow_strays(f, start))
		return 0;
	if (f->flags & FLOW_UNA_KNOWN && !seq_after(end, f->una))
		return flow_old_data(f, start, end);
	if (!seq_before(start, f->end))
		return flow_new_data(f, start, end, departure_ns, mask);
	return flow_sent_again(f, start, end, mask);
}

/* FIN, after data in the same segment or alone. end: the number after the data. */
static __always_inline __u32 flow_fin(struct flow *f, const struct packet *p, __u32 end, __u32 mask)
{
	bool again = !p->payload && end + 1 == f->nxt;

	f->flags |= FLOW_ENDED;
	if (!seq_in_window(f, end + 1))
		return 0;
	/* An ACK that covers a bare FIN, too, was caused by that, not by the data before it. */
	if (!p->payload)
		marks_gap(f, mask);
	flow_advance(f, end + 1);
	f->flags |= FLOW_LAST_SENT;
	return again ? EVENT(COUNTER_RETRANSMISSIONS) : 0;
}

/* A segment that the local side sends and that passes the hook at now_ns. It leaves at
 * departure_ns: later, if it is paced. */
static __always_inline __u32 engine_sent(struct flow *f, const struct packet *p, __u64 now_ns,
					 __u64 departure_ns, const struct engine_settings *s)
{
	__u32 start = p->seq + !!(p->flags & TCP_SYN);
	__u32 end = start + p->payload;
	__u32 events = 0;

	if (!(f->flags & FLOW_OPEN)) {
		flow_open(f, start);
		f->last = flow_clock(now_ns);
	} else if (p->flags & TCP_SYN) {
		events = flow_syn(f, start);
	}
	marks_expire(f, now_ns, s->mark_mask);
	flow_touch(f, now_ns);
	if (p->flags & TCP_RST) {
		f->flags |= FLOW_ENDED;
		return EVENT_FLUSH;
	}
	if (p->payload && (seq_in_window(f, start) || !engine_may_probe(p)))
		events |= flow_data(f, start, end, departure_ns, s->mark_mask);
	if (p->flags & TCP_ACK) {
		f->flags |= FLOW_PEER_NXT;
		f->peer_nxt = p->ack;
	}
	if (p->flags & TCP_FIN)
		events |= flow_fin(f, p, end, s->mark_mask);
	if (events & EVENT(COUNTER_RETRANSMISSIONS) && f->retransmissions < 0xffff)
		f->retransmissions++;
	if (batch_due(f, now_ns, s->batch_limit, s->batch_age))
		events |= EVENT_FLUSH;
	return events;
}

/*
 * How long ago the segment that caused this ACK was sent: the newest mark that the ACK covers. If
 * that mark has a gap after it and the ACK does not end exactly on it, the segment was not kept and
 * lies between this mark and the next: then the middle of the two times will do if it cannot be off
 * by more than 1 us or 0.1 %, whichever is larger. Returns ticks; above RTT_TICKS_MAX if it cannot
 * be told.
 */
static __always_inline __u32 flow_rtt(struct flow *f, __u32 covered, __u32 ack, __u64 now_ns,
				      __u32 mask)
{
	const struct mark *newest = marks_at(f, covered - 1, mask);
	__u32 rtt = mark_age(newest->when, now_ns), after, doubt;

	if (!(newest->when & MARK_GAP) || newest->end == ack)
		return rtt;
	/* No next mark, or the gap comes from data that was sent again. */
	if (covered >= f->count || seq_after(f->karn, newest->end))
		return RTT_NONE;
	after = mark_age(marks_at(f, covered, mask)->when, now_ns);
	doubt = (rtt - after) / 2;
	if (rtt > RTT_TICKS_MAX || after > rtt ||
	    (doubt > RTT_DOUBT_TICKS && doubt > rtt / RTT_DOUBT_SHARE))
		return RTT_NONE;
	return rtt - doubt;
}

static __always_inline void flow_smooth(struct flow *f, __u32 r)
{
	__u32 deviation = r > f->srtt ? r - f->srtt : f->srtt - r;

	if (f->flags & FLOW_TIMED) {
		f->rttvar = (3 * f->rttvar + deviation) / 4;
		f->srtt = (7 * f->srtt + r) / 8;
	} else {
		f->flags |= FLOW_TIMED;
		f->srtt = r;
		f->rttvar = r / 2;
	}
}

/*
 * Can this be a sample? A sender that gets no ACK sends again after its retransmission time-out
 * (RFC 6298): an ACK that comes far later was caused by a retransmission that was not seen. Unless
 * the previous ACK came as late, within a factor of two: then the path is that long.
 */
static __always_inline bool flow_believes(struct flow *f, __u32 rtt)
{
	__u32 r = rtt >> CLOCK_TICKS_SHIFT, before = f->late, patience = PATIENCE_FIRST;

	if (likely(f->flags & FLOW_TIMED)) {
		if (!(r | f->srtt | f->rttvar | before))
			return true; /* a path below 1 ms: not late */
		patience = 2 * (f->srtt + 4u * f->rttvar);
		if (patience < PATIENCE_LEAST)
			patience = PATIENCE_LEAST;
	}
	f->late = 0;
	if (unlikely(r > patience)) {
		f->late = r;
		if (!before || r > 2 * before || before > 2 * r)
			return false;
	}
	flow_smooth(f, r);
	return true;
}

/* Moves una to a higher ACK. Returns the events; *rtt is set if they have COUNTER_SAMPLES. */
static __always_inline __u32 flow_acked(struct flow *f, __u32 ack, __u64 now_ns, __u32 mask,
					__u32 *rtt)
{
	/* ack is after nxt; una is before karn, and ack is not. Without branches, of which the
	 * verifier would follow each into the search. */
	__u32 unseen = (f->nxt - ack) >> 31;
	__u32 ambiguous = ((f->una - f->karn) & ~(ack - f->karn)) >> 31;
	__u32 covered = marks_covered(f, ack, mask);

	if ((unseen && ack - f->nxt > UNSEEN_MAX) || ack - f->una > WINDOW_MAX + UNSEEN_MAX)
		return EVENT(COUNTER_ACKS_UNSEEN);
	*rtt = RTT_NONE;
	if (covered)
		*rtt = flow_rtt(f, covered, ack, now_ns, mask);
	marks_pop(f, covered);
	f->stride = ack - f->una;
	f->una = ack;
	if (!seq_after(f->karn, ack))
		f->karn = ack; /* move it along: after 2^31 bytes old numbers would compare the
				  wrong way */
	if (unseen)
		return EVENT(COUNTER_ACKS_UNSEEN);
	if (!covered)
		return 0;
	if (ambiguous || *rtt > RTT_TICKS_MAX)
		return EVENT(COUNTER_ACKS_AMBIGUOUS);
	if (flow_believes(f, *rtt))
		return EVENT(COUNTER_SAMPLES);
	flow_distrust(f); /* what else is in flight was sent again, too, or will be */
	return EVENT(COUNTER_ACKS_IMPLAUSIBLE);
}

/* Does this segment of the peer fit to what the local side has acknowledged (RFC 9293, 3.10.7.4)? A
 * forger who does not see the connection has to guess that, too (RFC 5961, 5.2), or the exact
 * number of the next byte. */
static __always_inline bool flow_accepts(const struct flow *f, const struct packet *p)
{
	return !(f->flags & FLOW_PEER_NXT) ||
	       p->seq - f->peer_nxt + PEER_WINDOW < 2u * PEER_WINDOW || p->ack == f->nxt;
}

/* True if a segment from the peer cannot change the flow: no new ACK, no end. */
static __always_inline bool engine_ignores(const struct flow *f, const struct packet *p)
{
	return f->flags & FLOW_UNA_KNOWN && p->ack == f->una && !(p->flags & (TCP_FIN | TCP_RST));
}

/* A segment that the local side receives; its ACK is for what the local side has sent. */
static __always_inline __u32 engine_received(struct flow *f, const struct packet *p, __u64 now_ns,
					     const struct engine_settings *s)
{
	__u32 events = 0, rtt;

	if (!(f->flags & FLOW_OPEN))
		return 0;
	if (!flow_accepts(f, p))
		return EVENT(COUNTER_OUT_OF_WINDOW);
	marks_expire(f, now_ns, s->mark_mask);
	if (p->flags & (TCP_FIN | TCP_RST))
		f->flags |= FLOW_ENDED;
	if (p->flags & TCP_RST)
		return EVENT_FLUSH; /* its ACK number may mean nothing (RFC 9293, 3.10.7) */
	if (!(f->flags & FLOW_UNA_KNOWN)) {
		f->flags |= FLOW_UNA_KNOWN;
		/* If it is further off, it belongs to another connection. */
		if (f->una - p->ack < WINDOW_MAX)
			f->una = p->ack;
	}
	if (!seq_after(p->ack, f->una))
		return 0;
	flow_touch(f, now_ns);
	events = flow_acked(f, p->ack, now_ns, s->mark_mask, &rtt);
	if (events & EVENT(COUNTER_SAMPLES))
		batch_add(f, rtt, now_ns);
	/* Our FIN is acknowledged: nothing will ever be sent again. Short connections would fill
	 * the table if they stayed until the sweep before the next report. */
	if (f->flags & FLOW_LAST_SENT && f->una == f->nxt)
		events |= EVENT_OVER | EVENT_FLUSH;
	if (batch_due(f, now_ns, s->batch_limit, s->batch_age))
		events |= EVENT_FLUSH;
	return events;
}

#endif
