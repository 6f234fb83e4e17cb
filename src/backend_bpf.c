/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The BPF backend: the programs of bpf/ measure in the kernel, this takes what they found. */
#include "backend.h"
#include "bpf_attach.h"
#include "bpf_flows.h"
#include "flow.h"
#include "metro.skel.h"
#include "peer.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <utlist.h>

struct measured {
	struct interface interface;
	struct attachment attachment;
	struct measured *next;
};

struct backend_bpf {
	struct backend backend;
	struct backend_settings settings;
	struct metro *skel;
	struct ring_buffer *ring;
	struct flow_walk *walk;
	int flows;
	struct measured *measured;
	const struct peers *peers;
	bool peers_changed; /* flows of former peers may be in the table */
	__u8 peers_version; /* value of the peers' map entries */
	__s64 wall_offset_ns;
	__u64 samples;
	int cpus;
	__u64 *per_cpu;
};

static struct backend_bpf *self(struct backend *backend)
{
	return (struct backend_bpf *) backend;
}

static __u64 clock_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static struct measured *measured_find(struct backend_bpf *b, unsigned int ifindex)
{
	struct measured *m;

	LL_SEARCH_SCALAR(b->measured, m, interface.ifindex, ifindex);
	return m;
}

static int bpf_attach(struct backend *backend, const struct interface *interface,
		      char reason[BACKEND_REASON])
{
	struct backend_bpf *b = self(backend);
	int bare_ip = interface_is_bare_ip(interface), err;
	struct measured *m;
	struct hook_programs programs = {
		.egress = bpf_program__fd(b->skel->progs.metro_out_eth),
		.ingress = bpf_program__fd(b->skel->progs.metro_in_eth),
		.xdp = b->settings.hook == HOOK_XDP ? bpf_program__fd(b->skel->progs.metro_in_xdp)
						    : -1,
	};

	if (bare_ip < 0) {
		snprintf(reason, BACKEND_REASON, "%s: link layer %u is not known", interface->name,
			 interface->type);
		return bare_ip;
	}
	if (bare_ip)
		programs = (struct hook_programs){
			.egress = bpf_program__fd(b->skel->progs.metro_out_ip),
			.ingress = bpf_program__fd(b->skel->progs.metro_in_ip),
			.xdp = -1,
		};
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->interface = *interface;
	err = attachment_open(&m->attachment, &programs, interface, b->settings.hook, reason);
	if (err) {
		free(m);
		return err;
	}
	LL_PREPEND(b->measured, m);
	log_info("measuring on %s with BPF at %s", interface->name,
		 attachment_kind(&m->attachment, b->settings.hook));
	return 0;
}

static void bpf_detach(struct backend *backend, unsigned int ifindex)
{
	struct backend_bpf *b = self(backend);
	struct measured *m = measured_find(b, ifindex);

	if (!m)
		return;
	LL_DELETE(b->measured, m);
	attachment_close(&m->attachment);
	free(m);
}

static int peer_put(struct backend_bpf *b, const struct peer *peer)
{
	struct peer_host host = {.ifindex = peer->ifindex, .addr = peer->prefix.addr};
	struct peer_network network =
		peer_network_key(peer->ifindex, &peer->prefix.addr, peer->prefix.bits);
	bool one = prefix_is_host(&peer->prefix);
	struct bpf_map *map = one ? b->skel->maps.peer_hosts : b->skel->maps.peer_networks;

	if (bpf_map_update_elem(bpf_map__fd(map), one ? (void *) &host : (void *) &network,
				&b->peers_version, BPF_ANY))
		return -errno;
	return 0;
}

/* Deletes the entries that are not of the present version. Returns how many are. */
static __u32 peers_purge(struct backend_bpf *b, struct bpf_map *map)
{
	size_t size = bpf_map__key_size(map);
	char keys[2][sizeof(struct peer_network)];
	int fd = bpf_map__fd(map), err;
	bool have = false;
	__u32 current = 0;
	__u8 version;

	/* The key to go on from must still be there, so deletion lags one behind. */
	for (;;) {
		err = bpf_map_get_next_key(fd, have ? keys[0] : NULL, keys[1]);
		if (have && !bpf_map_lookup_elem(fd, keys[0], &version)) {
			if (version == b->peers_version)
				current++;
			else
				bpf_map_delete_elem(fd, keys[0]);
		}
		if (err)
			return current;
		memcpy(keys[0], keys[1], size);
		have = true;
	}
}

