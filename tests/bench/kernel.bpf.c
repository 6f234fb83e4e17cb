// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The programs of bpf/, and beside them programs that BPF_PROG_TEST_RUN can repeat: it gives every
 * run the same bytes, so these write into the packet what makes each run a new segment. The same
 * writing without any measuring is their baseline.
 */
#include "../../bpf/metro.bpf.c"

#define SEGMENT 1000 /* bytes of data that a segment says it has */

__u32 bench_flows_mask; /* flows, less one; a power of two */
__u64 bench_run;        /* counts the runs */
bool bench_idle;        /* write only */

#define ETHERNET 14 /* bytes in front of the IP header */

/* One data segment of one flow, or its ACK. */
struct segment {
	__u32 flow;
	__u32 seq;
};

/* Each run is about the next flow in an order that no cache foresees, and each round over all of
 * them about the next segment. */
static __always_inline struct segment next_segment(void)
{
	__u64 run = bench_run++;
	__u32 mask = bench_flows_mask;

	return (struct segment){
		.flow = (__u32)run * 2654435761u & mask,
		.seq = (__u32)(run / ((__u64)mask + 1)) * SEGMENT,
	};
}

static __always_inline void write_tcp(struct tcp_header *tcp, const struct segment *s, bool data)
{
	__u16 local = bpf_htons(1024 + (s->flow & 0x7fff)), peer = bpf_htons(443);

	tcp->source = data ? local : peer;
	tcp->destination = data ? peer : local;
	tcp->seq = data ? bpf_htonl(s->seq) : 0;
	tcp->ack = data ? 0 : bpf_htonl(s->seq + SEGMENT);
}

/* 10.0.0.1 sends, 10.1.x.y acknowledges. */
static __always_inline bool write_v4(struct __sk_buff *skb, const struct segment *s, bool data)
{
	struct ipv4_header *ip = (void *)(long)skb->data + ETHERNET;
	struct tcp_header *tcp = (void *)(ip + 1);
	__u32 local = bpf_htonl(0x0a000001), peer = bpf_htonl(0x0a010000 + (s->flow >> 15));

	if ((void *)(tcp + 1) > (void *)(long)skb->data_end)
		return false;
	ip->source = data ? local : peer;
	ip->destination = data ? peer : local;
	ip->total_length = bpf_htons(sizeof(*ip) + sizeof(*tcp) + (data ? SEGMENT : 0));
	write_tcp(tcp, s, data);
	return true;
}

static __always_inline bool write_v6(struct __sk_buff *skb, const struct segment *s, bool data)
{
	struct ipv6_header *ip = (void *)(long)skb->data + ETHERNET;
	struct tcp_header *tcp = (void *)(ip + 1);
	__u32 net = bpf_htonl(0xfd000000), peer_net = bpf_htonl(0xfd010000);
	__u32 host = bpf_htonl(1), peer_host = bpf_htonl(s->flow >> 15);

	if ((void *)(tcp + 1) > (void *)(long)skb->data_end)
		return false;
	/* What stands in between is zero in the frame that is handed in. */
	ip->source.words[0] = data ? net : peer_net;
	ip->source.words[3] = data ? host : peer_host;
	ip->destination.words[0] = data ? peer_net : net;
	ip->destination.words[3] = data ? peer_host : host;
	ip->payload_length = bpf_htons(sizeof(*tcp) + (data ? SEGMENT : 0));
	write_tcp(tcp, s, data);
	return true;
}

SEC("tc")
int bench_empty(struct __sk_buff *skb)
{
	(void)skb;
	return PASS_ON;
}

/* A data segment and its ACK, which makes a sample. */
SEC("tc")
int bench_pair_v4(struct __sk_buff *skb)
{
	struct segment s = next_segment();

	if (write_v4(skb, &s, true) && !bench_idle)
		sent(skb, skb_load, LINK_ETHERNET, WAY_OUT);
	if (write_v4(skb, &s, false) && !bench_idle)
		received_skb(skb, skb_load, LINK_ETHERNET, WAY_OUT);
	return PASS_ON;
}

SEC("tc")
int bench_pair_v6(struct __sk_buff *skb)
{
	struct segment s = next_segment();

	if (write_v6(skb, &s, true) && !bench_idle)
		sent(skb, skb_load, LINK_ETHERNET, WAY_OUT);
	if (write_v6(skb, &s, false) && !bench_idle)
		received_skb(skb, skb_load, LINK_ETHERNET, WAY_OUT);
	return PASS_ON;
}

/* Data alone: of flows that are new in the first round. */
SEC("tc")
int bench_data_v4(struct __sk_buff *skb)
{
	struct segment s = next_segment();

	if (write_v4(skb, &s, true) && !bench_idle)
		sent(skb, skb_load, LINK_ETHERNET, WAY_OUT);
	return PASS_ON;
}

/* What the two clock reads of a pair cost. */
SEC("tc")
int bench_clock(struct __sk_buff *skb)
{
	(void)skb;
	bench_run += bpf_ktime_get_ns();
	return PASS_ON;
}

/* The stages on the road of a known flow's data, each with those before it. */
static __always_inline bool parse_stage(struct __sk_buff *skb, struct packet *p)
{
	return parse_skb(skb, skb_load, LINK_ETHERNET, p) == PACKET_TCP && engine_heeds_sent(p);
}

static __always_inline struct flow *find_stage(struct __sk_buff *skb)
{
	struct datapath d = {.skb = skb};
	struct packet p = {};
	struct flow_key key;

	if (!parse_stage(skb, &p) || !datapath_may_be_peer(&d, &p.dst))
		return 0;
	key = packet_key_sent(&p, skb->ifindex);
	return datapath_find(&d, &key, flow_tag(&key));
}

SEC("tc")
int bench_parse(struct __sk_buff *skb)
{
	struct packet p = {};

	if (parse_stage(skb, &p))
		bench_run += p.seq + p.ack + p.dst.words[3];
	return PASS_ON;
}

SEC("tc")
int bench_filter(struct __sk_buff *skb)
{
	struct datapath d = {.skb = skb};
	struct packet p = {};

	if (parse_stage(skb, &p) && datapath_may_be_peer(&d, &p.dst))
		bench_run += p.seq + p.ack;
	return PASS_ON;
}

SEC("tc")
int bench_find(struct __sk_buff *skb)
{
	if (find_stage(skb))
		bench_run++;
	return PASS_ON;
}

SEC("tc")
int bench_lock(struct __sk_buff *skb)
{
	struct flow *f = find_stage(skb);
	__u32 tag;

	if (!f)
		return PASS_ON;
	tag = f->tag;
	if (flow_acquire(f, tag, FLOW_HELD) != ACQUIRED)
		return PASS_ON;
	f->stride++;
	flow_release(f, tag, FLOW_HELD);
	return PASS_ON;
}
