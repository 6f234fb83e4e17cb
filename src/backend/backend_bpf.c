/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The BPF backend: the programs of bpf/ measure in the kernel, this takes what they found. */
#include "backend.h"
#include "bpf_flows.h"
#include "bpf_peers.h"
#include "bpf_records.h"
#include "bpf_ways.h"
#include "hash.h"
#include "probe_cause.h"
#include "sweep.h"
#include "wall_offset.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* At most this many are read in one go: a producer that never stops must not keep signals and
 * reports waiting. */
#define RECORDS_READ 16384

struct measured {
	struct hold hold;
	struct measured_way out, in;
	UT_hash_handle hh;
};

struct backend_bpf {
	struct backend backend;
	struct backend_settings settings;
	struct bpf_programs programs;
	struct bpf_records *records;
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

static struct measured_way *way_find(struct backend_bpf *b, __u32 number)
{
	struct measured *m = measured_find(b, interface_number_index(number));
	struct measured_way *w;

	if (!m)
		return NULL;
	w = interface_number_way(number) == WAY_IN ? &m->in : &m->out;
	return w->number ? w : NULL;
}

static struct sightings sightings_of(const struct backend_bpf *b, const struct measured_way *w)
{
	struct sightings now = bpf_programs_sightings(&b->programs, w->number);

	return (struct sightings){
		.data_received = w->sighted.data_received + now.data_received,
		.acks_received = w->sighted.acks_received + now.acks_received,
		.acks_sent = w->sighted.acks_sent + now.acks_sent,
	};
}

/* Starts or stops counting sightings on an interface: counting costs each segment without a flow.
 */
static void sight(struct backend_bpf *b, struct measured_way *w, bool on)
{
	const struct measured *m;
	bool any = on;

	if (!w->number || w->sighting == on)
		return;
	if (w->sighting)
		w->sighted = sightings_of(b, w);
	w->sighting = on;
	bpf_programs_sight(&b->programs, w->number, on);
	log_debug("interface %u%s: %s", interface_number_index(w->number),
		  ways_text(interface_number_way(w->number)),
		  on ? "counting what passes" : "no longer counting what passes");
	for (m = b->measured; m; m = m->hh.next)
		any |= m->out.sighting || m->in.sighting;
	b->programs.skel->bss->count_sightings = any;
}

static struct measured *measured_of(struct hold *hold)
{
	return (struct measured *)hold;
}

static int ways_open(struct backend_bpf *b, struct measured *m, char reason[BACKEND_REASON])
{
	const struct interface *interface = &m->hold.interface;
	const struct measured_way *first = m->hold.ways & WAY_OUT ? &m->out : &m->in;
	enum hook_choice hook = b->settings.hook, hook_in = hook;
	int err = 0;

	if (m->hold.ways & WAY_OUT)
		err = measured_way_open(&m->out, &b->programs, interface, WAY_OUT, &hook, reason);
	if (!err && m->hold.ways & WAY_IN) {
		err = measured_way_open(&m->in, &b->programs, interface, WAY_IN, &hook_in, reason);
		hook = m->hold.ways & WAY_OUT ? hook : hook_in;
	}
	if (err)
		return err;
	m->hold.hook = attachment_kind(&first->attachment, hook);
	snprintf(m->hold.how, sizeof(m->hold.how), "BPF at %s%s", m->hold.hook,
		 ways_text(m->hold.ways));
	return 0;
}

static int kernel_open(struct backend *backend, const struct interface *interface,
		       unsigned int ways, struct hold **hold, char reason[BACKEND_REASON])
{
	struct measured *m = calloc(1, sizeof(*m));
	int err;

	if (!m) {
		snprintf(reason, BACKEND_REASON, "interface %s: out of memory", interface->name);
		return -ENOMEM;
	}
	m->hold.interface = *interface;
	m->hold.ways = ways;
	err = ways_open(self(backend), m, reason);
	if (err) {
		measured_way_close(&m->out);
		measured_way_close(&m->in);
		free(m);
		return err;
	}
	m->hold.removed =
		attachment_removed(&m->out.attachment) + attachment_removed(&m->in.attachment);
	*hold = &m->hold;
	return 0;
}

static void way_adopt(struct backend_bpf *b, struct measured_way *w)
{
	if (!w->number)
		return;
	census_open(&b->census, w->number);
	sight(b, w, true);
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
	way_adopt(b, &m->out);
	way_adopt(b, &m->in);
	if (m->out.xdp_in_vain) /* only now: attempts that fail are repeated */
		log_warning("%s is a bond, where XDP would see the interfaces in it: using TC",
			    hold->interface.name);
	else if (m->in.xdp_in_vain)
		log_info("%s: data that arrives is measured at TC, not XDP", hold->interface.name);
	return 0;
}

static void way_release(struct backend_bpf *b, struct measured_way *w)
{
	if (!w->number)
		return;
	sight(b, w, false);
	census_close(&b->census, w->number);
}

static struct hold *kernel_release(struct backend *backend, unsigned int ifindex)
{
	struct backend_bpf *b = self(backend);
	struct measured *m = measured_find(b, ifindex);

