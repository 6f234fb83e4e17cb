/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The BPF backend: the programs of bpf/ measure in the kernel, this takes what they found. */
#include "backend.h"
#include "bpf_attach.h"
#include "bpf_flows.h"
#include "bpf_peers.h"
#include "sweep.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <utlist.h>

/* At most this many are read in one go: a producer that never stops must not keep signals and
 * reports waiting. */
#define RECORDS_READ 16384

/* An interface, one way. */
struct measured {
	struct interface interface;
	__u32 number;
	struct attachment attachment;
	bool sighting;            /* sightings are counted on it */
	struct sightings sighted; /* sightings from earlier counts */
	struct measured *next;
};

struct backend_bpf {
	struct backend backend;
	struct backend_settings settings;
	struct bpf_programs programs;
	struct ring_buffer *ring;
	struct flow_walk *walk;
	struct measured *measured;
	struct census census;
	const struct peers *peers;
	bool peers_changed; /* since the current walk began */
	bool peers_checked; /* by the current walk */
	bool walking;
	bool walk_failed;
	__s64 wall_offset_ns;
	__u64 samples;
	unsigned int budget; /* records that this call may still read */
};

static struct backend_bpf *self(struct backend *backend)
{
	return (struct backend_bpf *)backend;
}

static struct measured *measured_find(struct backend_bpf *b, __u32 number)
{
	struct measured *m;

	LL_SEARCH_SCALAR(b->measured, m, number, number);
	return m;
}

static struct hook_programs programs_leaving(const struct metro *skel, bool bare_ip, bool xdp)
{
	return bare_ip ? (struct hook_programs){
		.egress = bpf_program__fd(skel->progs.metro_out_ip),
		.ingress = bpf_program__fd(skel->progs.metro_in_ip),
		.xdp = -1,
	} : (struct hook_programs){
		.egress = bpf_program__fd(skel->progs.metro_out_eth),
		.ingress = bpf_program__fd(skel->progs.metro_in_eth),
		.xdp = xdp ? bpf_program__fd(skel->progs.metro_in_xdp) : -1,
	};
}

static struct hook_programs programs_arriving(const struct metro *skel, bool bare_ip)
{
	return bare_ip ? (struct hook_programs){
		.egress = bpf_program__fd(skel->progs.metro_ack_out_ip),
		.ingress = bpf_program__fd(skel->progs.metro_data_in_ip),
		.xdp = -1,
	} : (struct hook_programs){
		.egress = bpf_program__fd(skel->progs.metro_ack_out_eth),
		.ingress = bpf_program__fd(skel->progs.metro_data_in_eth),
		.xdp = -1,
	};
}

/* The programs for packets as this interface has them. Returns 0, or -errno explained in reason. */
static int programs_choose(struct backend_bpf *b, const struct interface *interface, enum way way,
			   struct hook_programs *programs, char reason[BACKEND_REASON])
{
	int bare_ip = interface_is_bare_ip(interface), err = 0;

	if (bare_ip < 0) {
		snprintf(reason, BACKEND_REASON, "%s: link layer %u is not supported",
			 interface->name, interface->type);
		return bare_ip;
	}
	if (way == WAY_IN)
		err = bpf_programs_load_arriving(&b->programs, reason);
	if (err)
		return err;
	*programs = way == WAY_IN ? programs_arriving(b->programs.arriving, bare_ip)
				  : programs_leaving(b->programs.skel, bare_ip,
						     b->settings.hook == HOOK_XDP);
	return 0;
}

/* Chooses the hook: for an interface on top of others, whose packets do not pass every hook, and
 * for data that arrives, which is measured at TC alone, since XDP has room for one program. Returns
 * 0, or -ENOTSUP explained in reason. */
static int hook_choose(const struct interface *interface, enum way way, enum hook_choice *hook,
		       char reason[BACKEND_REASON])
{
	char kind[INTERFACE_KIND];

	interface_kind(interface->ifindex, kind);
	if (!strcmp(kind, "vrf")) {
		/* vrf_output_direct() hands packets to the device below, and only to taps here. */
		snprintf(reason, BACKEND_REASON,
			 "%s is a VRF, and what leaves it does not pass TC: name the interfaces in "
			 "it, or use --backend pcap",
			 interface->name);
		return -ENOTSUP;
	}
	if (*hook == HOOK_XDP && (way == WAY_IN || !strcmp(kind, "bond")))
		*hook = HOOK_TC; /* XDP runs on the interfaces in a bond, and would see their
				    indices */
	return 0;
}

static struct sightings sightings_of(const struct backend_bpf *b, const struct measured *m)
{
	struct sightings now = bpf_programs_sightings(&b->programs, m->number);

	return (struct sightings){
		.data_received = m->sighted.data_received + now.data_received,
		.acks_received = m->sighted.acks_received + now.acks_received,
		.acks_sent = m->sighted.acks_sent + now.acks_sent,
	};
}