static int bpf_set_peers(struct backend *backend, const struct peers *peers)
{
	struct backend_bpf *b = self(backend);
	int err;

	b->peers_version++;
	for (size_t i = 0; i < peers_count(peers); i++) {
		const struct peer *peer = peers_at(peers, i);

		if (!peer->ifindex)
			continue;
		err = peer_put(b, peer);
		if (err) {
			log_error("telling the kernel the peers: %s (at most %d addresses and as "
				  "many networks)",
				  strerror(-err), PEERS_MAX);
			return err;
		}
	}
	peers_purge(b, b->skel->maps.peer_hosts);
	b->skel->bss->network_count = peers_purge(b, b->skel->maps.peer_networks);
	b->peers = peers;
	b->peers_changed = true;
	return 0;
}

static int bpf_fd(struct backend *backend)
{
	return ring_buffer__epoll_fd(self(backend)->ring);
}

static int on_record(void *arg, void *data, size_t size)
{
	struct backend_bpf *b = arg;
	const struct flow_record *record = data;
	struct measured *m;
	struct batch batch;

	if (size < FLOW_RECORD_SIZE(1) || size < FLOW_RECORD_SIZE(record->count))
		return 0; /* cannot be: the programs write nothing else */
	b->samples += record->count;
	m = measured_find(b, record->key.ifindex);
	if (!m)
		return 0; /* the interface is gone */
	batch = (struct batch){
		.record = record,
		.iface = m->interface.name,
		.wall_ns = record->time_ns + b->wall_offset_ns,
	};
	b->settings.deliver(b->settings.arg, &batch);
	return 0;
}

static int bpf_read(struct backend *backend)
{
	struct backend_bpf *b = self(backend);
	int n;

	b->wall_offset_ns = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC);
	n = ring_buffer__consume(b->ring);
	if (n < 0) {
		log_error("reading the ring buffer: %s", strerror(-n));
		return n;
	}
	return 0;
}

static __u64 before(__u64 now, __u64 span)
{
	return now > span ? now - span : 0;
}

static bool bpf_sweep(struct backend *backend)
{
	struct backend_bpf *b = self(backend);
	__u64 now = clock_ns(CLOCK_MONOTONIC);
	struct flow_walk_terms terms = {
		.idle_before_ns = before(now, b->settings.idle_ns),
		.ended_before_ns = before(now, b->settings.ended_ns),
		.peers = b->peers_changed ? b->peers : NULL,
	};
	int done = flow_walk_step(b->walk, &terms);

	if (done < 0)
		log_warning("walking over the flows: %s", strerror(-done));
	if (done)
		b->peers_changed = false;
	bpf_read(backend);
	return done != 0;
}

static void bpf_set_ttl(struct backend *backend, __u64 idle_ns, __u64 ended_ns)
{
	self(backend)->settings.idle_ns = idle_ns;
	self(backend)->settings.ended_ns = ended_ns;
}

static void bpf_counters(struct backend *backend, __u64 values[COUNTERS])
{
	struct backend_bpf *b = self(backend);
	int fd = bpf_map__fd(b->skel->maps.counters);

	for (__u32 i = 0; i < COUNTERS; i++) {
		values[i] = 0;
		if (bpf_map_lookup_elem(fd, &i, b->per_cpu))
			continue;
		for (int cpu = 0; cpu < b->cpus; cpu++)
			values[i] += b->per_cpu[cpu];
	}
	values[COUNTER_SAMPLES] = b->samples + values[COUNTER_RING_LOST];
}

static void bpf_close(struct backend *backend)
{
	struct backend_bpf *b = self(backend);

	while (b->measured)
		bpf_detach(backend, b->measured->interface.ifindex);
	flow_walk_free(b->walk);
	ring_buffer__free(b->ring);
	metro__destroy(b->skel);
	if (b->flows >= 0)
		close(b->flows);
	free(b->per_cpu);
	free(b);
}

