/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finding flows, and making them for what the local side sends to a peer (engine_starts). */
#ifndef METRO_FLOW_MAPS_H
#define METRO_FLOW_MAPS_H

#include "emit.h"

static __always_inline struct flow *flow_find(const struct flow_key *key)
{
	return bpf_map_lookup_elem(&flows, key);
}

static __always_inline bool peer_possible(const struct address *addr)
{
	return peer_filter_passes(peer_filter_used(&peer_filters), addr);
}

static __always_inline bool flow_delete(const struct flow_key *key)
{
	if (bpf_map_delete_elem(&flows, key))
		return false;
	__sync_fetch_and_add(&flow_count.n, -1);
	return true;
}

static __always_inline void flow_close(const struct flow_key *key, __u32 tag, __u32 nxt)
{
	closed_flows[closed_place(tag)] = closed_make(tag, nxt);
	flow_delete(key);
}

/* Is this of a connection that has ended? Then it makes no flow. */
static __always_inline bool flow_is_closed(__u32 tag, const struct packet *p)
{
	closed_flow *closed = &closed_flows[closed_place(tag)];

	if (closed_ends(*closed, tag, p))
		*closed = 0;
	return closed_is(*closed, tag, p);
}

static __always_inline bool peer_configured(const struct flow_key *key)
{
	struct peer_host host = {.ifindex = key->ifindex, .addr = key->peer};
	struct peer_network network = peer_network_key(key->ifindex, &key->peer, 128);
	__u32 zero = 0;
	void *hosts = bpf_map_lookup_elem(&peer_hosts, &zero);

	if (hosts && bpf_map_lookup_elem(hosts, &host))
		return true;
	return network_count && bpf_map_lookup_elem(&peer_networks, &network);
}

/* What passes beside the flows of peers, counted while no samples come of the interface. */
static __always_inline void sight(const struct flow_key *key, __u64 offset)
{
	struct sightings *s = bpf_map_lookup_elem(&sightings, &key->ifindex);

	if (s && peer_configured(key))
		__sync_fetch_and_add((__u64 *)((char *)s + offset), 1);
}

/* A segment from a peer that has no flow. */
static __always_inline void sight_received(const struct flow_key *key, const struct packet *p)
{
	if (likely(!count_sightings))
		return;
	if (p->payload)
		sight(key, offsetof(struct sightings, data_received));
	else
		sight(key, offsetof(struct sightings, acks_received));
}

/* A segment that matters to no flow: it has no data. */
static __always_inline void sight_sent(const struct packet *p, __u32 ifindex)
{
	const struct flow_key key = {p->src, p->dst, p->sport, p->dport, ifindex};

	if (unlikely(count_sightings) && peer_possible(&p->dst))
		sight(&key, offsetof(struct sightings, acks_sent));
}

static __always_inline struct flow *flow_create(const struct flow_key *key)
{
	__u32 zero = 0;
	struct flow *blank, *f;

	/* Asking a full hash map costs up to 62 us before Linux 6.0: all free lists are searched.
	 */
	if (*(volatile __u32 *)&flow_count.n >= max_flows)
		goto refused;
	blank = bpf_map_lookup_elem(&blank_flow, &zero);
	if (!blank)
		return 0;
	blank->tag = flow_tag(key);
	if (bpf_map_update_elem(&flows, key, blank, BPF_NOEXIST) == 0) {
		__sync_fetch_and_add(&flow_count.n, 1);
		count(COUNTER_FLOWS, 1);
	}
	/* An update that failed may have lost a race against another CPU's: then the flow is there.
	 */
	f = flow_find(key);
	if (f)
		return f;
refused:
	count(COUNTER_FLOWS_REFUSED, 1);
	return 0;
}

#endif