/* Starts or stops counting sightings on an interface: counting costs each segment without a flow.
 */
static void sight(struct backend_bpf *b, struct measured *m, bool on)
{
	bool any = on;

	if (m->sighting == on)
		return;
	if (m->sighting)
		m->sighted = sightings_of(b, m);
	m->sighting = on;
	bpf_programs_sight(&b->programs, m->number, on);
	log_debug("%s: %s", m->interface.name,
		  on ? "counting what passes" : "no longer counting what passes");
	LL_FOREACH (b->measured, m)
		any |= m->sighting;
	b->programs.skel->bss->count_sightings = any;
}

static void log_attached(const struct backend_bpf *b, const struct measured *m,
			 enum hook_choice hook)
{
	bool in = interface_number_way(m->number) == WAY_IN;

	/* Only now: attempts that fail are repeated. */
	if (hook != b->settings.hook && in)
		log_info("%s: data that arrives is measured at TC, not XDP", m->interface.name);
	else if (hook != b->settings.hook)
		log_warning("%s is a bond, where XDP would see the interfaces in it: using TC",
			    m->interface.name);
	log_info("measuring on %s with BPF at %s%s", m->interface.name,
		 attachment_kind(&m->attachment, hook), in ? ", data that arrives" : "");
}

static int attach_way(struct backend_bpf *b, const struct interface *interface, enum way way,
		      char reason[BACKEND_REASON])
{
	enum hook_choice hook = b->settings.hook;
	struct hook_programs programs;
	struct measured *m;
	int err = programs_choose(b, interface, way, &programs, reason);

	if (!err)
		err = hook_choose(interface, way, &hook, reason);
	if (err)
		return err;
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->interface = *interface;
	m->number = interface_number(interface->ifindex, way);
	err = attachment_open(&m->attachment, &programs, interface, hook, reason);
	if (err) {
		free(m);
		return err;
	}
	LL_PREPEND(b->measured, m);
	census_open(&b->census, m->number);
	sight(b, m, true);
	log_attached(b, m, hook);
	return 0;
}

static void detach_way(struct backend_bpf *b, unsigned int ifindex, enum way way)
{
	struct measured *m = measured_find(b, interface_number(ifindex, way));

	if (!m)
		return;
	LL_DELETE(b->measured, m);
	attachment_close(&m->attachment);
	sight(b, m, false);
	census_close(&b->census, m->number);
	free(m);
}

static void kernel_detach(struct backend *backend, unsigned int ifindex)
{
	detach_way(self(backend), ifindex, WAY_OUT);
	detach_way(self(backend), ifindex, WAY_IN);
}

static int kernel_attach(struct backend *backend, const struct interface *interface,
			 unsigned int ways, char reason[BACKEND_REASON])
{
	struct backend_bpf *b = self(backend);
	int err = 0;

	if (ways & WAY_OUT)
		err = attach_way(b, interface, WAY_OUT, reason);
	if (!err && ways & WAY_IN)
		err = attach_way(b, interface, WAY_IN, reason);
	if (err)
		kernel_detach(backend, interface->ifindex);
	return err;
}

static int kernel_check(struct backend *backend, unsigned int ifindex, char reason[BACKEND_REASON])
{
	const struct measured *m;
	int err = 0;

	LL_FOREACH (self(backend)->measured, m)
		if (m->interface.ifindex == ifindex && !err)
			err = attachment_check(&m->attachment, &m->interface, reason);
	return err;
}

static int kernel_set_peers(struct backend *backend, const struct peers *peers)
{
	struct backend_bpf *b = self(backend);
	int err = bpf_peers_set(&b->programs, peers);

	if (err)
		return err;
	b->peers = peers;
	b->peers_changed = true;
	return 0;
}

static int kernel_fd(struct backend *backend)
{
	return ring_buffer__epoll_fd(self(backend)->ring);
}

static int on_record(void *arg, void *data, size_t size)
{
	struct backend_bpf *b = arg;
	const struct flow_record *record = data;
	struct measured *m;
	struct delivery delivery;

	if (size < FLOW_RECORD_SIZE(0) || size < FLOW_RECORD_SIZE(record->count))
		return 0; /* cannot be: the programs write nothing else */
	if (!(record->flags & RECORD_HANDSHAKE)) {
		b->samples += record->count;
		census_add_samples(&b->census, record->key.ifindex, record->count);
	}
	m = measured_find(b, record->key.ifindex);
	if (!m)
		return 0; /* the interface is gone */
	delivery = (struct delivery){
		.record = record,
		.iface = m->interface.name,
		.wall_ns = record->time_ns + b->wall_offset_ns,
	};
	b->settings.deliver(b->settings.arg, &delivery);
	return --b->budget ? 0 : -EAGAIN;
}

