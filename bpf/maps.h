/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The maps, and the settings that the daemon writes before the programs are loaded. */
#ifndef METRO_BPF_MAPS_H
#define METRO_BPF_MAPS_H

#include "closed.h"
#include "counters.h"
#include "flow_slot.h"
#include "handshake.h"
#include "peer_key.h"
#include "peer_filter.h"
#include "sightings.h"

/* Constants to the verifier, which removes what they rule out. */
const volatile __u32 mark_mask = MARKS_DEFAULT - 1;
const volatile __u32 batch_limit = BATCH_MAX;
const volatile __u32 batch_age = 1000000000 / TICK_NS;
const volatile __u32 max_flows = 32768;
const volatile __u32 index_shift = 18;                  /* 32 less the bits of a bucket's number */
const volatile __u64 index_factor = 0x9e3779b97f4a7c15; /* odd, and secret */
const volatile __u32 wake_bytes =
	0; /* wake the reader when this many bytes wait: power of two; 0: always */
const volatile bool wake_first = false; /* .. and by a record before which none waits */
const volatile bool exchanges = false;  /* how flows are locked: flow_lock.h */
const volatile bool replay = false;     /* tests: the clock is replay_ns, set for each packet */

__u64 replay_ns;
__u64 closed_flows[CLOSED]; /* each a closed_flow */
bool measure_handshakes;
bool count_sightings; /* some interface has no samples: sightings has an entry for it */
struct peer_filters peer_filters;

/* Entries of flows. It changes with each new one, on any CPU, so its cache line must not be one
 * that every packet reads. */
struct {
	__u32 n;
	__u32 unused[15];
} flow_count __attribute__((aligned(64)));

/* The slots of flows (flow_slot.h). The size of a value depends on mark_mask, and a value with a
 * lock needs BTF of exactly that size, so the daemon makes this map and passes it in. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags,
	       BPF_F_MMAPABLE); /* for then it begins with a page, so with a cache line */
	__uint(max_entries, 32768);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, FLOW_SLOT_SIZE(MARKS_DEFAULT));
} flows SEC(".maps");

/* Where they are. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 16384);
	__type(key, __u32);
	__type(value, struct flow_bucket);
} flow_index SEC(".maps");

/* Slots that were in use and are free again. The last of them is taken first: it may be in the
 * cache. */
struct {
	__uint(type, BPF_MAP_TYPE_STACK);
	__uint(max_entries, 32768);
	__uint(value_size, sizeof(__u32));
} free_slots SEC(".maps");

/* Those that were never in use begin at this number, so that walks end there. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct fresh_slots);
} fresh_slots SEC(".maps");

/* A hash map takes memory for all of its buckets at once: 16 bytes for each entry that it may have.
 * So the daemon makes one of the size that its peers need, and puts it in here. Entries, which only
 * the daemon writes, take memory as needed. */
struct peer_hosts {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, PEER_HOSTS_MIN);
	__uint(key_size, sizeof(struct peer_host)); /* types in here, clang leaves out of the BTF */
	__uint(value_size, sizeof(__u32));          /* see peer_key.h */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct peer_hosts);
} peer_hosts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, PEERS_MAX);
	__type(key, struct peer_network);
	__type(value, __u32);
} peer_networks SEC(".maps");

/* By interface number; the daemon makes an entry while one has no samples. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, SIGHTINGS_MAX);
	__type(key, __u32);
	__type(value, struct sightings);
} sightings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, HANDSHAKES);
	__type(key, __u32);
	__type(value, struct handshake);
} handshakes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, RECORDS_BYTES);
} records SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct counters);
} counters SEC(".maps");

#endif
