/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The hooks: TC (TCX or clsact) on both sides of an interface, or XDP for what comes in. They never
 * change a packet's fate. Behind them, the road is: packet_parse, flow_find (or flow_create),
 * engine_sent or engine_received under the flow's lock, emit.
 */
#include "flow_maps.h"
#include "sweep.h"

/* TCX_NEXT with TCX, and with clsact TC_ACT_UNSPEC: both go on to the next program. */
#define PASS_ON         (-1)

#define XDP_HEADERS_MAX 511 /* headers must lie within so many bytes, and one less than 2^n */

static __always_inline long skb_load(void *ctx, __u32 offset, void *to, __u32 len)
{
	return bpf_skb_load_bytes(ctx, offset, to, len);
}

/* Before Linux 5.14, tunnels leave the data of what they receive at the outer headers. */
static __always_inline long skb_load_network(void *ctx, __u32 offset, void *to, __u32 len)
{
	return bpf_skb_load_bytes_relative(ctx, offset, to, len, BPF_HDR_START_NET);
}

static __always_inline long xdp_load(void *ctx, __u32 offset, void *to, __u32 len)
{
	struct xdp_md *xdp = ctx;
	void *end = (void *)(long)xdp->data_end;
	void *at = (void *)(long)xdp->data + (offset & XDP_HEADERS_MAX);

	if (offset > XDP_HEADERS_MAX || at + len > end)
		return -1;
	__builtin_memcpy(to, at, len);
	return 0;
}

static __always_inline enum packet_kind parse_skb(struct __sk_buff *skb, packet_load load,
						  enum link_layer link, struct packet *p)
{
	return packet_read(skb, load, link, (void *)(long)skb->data, (void *)(long)skb->data_end,
			   skb->len, p);
}

static __always_inline struct engine_settings settings(void)
{
	return (struct engine_settings){
		.mark_mask = mark_mask,
		.batch_limit = batch_limit,
		.batch_age = batch_age,
	};
}

static __always_inline void count_unread(enum packet_kind kind)
{
	if (kind == PACKET_BAD)
		count(COUNTER_PARSE_ERRORS, 1);
	else if (kind == PACKET_FRAGMENT)
		count(COUNTER_FRAGMENTS, 1);
}

static __always_inline __u64 now_ns(void)
{
	return replay ? replay_ns : bpf_ktime_get_ns();
}

/*
 * skb->tstamp is the earliest departure time of a segment that TCP paces (Linux 4.20), by
 * CLOCK_MONOTONIC as our own. SO_TXTIME may put other clocks there, REALTIME or TAI, which are
 * years away: such times are left out, as they were before TCP had any. TCP's own sockets never do
 * that, so skb->tstamp_type (Linux 5.18) would tell nothing more.
 */
static __always_inline __u64 departure_ns(const struct __sk_buff *skb, __u64 now)
{
	__u64 delay = (replay ? 0 : skb->tstamp) - now;
	/* Without branches, of which the verifier would follow each: 1 up to DEPARTURE_MAX_NS, or
	 * 0. */
	__u64 possible = ((delay - DEPARTURE_MAX_NS - 1) & ~delay) >> 63;

	return now + (delay & -possible);
}

static __always_inline void send_batch(const struct flow_key *key, struct flow_record *record)
{
	record->key = *key;
	emit(record);
}

static __always_inline void begin_handshake(__u32 tag, const struct packet *p, __u64 now)
{
	__u32 place = handshake_place(tag);
	struct handshake *h = bpf_map_lookup_elem(&handshakes, &place);

	if (!h)
		return;
	bpf_spin_lock(&h->lock);
	handshake_sent(h, tag, p, now);
	bpf_spin_unlock(&h->lock);
}

static __always_inline void end_handshake(const struct flow_key *key, const struct packet *p)
{
	__u32 tag = flow_tag(key), place = handshake_place(tag), ticks;
	struct handshake *h = bpf_map_lookup_elem(&handshakes, &place);
	struct flow_record record;
	__u64 now;

	if (!h || h->tag != tag)
		return;
	now = now_ns();
	bpf_spin_lock(&h->lock);
	ticks = handshake_received(h, tag, p, now);
	bpf_spin_unlock(&h->lock);
	if (ticks == HANDSHAKE_NONE)
		return;
	handshake_record(&record, ticks, now);
	send_batch(key, &record);
}

/* Data that is sent again may be of many segments, which the network card, or Linux just before it,
 * cuts apart. They count as they do in the kernel's own TcpRetransSegs; engine_sent counted one.
 * Returns how many more there are. */
static __always_inline __u32 sent_again(struct flow *f, const struct __sk_buff *skb,
					const struct packet *p)
{
	__u32 size = skb->gso_size, more, sum;

	if (size == 0 || p->payload <= size)
		return 0;
	more = (p->payload - 1) / size;
	sum = f->retransmissions + more;
	f->retransmissions = sum < 0xffff ? sum : 0xffff;
	return more;
}