static int kernel_read(struct backend *backend)
{
	struct backend_bpf *b = self(backend);
	int n;

	b->wall_offset_ns = clock_ns(CLOCK_REALTIME) - monotonic_ns();
	b->budget = RECORDS_READ;
	n = ring_buffer__consume(b->ring);
	if (n < 0 && n != -EAGAIN) {
		log_error("cannot read the BPF ring buffer: %s", strerror(-n));
		return n;
	}
	return 0;
}

static bool kernel_sweep(struct backend *backend)
{
	struct backend_bpf *b = self(backend);
	struct flow_walk_terms terms = {
		.over = sweep_terms(monotonic_ns(), b->settings.idle_ns, b->settings.ended_ns),
		.flows = *(volatile __u32 *)&b->programs.skel->bss->flow_count.n,
		.max_flows = b->settings.max_flows,
		.census = &b->census,
	};
	int done;

	if (!b->walking) {
		b->peers_checked = b->peers_changed;
		b->peers_changed = false;
	}
	terms.peers = b->peers_checked ? b->peers : NULL;
	terms.told = b->peers && peers_keep(b->peers) ? b->peers : NULL;
	done = flow_walk_step(b->walk, &terms);
	if (done < 0) {
		if (!b->walk_failed)
			log_warning("cannot go through the flow table: %s; trying again with the "
				    "next report",
				    strerror(-done));
		b->peers_changed |= b->peers_checked;
	}
	b->walk_failed = done < 0;
	b->walking = done == 0;
	kernel_read(backend);
	return done != 0;
}

static void kernel_follow(struct backend *backend, const struct backend_settings *settings)
{
	struct backend_bpf *b = self(backend);

	b->settings.idle_ns = settings->idle_ns;
	b->settings.ended_ns = settings->ended_ns;
	b->programs.skel->bss->measure_handshakes = settings->handshakes;
}

static struct census_figures kernel_figures(struct backend *backend, __u32 number)
{
	struct backend_bpf *b = self(backend);
	struct census_figures figures = census_figures(&b->census, number);
	const struct measured *m = measured_find(b, number);

	if (m)
		figures.seen = sightings_of(b, m);
	return figures;
}

static void kernel_look_out(struct backend *backend, __u32 number, bool on)
{
	struct measured *m = measured_find(self(backend), number);

	if (m)
		sight(self(backend), m, on);
}

static void kernel_counters(struct backend *backend, __u64 values[COUNTERS])
{
	struct backend_bpf *b = self(backend);

	int err = bpf_programs_counters(&b->programs, values);

	if (err)
		log_warning("cannot read the BPF programs' counters: %s", strerror(-err));
	values[COUNTER_SAMPLES] = b->samples + values[COUNTER_RING_LOST];
}

static void kernel_close(struct backend *backend)
{
	struct backend_bpf *b = self(backend);

	while (b->measured)
		kernel_detach(backend, b->measured->interface.ifindex);
	flow_walk_free(b->walk);
	census_free(&b->census);
	ring_buffer__free(b->ring);
	bpf_programs_unload(&b->programs);
	free(b);
}

static const struct backend_ops kernel_ops = {
	.name = "bpf",
	.attach = kernel_attach,
	.detach = kernel_detach,
	.check = kernel_check,
	.set_peers = kernel_set_peers,
	.fd = kernel_fd,
	.read = kernel_read,
	.sweep = kernel_sweep,
	.follow = kernel_follow,
	.figures = kernel_figures,
	.look_out = kernel_look_out,
	.counters = kernel_counters,
	.close = kernel_close,
};

static int load(struct backend_bpf *b, char reason[BACKEND_REASON])
{
	struct metro *skel;
	int err;

	err = bpf_programs_load(&b->programs, &b->settings, false, reason);
	if (err)
		return err;
	skel = b->programs.skel;
	skel->bss->measure_handshakes = b->settings.handshakes;
	b->ring = ring_buffer__new(bpf_map__fd(skel->maps.records), on_record, b, NULL);
	if (!b->ring) {
		err = -errno;
		snprintf(reason, BACKEND_REASON, "cannot map the BPF ring buffer: %s",
			 strerror(-err));
		return err;
	}
	return flow_walk_new(&b->walk, b->programs.flows, bpf_program__fd(skel->progs.metro_sweep),
			     b->settings.marks);
}

int backend_bpf_open(struct backend **backend, const struct backend_settings *settings,
		     char reason[BACKEND_REASON])
{
	struct backend_bpf *b = calloc(1, sizeof(*b));
	int err;

	if (!b)
		return -ENOMEM;
	b->backend.ops = &kernel_ops;
	b->settings = *settings;
	err = load(b, reason);
	if (err) {
		kernel_close(&b->backend);
		return err;
	}
	*backend = &b->backend;
	return 0;
}
