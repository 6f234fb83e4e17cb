/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The sum over all that measuring allocates: sizes from the structures, the rest as measured. */
#include "memory_need.h"
#include "bpf_held.h"
#include "pcap_taps.h"

#include "closed.h"
#include "flow_slot.h"
#include "handshake.h"
#include "peer_filter.h"
#include "peer_key.h"
#include "record.h"
#include "sightings.h"

/* ---- the kernel's, as of Linux 6.18 (bucket, htab_elem, lpm_trie_node) ---- */

#define HASH_BUCKET     16  /* of a hash map; there is a power of two of them */
#define HOST_ELEMENT    104 /* of an object of 96 and the note of whom it is charged to */
#define NETWORK_NODES   144 /* two of these, since most networks need a node that branches */
#define PROGRAMS        (400 * 1024)      /* programs, their BTF, maps of one entry */
#define CPU_BYTES       (24 * 1024)       /* objects at hand on each CPU, counters */
#define VERIFYING_EARLY (3 * 1024 * 1024) /* before that is charged: what libbpf takes */
#define BPF_INTERFACE   1200
#define PCAP_INTERFACE  (30 * 1024) /* socket and buffers of libpcap .. */
#define PCAP_FILTER_NET 640         /* .. and its filter */

/* ---- our own, as measured with the C library's allocator ---- */

#define ENTRY_HEADER     64  /* in front of a flow in user space .. */
#define ENTRY_ALIGN      128 /* .. and what its alignment to cache lines wastes */
#define INDEX_SLOT       16
#define PEER             256 /* as the configuration has it, and in the table */
#define PEER_READ        200 /* while the configuration is read */
#define PEER_NAME        160 /* looked up in reverse, and its name */
#define SERIES           820 /* counted, its line, and the index that grows */
#define SERIES_HISTOGRAM 620
#define SERIES_SAMPLES   320
#define PROCESS          (1000 * 1024) /* all else, with what the kernel keeps for a process .. */
#define PROCESS_BPF      (800 * 1024)  /* .. and for libbpf */

static __u64 power_of_two(__u64 n)
{
	__u64 power = 1;

	while (power < n)
		power *= 2;
	return power;
}

static __u64 whole(__u64 bytes, __u64 unit)
{
	return (bytes + unit - 1) / unit * unit;
}

/* ---- connections ---- */

static void add_flows(struct memory_need *need, const struct memory_terms *t)
{
	__u64 flow = FLOW_SIZE((__u64)t->marks);

	if (t->bpf) {
		need->flows = (__u64)t->max_flows * FLOW_SLOT_SIZE((__u64)t->marks);
		need->buckets = (sizeof(struct flow_bucket) << flow_index_bits(t->max_flows)) +
				(__u64)t->max_flows * sizeof(__u32); /* free ones */
		return;
	}
	need->flows = t->max_flows * (whole(ENTRY_HEADER + flow, 64) + ENTRY_ALIGN);
	need->buckets = INDEX_SLOT * power_of_two(2ull * t->max_flows);
}

/* ---- peers ---- */

/* Buckets for any number of peers are there from the start. */
static __u64 host_buckets(__u64 addresses)
{
	__u64 room = power_of_two(addresses);

	if (room < PEER_HOSTS_MIN)
		room = PEER_HOSTS_MIN;
	return HASH_BUCKET * (room < PEERS_MAX ? room : PEERS_MAX);
}

static __u64 kernel_peers(const struct memory_terms *t)
{
	if (!t->bpf)
		return 0;
	return host_buckets(t->addresses) + t->addresses * HOST_ELEMENT +
	       t->networks * NETWORK_NODES;
}

static __u64 own_peers(const struct memory_terms *t)
{
	return (t->addresses + t->networks) * (PEER + (t->bpf ? sizeof(struct held_peer) : 0)) +
	       (t->reverse_names ? t->addresses * PEER_NAME : 0);
}

/* ---- reports ---- */

static __u64 count_series(const struct memory_terms *t)
{
	__u64 count = t->max_flows;

	if (t->max_series && t->max_series < count)
		count = t->max_series;
	return !t->networks && t->pairs < count ? t->pairs : count;
}

static __u64 one_series(const struct memory_terms *t)
{
	return SERIES + (t->quantiles ? SERIES_HISTOGRAM : 0) +
	       (t->distribution ? SERIES_SAMPLES : 0);
}

/* ---- the rest ---- */

static __u64 tables(const struct memory_terms *t)
{
	__u64 both = HANDSHAKES * sizeof(struct handshake) + CLOSED * sizeof(closed_flow);

	if (!t->bpf)
		return both;
	return both + sizeof(struct peer_filters) + HASH_BUCKET * SIGHTINGS_MAX +
	       host_buckets(0) /* the map that says what those of peers look like */ + PROGRAMS +
	       t->cpus * CPU_BYTES;
}

static __u64 greater(__u64 a, __u64 b)
{
	return a > b ? a : b;
}

static __u64 interfaces(const struct memory_terms *t)
{
	if (t->bpf)
		return (__u64)t->interfaces * BPF_INTERFACE;
	return (__u64)t->interfaces * PCAP_INTERFACE + t->filtered * PCAP_FILTER_NET;
}

/* Those of before and the ones that follow are there at the same time, and the file they come of.
 */
static __u64 changing(const struct memory_terms *t)
{
	return kernel_peers(t) + own_peers(t) + (t->addresses + t->networks) * PEER_READ;
}

/* The first programs are verified before the peers are there, those for data that arrives after. */
static __u64 loading(const struct memory_need *need, __u64 kernel, bool arriving)
{
	__u64 later = kernel + need->interfaces;

	return arriving ? need->verifying + later : greater(need->verifying, later);
}

static void add_up(struct memory_need *need, __u64 kernel, __u64 own, const struct memory_terms *t)
{
	__u64 maps = need->ring + need->tables + (t->bpf ? need->flows + need->buckets : 0);
	__u64 all = need->flows + need->buckets + need->peers + need->series + need->interfaces +
		    need->ring + need->tables + need->process;

	need->loading = maps + loading(need, kernel, t->arriving);
	need->start = need->process + own + need->loading;
	if (t->arriving) /* its programs may come when all else is there */
		need->changing = greater(need->changing, need->verifying);
	need->most = greater(need->start, all + need->changing);
}

/* Past so many, interfaces share one more (pcap_taps.h). */
static unsigned int rings(unsigned int interfaces)
{
	return interfaces <= TAPS_OWN_MAX ? interfaces : TAPS_OWN_MAX + 1;
}

struct memory_need memory_need_of(const struct memory_terms *t)
{
	__u64 kernel = kernel_peers(t), own = own_peers(t);
	struct memory_need need = {
		.peers = kernel + own,
		.series = count_series(t) * one_series(t),
		.interfaces = interfaces(t),
		.ring = t->bpf ? RECORDS_BYTES : 0,
		.tables = tables(t),
		.process = PROCESS + (t->bpf ? PROCESS_BPF : 0),
		.changing = changing(t),
		.rings = t->bpf ? 0 : (__u64)rings(t->interfaces) * t->pcap_buffer,
	};

	if (t->bpf)
		need.verifying = t->verifier_is_charged ? MEMORY_VERIFYING : VERIFYING_EARLY;
	add_flows(&need, t);
	add_up(&need, kernel, own, t);
	return need;
}