static __always_inline void sent(struct __sk_buff *skb, packet_load load, enum link_layer link)
{
	struct engine_settings s = settings();
	struct flow_record record;
	struct flow_key key;
	struct packet p = {}; /* before Linux 6.3 the verifier minds that some of it is unset */
	struct flow *f;
	enum packet_kind kind = parse_skb(skb, load, link, &p);
	bool batch = false, syn;
	__u32 events = 0, tag, more = 0;
	__u64 now, departure;

	if (kind != PACKET_TCP) {
		count_unread(kind);
		return;
	}
	if (!engine_heeds_sent(&p)) {
		sight_sent(&p, skb->ifindex);
		return;
	}
	if (!peer_possible(&p.dst))
		return;
	key = (struct flow_key){p.src, p.dst, p.sport, p.dport, skb->ifindex};
	f = flow_find(&key);
	tag = flow_tag(&key);
	syn = measure_handshakes && handshake_begins(&p);
	if (!f && flow_is_closed(tag, &p))
		return;
	if (!f && ((!engine_starts(&p) && !syn) || !peer_configured(&key)))
		return;
	now = now_ns();
	departure = departure_ns(skb, now);
	if (syn)
		begin_handshake(tag, &p, departure);
	if (!f && engine_starts(&p))
		f = flow_create(&key);
	if (!f)
		return;
	bpf_spin_lock(&f->lock);
	if (f->tag == tag) {
		events = engine_sent(f, &p, now, departure, &s);
		if (unlikely(events & EVENT(COUNTER_RETRANSMISSIONS)))
			more = sent_again(f, skb, &p);
		if (events & EVENT_FLUSH)
			batch = batch_take(f, &record);
	}
	bpf_spin_unlock(&f->lock);
	if (batch)
		send_batch(&key, &record);
	count_events(events);
	if (unlikely(more))
		count(COUNTER_RETRANSMISSIONS, more);
}

static __always_inline void received(enum packet_kind kind, const struct packet *p, __u32 ifindex)
{
	struct engine_settings s = settings();
	struct flow_record record;
	struct flow_key key;
	struct flow *f;
	bool batch = false;
	__u32 events = 0, tag, nxt = 0;
	__u64 now;

	if (kind != PACKET_TCP) {
		count_unread(kind);
		return;
	}
	if (!engine_heeds_received(p) || !peer_possible(&p->src))
		return;
	key = (struct flow_key){p->dst, p->src, p->dport, p->sport, ifindex};
	f = flow_find(&key);
	if (unlikely(measure_handshakes) && handshake_may_end(p, f))
		end_handshake(&key, p);
	if (!f)
		sight_received(&key, p);
	if (!f || engine_ignores(f, p))
		return;
	tag = flow_tag(&key);
	now = now_ns();
	bpf_spin_lock(&f->lock);
	if (f->tag == tag) {
		events = engine_received(f, p, now, &s);
		nxt = f->nxt;
		if (events & EVENT_FLUSH)
			batch = batch_take(f, &record);
	}
	bpf_spin_unlock(&f->lock);
	if (batch)
		send_batch(&key, &record);
	if (unlikely(events & EVENT_OVER))
		flow_close(&key, tag, nxt);
	count_events(events);
}

static __always_inline void received_skb(struct __sk_buff *skb, packet_load load,
					 enum link_layer link)
{
	struct packet p = {}; /* before Linux 6.3 the verifier minds that some of it is unset */

	received(parse_skb(skb, load, link, &p), &p, skb->ifindex);
}

SEC("tc")
int metro_out_eth(struct __sk_buff *skb)
{
	sent(skb, skb_load, LINK_ETHERNET);
	return PASS_ON;
}

SEC("tc")
int metro_out_ip(struct __sk_buff *skb)
{
	sent(skb, skb_load_network, LINK_IP);
	return PASS_ON;
}

SEC("tc")
int metro_in_eth(struct __sk_buff *skb)
{
	received_skb(skb, skb_load, LINK_ETHERNET);
	return PASS_ON;
}

SEC("tc")
int metro_in_ip(struct __sk_buff *skb)
{
	received_skb(skb, skb_load_network, LINK_IP);
	return PASS_ON;
}

SEC("xdp")
int metro_in_xdp(struct xdp_md *xdp)
{
	void *data = (void *)(long)xdp->data, *end = (void *)(long)xdp->data_end;
	struct packet p = {}; /* before Linux 6.3 the verifier minds that some of it is unset */

	received(packet_read(xdp, xdp_load, LINK_ETHERNET, data, end, end - data, &p), &p,
		 xdp->ingress_ifindex);
	return XDP_PASS;
}

/* Not a hook: see sweep.h. */
SEC("tc")
int metro_sweep(struct __sk_buff *skb)
{
	struct {
		struct sweep_terms terms;
		__u32 count, drop;
	} request;
	struct flow_record record;
	struct flow_key key;

	if (bpf_skb_load_bytes(skb, offsetof(struct sweep_request, terms), &request,
			       sizeof(request)))
		return 0;
	for (__u32 i = 0; i < SWEEP_KEYS && i < request.count; i++) {
		struct flow *f;
		bool same, batch, over, evicted;
		__u32 tag;

		if (bpf_skb_load_bytes(skb, offsetof(struct sweep_request, keys) + i * sizeof(key),
				       &key, sizeof(key)))
			break;
		tag = flow_tag(&key);
		f = flow_find(&key);
		if (!f)
			continue;
		bpf_spin_lock(&f->lock);
		same = f->tag == tag;
		batch = same && batch_take(f, &record);
		over = same && (request.drop || flow_is_over(f, &request.terms));
		evicted = same && !over && flow_gives_way(f, &request.terms);
		bpf_spin_unlock(&f->lock);
		if (batch)
			send_batch(&key, &record);
		if ((over || evicted) && flow_delete(&key) && evicted)
			count(COUNTER_FLOWS_EVICTED, 1);
	}
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
