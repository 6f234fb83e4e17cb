/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The operations of the datapath over BPF maps: flows, peers, handshakes, and sightings. */
#ifndef METRO_FLOW_MAPS_H
#define METRO_FLOW_MAPS_H

#include "datapath.h"
#include "emit.h"
#include "flow_lock.h"
#include "flow_slots.h"

struct datapath {
	struct __sk_buff *skb; /* of a segment that the local side sends; else NULL */
	bool leaves;           /* it does so here, at the time that skb->tstamp may tell */
};

static __always_inline bool datapath_may_be_peer(struct datapath *d, const struct address *addr)
{
	(void)d;
	return peer_filter_passes(peer_filter_used(&peer_filters), addr);
}

static __always_inline bool port_in_group(void *hosts, __u32 group, __u32 port)
{
	struct peer_host key = peer_ports_key(group, port);
	__u32 *ports = bpf_map_lookup_elem(hosts, &key);

	return ports && *ports >> port % PEER_PORTS & 1;
}

/* The group of a peer, 0 for all ports; negative: it is none. */
static __always_inline __s64 peer_group(void *hosts, __u32 set, const struct address *addr)
{
	struct peer_host host = {.set = set, .addr = *addr};
	struct peer_network network;
	__u32 *value = bpf_map_lookup_elem(hosts, &host);

	if (value)
		return *value;
	if (!peer_filter_has_networks(peer_filter_used(&peer_filters)))
		return -1;
	network = peer_network_key(set, addr, 128);
	value = bpf_map_lookup_elem(&peer_networks, &network);
	return value ? *value : -1;
}

static __always_inline bool datapath_is_peer(struct datapath *d, const struct flow_key *key)
{
	struct peer_host interface = peer_interface_key(key->ifindex);
	__u32 zero = 0, *set;
	__s64 group;
	void *hosts;

	(void)d;
	if (!peer_filter_passes_ports(peer_filter_used(&peer_filters), key->local_port,
				      key->peer_port))
		return false;
	hosts = bpf_map_lookup_elem(&peer_hosts, &zero);
	set = hosts ? bpf_map_lookup_elem(hosts, &interface) : 0;
	if (!set)
		return false;
	group = peer_group(hosts, *set, &key->peer);
	return group == 0 || (group > 0 && (port_in_group(hosts, group, key->peer_port) ||
					    port_in_group(hosts, group, key->local_port)));
}

/* A hook sees a segment once. */
static __always_inline bool datapath_is_copy(struct datapath *d, const struct packet *p)
{
	(void)d, (void)p;
	return false;
}

static __always_inline struct flow *datapath_find(struct datapath *d, const struct flow_key *key,
						  __u32 tag)
{
	(void)d;
	return flow_find(key, tag);
}

static __always_inline struct flow *datapath_create(struct datapath *d, const struct flow_key *key,
						    __u32 tag)
{
	struct flow *f = flow_at(flow_insert(key, tag), key);

	if (!f)
		datapath_count(d, COUNTER_FLOWS_REFUSED, 1);
	return f;
}

/* If another packet has it, it is not removed: a walk will. */
static __always_inline void datapath_drop(struct datapath *d, const struct flow_key *key,
					  struct flow *f)
{
	__u32 tag = flow_tag(key);

	(void)d;
	if (flow_acquire(f, tag, FLOW_HELD) != ACQUIRED)
		return;
	flow_retire(f);
	flow_remove(key, f, tag);
}

static __always_inline bool datapath_acquire(struct datapath *d, struct flow **f, __u32 tag)
{
	enum acquired acquired = flow_acquire(*f, tag, FLOW_HELD);

	if (unlikely(acquired == ACQUIRED_NOT))
		datapath_count(d, COUNTER_ACKS_AMBIGUOUS, 1);
	return acquired == ACQUIRED;
}

static __always_inline void datapath_release(struct datapath *d, struct flow *f, __u32 tag)
{
	(void)d;
	flow_release(f, tag, FLOW_HELD);
}

static __always_inline closed_flow *datapath_closed(struct datapath *d, __u32 place)
{
	(void)d;
	return &closed_flows[place];
}

static __always_inline bool datapath_times_handshakes(struct datapath *d)
{
	(void)d;
	return measure_handshakes;
}

static __always_inline struct handshake *datapath_handshake(struct datapath *d, __u32 place)
{
	(void)d;
	return bpf_map_lookup_elem(&handshakes, &place);
}

static __always_inline void datapath_lock_handshake(struct handshake *h)
{
	bpf_spin_lock(&h->lock);
}

static __always_inline void datapath_unlock_handshake(struct handshake *h)
{
	bpf_spin_unlock(&h->lock);
}

static __always_inline __u64 datapath_now(struct datapath *d)
{
	(void)d;
	return replay ? replay_ns : bpf_ktime_get_ns();
}

/*
 * skb->tstamp is the earliest departure time of a segment that TCP paces (Linux 4.20), by
 * CLOCK_MONOTONIC as our own. SO_TXTIME may put other clocks there, REALTIME or TAI, which are
 * years away: such times are ignored. TCP's own sockets never have them, so skb->tstamp_type (Linux
 * 5.18) would not help.
 */
static __always_inline __u64 datapath_departure(struct datapath *d, __u64 now)
{
	__u64 delay = (replay || !d->leaves ? 0 : d->skb->tstamp) - now;
	/* 1 up to DEPARTURE_MAX_NS, else 0; without branches, since the verifier would follow each.
	 */
	__u64 possible = ((delay - DEPARTURE_MAX_NS - 1) & ~delay) >> 63;

	return now + (delay & -possible);
}

/* The kernel's clock runs on. */
static __always_inline __u32 datapath_epoch(struct datapath *d)
{
	(void)d;
	return 0;
}

static __always_inline __u32 datapath_segment_size(struct datapath *d)
{
	return d->skb->gso_size;
}

static __always_inline struct engine_settings datapath_settings(struct datapath *d, struct flow *f)
{
	(void)d, (void)f;
	return (struct engine_settings){
		.mark_mask = mark_mask,
		.batch_limit = batch_limit,
		.batch_age = batch_age,
	};
}

static __always_inline __u64 *datapath_counters(struct datapath *d)
{
	struct counters *c = cpu_counters();

	(void)d;
	return c ? c->values : 0;
}

static __always_inline void datapath_emit(struct datapath *d, const struct flow_record *record)
{
	if (!emit(record))
		datapath_count(d, COUNTER_RING_LOST, record->count);
}

/* Counts peers' segments that belong to no flow, while the interface has no samples. */
static __always_inline void sight(struct datapath *d, const struct flow_key *key, __u64 offset)
{
	struct sightings *s = bpf_map_lookup_elem(&sightings, &key->ifindex);

	if (s && datapath_is_peer(d, key))
		__sync_fetch_and_add((__u64 *)((char *)s + offset), 1);
}

static __always_inline void datapath_sight_sent(struct datapath *d, const struct packet *p,
						__u32 ifindex)
{
	const struct flow_key key = packet_key_sent(p, ifindex);

	if (unlikely(count_sightings) && datapath_may_be_peer(d, &p->dst))
		sight(d, &key, offsetof(struct sightings, acks_sent));
}

static __always_inline void datapath_sight_received(struct datapath *d, const struct packet *p,
						    const struct flow_key *key, struct flow *f)
{
	if (f || likely(!count_sightings))
		return;
	if (p->payload)
		sight(d, key, offsetof(struct sightings, data_received));
	else
		sight(d, key, offsetof(struct sightings, acks_received));
}

#endif