static const struct backend_ops bpf_ops = {
	.name = "bpf",
	.attach = bpf_attach,
	.detach = bpf_detach,
	.set_peers = bpf_set_peers,
	.fd = bpf_fd,
	.read = bpf_read,
	.sweep = bpf_sweep,
	.set_ttl = bpf_set_ttl,
	.counters = bpf_counters,
	.close = bpf_close,
};

/* libbpf passes whole verifier logs through this, many lines at once. */
__attribute__((format(printf, 2, 0))) static int
libbpf_says(enum libbpf_print_level level, const char *format, va_list args)
{
	enum log_level ours = level == LIBBPF_WARN ? LEVEL_DEBUG : LEVEL_TRACE;
	char *text, *rest, *line;

	if (log_get_level() > ours || vasprintf(&text, format, args) < 0)
		return 0;
	rest = text;
	while ((line = strsep(&rest, "\n")))
		if (*line)
			log_message(ours, "%s", line);
	free(text);
	return 0;
}

static int explain(char reason[BACKEND_REASON], const char *what, int err)
{
	const char *hint = "";

	if (err == -EPERM || err == -EACCES)
		hint = " (needs CAP_BPF and CAP_NET_ADMIN, or root; some kernels CAP_PERFMON)";
	else if (err == -ENOSYS)
		hint = " (the kernel is built without BPF)";
	else if (libbpf_probe_bpf_map_type(BPF_MAP_TYPE_RINGBUF, NULL) == 0)
		hint = " (BPF ring buffers need Linux 5.8)";
	snprintf(reason, BACKEND_REASON, "%s: %s%s", what, strerror(-err), hint);
	return err;
}

static void write_settings(struct backend_bpf *b)
{
	const struct backend_settings *s = &b->settings;

	b->skel->rodata->mark_mask = s->marks - 1;
	b->skel->rodata->batch_limit = s->batch_limit;
	b->skel->rodata->batch_age = s->batch_age;
	b->skel->rodata->max_flows = s->max_flows;
	b->skel->rodata->wake_bytes = s->batch_limit > 1 ? RECORDS_BYTES / 4 : 0;
	bpf_map__set_value_size(b->skel->maps.blank_flow, FLOW_SIZE(s->marks));
	bpf_program__set_autoload(b->skel->progs.metro_in_xdp, s->hook == HOOK_XDP);
}

static int load(struct backend_bpf *b, char reason[BACKEND_REASON])
{
	int err;

	b->skel = metro__open();
	if (!b->skel)
		return explain(reason, "opening the BPF object", -errno);
	write_settings(b);
	b->flows = flow_map_create(b->settings.marks, b->settings.max_flows);
	if (b->flows < 0)
		return explain(reason, "making the BPF map of flows", b->flows);
	err = bpf_map__reuse_fd(b->skel->maps.flows, b->flows);
	if (err)
		return explain(reason, "using the BPF map of flows", err);
	err = metro__load(b->skel);
	if (err)
		return explain(reason, "loading the BPF programs", err);
	b->ring = ring_buffer__new(bpf_map__fd(b->skel->maps.records), on_record, b, NULL);
	if (!b->ring)
		return explain(reason, "mapping the BPF ring buffer", -errno);
	return flow_walk_new(&b->walk, b->flows, bpf_program__fd(b->skel->progs.metro_sweep),
			     b->settings.marks);
}

int backend_bpf_open(struct backend **backend, const struct backend_settings *settings,
		     char reason[BACKEND_REASON])
{
	struct backend_bpf *b = calloc(1, sizeof(*b));
	int err;

	if (!b)
		return -ENOMEM;
	b->backend.ops = &bpf_ops;
	b->settings = *settings;
	b->flows = -1;
	libbpf_set_print(libbpf_says);
	if (settings->marks > MARKS_MAX_BPF) {
		snprintf(reason, BACKEND_REASON, "in the kernel a flow has at most %d marks",
			 MARKS_MAX_BPF);
		err = -EINVAL;
		goto fail;
	}
	b->cpus = libbpf_num_possible_cpus();
	b->per_cpu = calloc(b->cpus > 0 ? b->cpus : 1, sizeof(*b->per_cpu));
	err = b->per_cpu ? load(b, reason) : -ENOMEM;
	if (err)
		goto fail;
	*backend = &b->backend;
	return 0;
fail:
	bpf_close(&b->backend);
	return err;
}