	if (!m)
		return NULL;
	HASH_DEL(b->measured, m);
	way_release(b, &m->out);
	way_release(b, &m->in);
	return &m->hold;
}

static void kernel_shut(struct hold *hold)
{
	struct measured *m = measured_of(hold);

	measured_way_close(&m->out);
	measured_way_close(&m->in);
	free(m);
}

static int kernel_check(struct hold *hold, const struct interface *interface,
			char reason[BACKEND_REASON])
{
	const struct measured *m = measured_of(hold);
	int err = 0;

	if (m->out.number)
		err = attachment_check(&m->out.attachment, interface, reason);
	if (!err && m->in.number)
		err = attachment_check(&m->in.attachment, interface, reason);
	return err;
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
	return bpf_records_fd(self(backend)->records);
}

static void on_record(void *arg, const struct flow_record *record)
{
	struct backend_bpf *b = arg;
	struct measured *m;
	struct delivery delivery;

	if (!(record->flags & RECORD_HANDSHAKE)) {
		b->samples += record->count;
		census_add_samples(&b->census, record->key.ifindex, record->count);
	}
	m = measured_find(b, interface_number_index(record->key.ifindex));
	if (!m)
		return; /* the interface is gone */
	delivery = (struct delivery){
		.record = record,
		.iface = m->hold.interface.name,
		.wall_ns = record->time_ns + b->wall_offset_ns,
	};
	b->settings.deliver(b->settings.arg, &delivery);
}

static bool kernel_due(struct backend *backend)
{
	return bpf_records_due(self(backend)->records);
}

static int read_records(struct backend_bpf *b, int (*read)(struct bpf_records *records))
{
	int err;

	b->wall_offset_ns = wall_offset_follow(b->wall_offset_ns);
	err = read(b->records);
	if (err)
		log_error("cannot read the BPF ring buffer: %s", strerror(-err));
	return err;
}

static int kernel_read(struct backend *backend)
{
	return read_records(self(backend), bpf_records_read);
}

static void kernel_settle(struct backend *backend)
{
	read_records(self(backend), bpf_records_read_all);
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
	const struct measured_way *w = way_find(b, number);

	if (w)
		figures.seen = sightings_of(b, w);
	return figures;
}

static void kernel_look_out(struct backend *backend, __u32 number, bool on)
{
	struct measured_way *w = way_find(self(backend), number);

	if (w)
		sight(self(backend), w, on);
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
	bpf_records_close(b->records);
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
	.due = kernel_due,
	.read = kernel_read,
	.sweep = kernel_sweep,
	.settle = kernel_settle,
	.follow = kernel_follow,
	.figures = kernel_figures,
	.look_out = kernel_look_out,
	.counters = kernel_counters,
	.close = kernel_close,
};

/* What is missing is found before anything is loaded, or named when that has failed. */
static int load_programs(struct backend_bpf *b, char reason[BACKEND_REASON])
{
	const struct probe_terms terms = {.settings = b->settings};
	struct probes probes;
	int err;

	probes_begin(&probes, &terms);
	if (probe_forbids_bpf(&probes, reason))
		return -ENOTSUP;
	err = bpf_programs_load(&b->programs, &b->settings, false, reason);
	if (err)
		probe_after_failure(&probes, err, reason);
	return err;
}

static int open_records(struct backend_bpf *b, char reason[BACKEND_REASON])
{
	const struct bpf_records_settings settings = {
		.map = bpf_map__fd(b->programs.skel->maps.records),
		.delay_ns = b->settings.delay_ns,
		.wake_bytes = b->programs.skel->rodata->wake_bytes,
		.most = RECORDS_READ,
		.take = on_record,
		.arg = b,
	};
	int err = bpf_records_open(&b->records, &settings);

	if (err)
		snprintf(reason, BACKEND_REASON, "cannot map the BPF ring buffer: %s",
			 strerror(-err));
	return err;
}

static int load(struct backend_bpf *b, char reason[BACKEND_REASON])
{
	struct metro *skel;
	int err;

	err = load_programs(b, reason);
	if (err)
		return err;
	skel = b->programs.skel;
	skel->bss->measure_handshakes = b->settings.handshakes;
	err = open_records(b, reason);
	if (err)
		return err;
	return flow_walk_new(&b->walk, b->programs.flows, bpf_map__fd(skel->maps.fresh_slots),
			     bpf_program__fd(skel->progs.metro_sweep), b->settings.marks);
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
	b->programs = BPF_PROGRAMS_NONE;
	err = load(b, reason);
	if (err) {
		kernel_close(&b->backend);
		return err;
	}
	*backend = &b->backend;
	return 0;
}
