/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The BPF backend: the programs of bpf/ measure in the kernel, this takes what they found. */
#include "backend.h"
#include "bpf_attach.h"
#include "bpf_flows.h"
#include "bpf_peers.h"
#include "hash.h"
#include "sweep.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* At most this many are read in one go: a producer that never stops must not keep signals and
 * reports waiting. */
#define RECORDS_READ 16384

struct measured {
	struct hold hold;
	struct attachment attachment;
	bool xdp_in_vain;         /* asked for, but it is a bond */
	bool sighting;            /* sightings are counted on it */
	struct sightings sighted; /* sightings from earlier counts */
	UT_hash_handle hh;
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

static struct measured *measured_find(struct backend_bpf *b, unsigned int ifindex)
{
	struct measured *m;

	HASH_FIND_INT(b->measured, &ifindex, m);
	return m;
}

/* Chooses the programs for packets as this interface has them. Returns 0, or -ENOTSUP explained in
 * reason. */
static int programs_choose(const struct backend_bpf *b, const struct interface *interface,
			   struct hook_programs *programs, char reason[BACKEND_REASON])
{
	const struct metro *skel = b->programs.skel;
	int bare_ip = interface_is_bare_ip(interface);

	if (bare_ip < 0) {
		snprintf(reason, BACKEND_REASON, "%s: link layer %u is not supported",
			 interface->name, interface->type);
		return bare_ip;
	}
	*programs = bare_ip ? (struct hook_programs){
		.egress = bpf_program__fd(skel->progs.metro_out_ip),
		.ingress = bpf_program__fd(skel->progs.metro_in_ip),
		.xdp = -1,
	} : (struct hook_programs){
		.egress = bpf_program__fd(skel->progs.metro_out_eth),
		.ingress = bpf_program__fd(skel->progs.metro_in_eth),
		.xdp = b->settings.hook == HOOK_XDP ? bpf_program__fd(skel->progs.metro_in_xdp)
						    : -1,
	};
	return 0;
}

/* Chooses the hook for an interface on top of others, whose packets do not pass every hook. Returns
 * 0, or -ENOTSUP explained in reason. */
static int hook_choose(const struct interface *interface, enum hook_choice *hook,
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
	if (!strcmp(kind, "bond") && *hook == HOOK_XDP)
		*hook = HOOK_TC; /* XDP runs on the interfaces in it, and would see their indices */
	return 0;
}

static struct sightings sightings_of(const struct backend_bpf *b, const struct measured *m)
{
	struct sightings now = bpf_programs_sightings(&b->programs, m->hold.interface.ifindex);

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
	bpf_programs_sight(&b->programs, m->hold.interface.ifindex, on);
	log_debug("%s: %s", m->hold.interface.name,
		  on ? "counting what passes" : "no longer counting what passes");
	for (m = b->measured; m; m = m->hh.next)
		any |= m->sighting;
	b->programs.skel->bss->count_sightings = any;
}

static struct measured *measured_of(struct hold *hold)
{
	return (struct measured *)hold;
}

static int kernel_open(struct backend *backend, const struct interface *interface,
		       struct hold **hold, char reason[BACKEND_REASON])
{
	const struct backend_bpf *b = self(backend);
	enum hook_choice hook = b->settings.hook;
	struct hook_programs programs;
	struct measured *m;
	int err = programs_choose(b, interface, &programs, reason);

	if (!err)
		err = hook_choose(interface, &hook, reason);
	if (err)
		return err;
	snprintf(reason, BACKEND_REASON, "interface %s: out of memory", interface->name);
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->hold.interface = *interface;
	m->xdp_in_vain = hook != b->settings.hook;
	err = attachment_open(&m->attachment, &programs, interface, hook, reason);
	if (err) {
		free(m);
		return err;
	}
	snprintf(m->hold.how, sizeof(m->hold.how), "BPF at %s",
		 attachment_kind(&m->attachment, hook));
	*hold = &m->hold;
	return 0;
}

static int kernel_adopt(struct backend *backend, struct hold *hold, char reason[BACKEND_REASON])
{
	struct backend_bpf *b = self(backend);
	struct measured *m = measured_of(hold);

	HASH_ADD_INT(b->measured, hold.interface.ifindex, m);
	if (!m->hh.tbl) {
		snprintf(reason, BACKEND_REASON, "interface %s: out of memory",
			 hold->interface.name);
		return -ENOMEM;
	}
	census_open(&b->census, hold->interface.ifindex);
	sight(b, m, true);
	if (m->xdp_in_vain) /* only now: attempts that fail are repeated */
		log_warning("%s is a bond, where XDP would see the interfaces in it: using TC",
			    hold->interface.name);
	return 0;
}

static struct hold *kernel_release(struct backend *backend, unsigned int ifindex)
{
	struct backend_bpf *b = self(backend);
	struct measured *m = measured_find(b, ifindex);

	if (!m)
		return NULL;
	HASH_DEL(b->measured, m);
	sight(b, m, false);
	census_close(&b->census, ifindex);
	return &m->hold;
}

static void kernel_shut(struct hold *hold)
{
	struct measured *m = measured_of(hold);

	attachment_close(&m->attachment);
	free(m);
}

static int kernel_check(struct hold *hold, const struct interface *interface,
			char reason[BACKEND_REASON])
{
	return attachment_check(&measured_of(hold)->attachment, interface, reason);
}

static void kernel_rename(struct backend *backend, const struct interface *interface)
{
	struct measured *m = measured_find(self(backend), interface->ifindex);

	if (m)
		m->hold.interface = *interface;
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

static int kernel_set_interfaces(struct backend *backend, const struct peers *peers)
{
	struct backend_bpf *b = self(backend);
	int err = bpf_peers_set_interfaces(&b->programs, peers);

	b->peers_changed |= !err;
	return err;
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
		.iface = m->hold.interface.name,
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

static struct census_figures kernel_figures(struct backend *backend, unsigned int ifindex)
{
	struct backend_bpf *b = self(backend);
	struct census_figures figures = census_figures(&b->census, ifindex);
	const struct measured *m = measured_find(b, ifindex);

	if (m)
		figures.seen = sightings_of(b, m);
	return figures;
}

static void kernel_look_out(struct backend *backend, unsigned int ifindex, bool on)
{
	struct measured *m = measured_find(self(backend), ifindex);

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
		kernel_shut(kernel_release(backend, b->measured->hold.interface.ifindex));
	flow_walk_free(b->walk);
	census_free(&b->census);
	ring_buffer__free(b->ring);
	bpf_programs_unload(&b->programs);
	free(b);
}

static const struct backend_ops kernel_ops = {
	.name = "bpf",
	.open = kernel_open,
	.adopt = kernel_adopt,
	.release = kernel_release,
	.check = kernel_check,
	.shut = kernel_shut,
	.rename = kernel_rename,
	.set_peers = kernel_set_peers,
	.set_interfaces = kernel_set_interfaces,
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
