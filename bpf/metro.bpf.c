/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The hooks: TC (TCX or clsact) on both sides of an interface, or XDP for what comes in. They never
 * change a packet's fate. After them come packet_read, datapath_sent or datapath_received, emit.
 * There is a pair of programs for each way that data may take.
 */
#include "flow_maps.h"
#include "sweep.h"

/* TCX_NEXT with TCX, and with clsact TC_ACT_UNSPEC: both go on to the next program. */
#define PASS_ON (-1)

#define XDP_HEADERS_MAX                                                                            \
	511 /* headers must lie within this many bytes; one less than a power of two */

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

static __always_inline void sent(struct __sk_buff *skb, packet_load load, enum link_layer link,
				 enum way way)
{
	struct packet p = {}; /* before Linux 6.3 the verifier minds that some of it is unset */
	enum packet_kind kind = parse_skb(skb, load, link, &p);
	struct datapath d = {.skb = skb, .leaves = way == WAY_OUT};

	if (kind == PACKET_TCP)
		datapath_sent(&d, &p, interface_number(skb->ifindex, way));
	else
		datapath_unread(&d, kind);
}

static __always_inline void received(enum packet_kind kind, const struct packet *p, __u32 number)
{
	struct datapath d = {};

	if (kind == PACKET_TCP)
		datapath_received(&d, p, number);
	else
		datapath_unread(&d, kind);
}

static __always_inline void received_skb(struct __sk_buff *skb, packet_load load,
					 enum link_layer link, enum way way)
{
	struct packet p = {}; /* before Linux 6.3 the verifier minds that some of it is unset */

	received(parse_skb(skb, load, link, &p), &p, interface_number(skb->ifindex, way));
}

/* ---- data that leaves, and the ACK that arrives ---- */

SEC("tc")
int metro_out_eth(struct __sk_buff *skb)
{
	sent(skb, skb_load, LINK_ETHERNET, WAY_OUT);
	return PASS_ON;
}

SEC("tc")
int metro_out_ip(struct __sk_buff *skb)
{
	sent(skb, skb_load_network, LINK_IP, WAY_OUT);
	return PASS_ON;
}

SEC("tc")
int metro_in_eth(struct __sk_buff *skb)
{
	received_skb(skb, skb_load, LINK_ETHERNET, WAY_OUT);
	return PASS_ON;
}

SEC("tc")
int metro_in_ip(struct __sk_buff *skb)
{
	received_skb(skb, skb_load_network, LINK_IP, WAY_OUT);
	return PASS_ON;
}

SEC("xdp")
int metro_in_xdp(struct xdp_md *xdp)
{
	void *data = (void *)(long)xdp->data, *end = (void *)(long)xdp->data_end;
	struct packet p = {}; /* before Linux 6.3 the verifier minds that some of it is unset */

	received(packet_read(xdp, xdp_load, LINK_ETHERNET, data, end, end - data, &p), &p,
		 interface_number(xdp->ingress_ifindex, WAY_OUT));
	return XDP_PASS;
}

/* ---- data that arrives, and the ACK that leaves ---- */

SEC("tc")
int metro_data_in_eth(struct __sk_buff *skb)
{
	sent(skb, skb_load, LINK_ETHERNET, WAY_IN);
	return PASS_ON;
}

SEC("tc")
int metro_data_in_ip(struct __sk_buff *skb)
{
	sent(skb, skb_load_network, LINK_IP, WAY_IN);
	return PASS_ON;
}

SEC("tc")
int metro_ack_out_eth(struct __sk_buff *skb)
{
	received_skb(skb, skb_load, LINK_ETHERNET, WAY_IN);
	return PASS_ON;
}

SEC("tc")
int metro_ack_out_ip(struct __sk_buff *skb)
{
	received_skb(skb, skb_load_network, LINK_IP, WAY_IN);
	return PASS_ON;
}

/* One at a time: the daemon waits for the end of what it asked for. */
static struct sweep_request sweep;

/*
 * The verifier walks a function that is global by itself, once. As a part of the loop this was
 * walked in each round, and with wake_bytes of 0 Linux 5.10.46 came to more than a million
 * instructions. Its argument is a number, for of a pointer that kernel would want to know more from
 * its BTF.
 */
__attribute__((noinline)) int sweep_one(__u32 i)
{
	struct datapath d = {};
	struct flow_record record;
	struct flow_slot *slot;
	struct flow_key key;
	bool batch, over, evicted;
	struct flow *f;
	__u32 tag, by = flow_sweeper();

	if (i >= SWEEP_FLOWS)
		return 0;
	tag = sweep.flows[i].tag;
	slot = bpf_map_lookup_elem(&flows, &sweep.flows[i].slot);
	if (!slot)
		return 0;
	f = &slot->flow;
	if (flow_acquire(f, tag, by) != ACQUIRED)
		return 0; /* it is in use: the next walk will do */
	key = slot->key;
	batch = batch_take(f, &record);
	over = sweep.drop || flow_is_over(f, &sweep.terms);
	evicted = !over && flow_gives_way(f, &sweep.terms);
	if (over || evicted)
		flow_retire(f);
	else
		flow_release(f, tag, by);
	if (batch)
		datapath_emit_for(&d, &key, &record);
	if (over || evicted)
		flow_remove(&key, f, tag);
	if (evicted)
		datapath_count(&d, COUNTER_FLOWS_EVICTED, 1);
	return 0;
}

/* Not a hook: see sweep.h. */
SEC("tc")
int metro_sweep(struct __sk_buff *skb)
{
	if (bpf_skb_load_bytes(skb, 0, &sweep, sizeof(sweep)))
		return 0;
	for (__u32 i = 0; i < SWEEP_FLOWS && i < sweep.count; i++)
		sweep_one(i);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
