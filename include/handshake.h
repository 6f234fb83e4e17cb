/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The time of a handshake: from our SYN to the peer's SYN-ACK, or from our SYN-ACK to its ACK. Kept
 * in a table of fixed size with one place for each hash of a flow's key, where a newer SYN replaces
 * an older one: a flood of them makes us miss some handshakes, but takes no memory.
 */
#ifndef METRO_HANDSHAKE_H
#define METRO_HANDSHAKE_H

#include "flow.h"
#include "marks.h"
#include "packet.h"

/* With a thousand new connections a second, 100 ms away, a hundred are open at a time: then one in
 * forty finds its place taken. */
#define HANDSHAKES 4096 /* power of two */

struct handshake {
	flow_lock lock; /* kernel only */
	__u32 tag;      /* flow_tag */
	__u32 answer;   /* the ACK number of the answer */
	__u32 epoch;    /* of the SYN: times of two epochs have nothing in common */
	__u64 sent_ns;  /* 0: no SYN is waiting; or HANDSHAKE_AGAIN */
};

#define HANDSHAKE_AGAIN 1 /* the SYN was sent more than once: unknown which one is answered */
#define HANDSHAKE_NONE  0xffffffffu

static __always_inline __u32 handshake_place(__u32 tag)
{
	return tag * 2654435761u >> 20 & (HANDSHAKES - 1);
}

/* Is this for handshake_sent? */
static __always_inline bool handshake_begins(const struct packet *p)
{
	return (p->flags & (TCP_SYN | TCP_RST)) == TCP_SYN;
}

/* May this be an answer? f: its flow, or NULL, since a server's flow only begins with its first
 * data. */
static __always_inline bool handshake_may_end(const struct packet *p, const struct flow *f)
{
	if (!(p->flags & TCP_ACK) || p->flags & TCP_RST)
		return false;
	return !f || p->flags & TCP_SYN || !(f->flags & FLOW_UNA_KNOWN) || f->flags & FLOW_ENDED;
}

static __always_inline void handshake_sent(struct handshake *h, __u32 tag, const struct packet *p,
					   __u64 now_ns, __u32 epoch)
{
	__u32 answer = p->seq + 1;
	bool again = h->sent_ns && h->tag == tag && h->answer == answer;

	h->tag = tag;
	h->answer = answer;
	h->epoch = epoch;
	h->sent_ns = again ? HANDSHAKE_AGAIN : now_ns;
}

/* Returns ticks, or HANDSHAKE_NONE if this is no answer, or one of no use: an ACK with data may
 * have waited for the data, or replace one that was lost. */
static __always_inline __u32 handshake_received(struct handshake *h, __u32 tag,
						const struct packet *p, __u64 now_ns, __u32 epoch)
{
	__u64 sent_ns = h->sent_ns;

	if (h->tag != tag || h->answer != p->ack)
		return HANDSHAKE_NONE;
	h->sent_ns = 0;
	if (h->epoch != epoch || (p->payload && !(p->flags & TCP_SYN)))
		return HANDSHAKE_NONE;
	if (sent_ns <= HANDSHAKE_AGAIN || now_ns < sent_ns || now_ns - sent_ns > RTT_NS_MAX)
		return HANDSHAKE_NONE;
	return (__u32)((now_ns - sent_ns) >> TICK_SHIFT);
}

/* Makes the record about it, all but the key. */
static __always_inline void handshake_record(struct flow_record *record, __u32 ticks, __u64 now_ns)
{
	record->time_ns = now_ns;
	record->count = 1;
	record->flags = RECORD_HANDSHAKE;
	record->retransmissions = 0;
	record->rtt[0] = 0;
	record->rtt[1] = ticks;
}

#endif
