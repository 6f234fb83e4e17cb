/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The libpcap backend: the engine over a copy of the peers' packets, in user space. */
#include "pcap_taps.h"

#include "descriptor.h"
#include "sweep.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

static struct backend_pcap *self(struct backend *backend)
{
	return (struct backend_pcap *)backend;
}

static void deliver(void *arg, const struct flow_record *record)
{
	struct backend_pcap *b = arg;
	struct tap *tap = tap_find(b, interface_number_index(record->key.ifindex));
	struct delivery delivery;

	if (!tap)
		return;
	delivery = (struct delivery){
		.record = record,
		.iface = tap->interface.name,
		.wall_ns = record->time_ns,
	};
	b->settings.deliver(b->settings.arg, &delivery);
}

static void tap_free(struct tap *tap)
{
	struct backend_pcap *b = tap->backend;

	tap_close(tap);
	HASH_DEL(b->taps, tap);
	b->drops += tap->own.drops;
	free(tap);
}

static int live_attach(struct backend *backend, const struct interface *interface,
		       unsigned int ways, char reason[BACKEND_REASON])
{
	struct backend_pcap *b = self(backend);
	struct tap *tap = calloc(1, sizeof(*tap));
	int err;

	if (!tap)
		return -ENOMEM;
	*tap = (struct tap){
		.backend = b, .interface = *interface, .index = interface->ifindex, .ways = ways};
	HASH_ADD_INT(b->taps, index, tap);
	if (!tap->hh.tbl) {
		free(tap);
		return -ENOMEM;
	}
	err = tap_open(tap, reason);
	if (err && err != -ENETDOWN) {
		tap_free(tap);
		return err;
	}
	for (enum way way = WAY_OUT; way <= WAY_IN; way++)
		if (ways & way)
			census_open(flow_table_census(b->table), interface_number(tap->index, way));
	if (err)
		log_warning("%s; waiting for it to come up", reason);
	else
		log_info("measuring on %s with libpcap%s", interface->name,
			 ways == WAY_OUT  ? ""
			 : ways == WAY_IN ? ", data that arrives"
					  : ", both ways");
	return 0;
}

static void live_detach(struct backend *backend, unsigned int ifindex)
{
	struct backend_pcap *b = self(backend);
	struct tap *tap = tap_find(b, ifindex);

	if (!tap)
		return;
	census_close(flow_table_census(b->table), interface_number(ifindex, WAY_OUT));
	census_close(flow_table_census(b->table), interface_number(ifindex, WAY_IN));
	tap_free(tap);
}

static int live_set_peers(struct backend *backend, const struct peers *peers)
{
	struct backend_pcap *b = self(backend);
	char reason[BACKEND_REASON];
	struct tap *tap, *next;
	int err = 0, one;

	b->directions.peers = peers;
	flow_table_set_peers(b->table, peers);
	HASH_ITER (hh, b->taps, tap, next) {
		one = tap_set_peers(tap, reason);
		if (one)
			log_error("%s", reason);
		err = one ? one : err;
	}
	one = taps_set_shared_peers(b, reason);
	if (one)
		log_error("%s", reason);
	return one ? one : err;
}

static int live_fd(struct backend *backend)
{
	return self(backend)->epoll;
}

static int live_read(struct backend *backend)
{
	struct backend_pcap *b = self(backend);
	struct tap *tap, *next;

	HASH_ITER (hh, b->taps, tap, next)
		if (tap->own.pcap && pcap_packets_own(tap) < 0)
			tap_fail(tap);
	if (b->shared.pcap && pcap_packets_shared(b) < 0) {
		log_error("capturing: %s", pcap_geterr(b->shared.pcap));
		return -EIO;
	}
	return 0;
}

static void live_refresh(struct backend *backend)
{
	struct backend_pcap *b = self(backend);
	struct tap *tap, *next;
	int err = local_addresses_read(&b->directions.local);

	if (err && err != b->local_error)
		log_warning("reading this host's addresses: %s", strerror(-err));
	b->local_error = err;
	HASH_ITER (hh, b->taps, tap, next) {
		tap_follow_up(tap);
		tap_follow_port(tap);
	}
}

static void live_drain(struct backend *backend)
{
	struct timespec wait = {.tv_nsec = 2 * PCAP_SOCKET_BLOCK_MS * 1000000l};

	nanosleep(&wait, NULL); /* until the kernel has handed over the block that it is filling */
	live_read(backend);
}

static bool live_sweep(struct backend *backend)
{
	struct backend_pcap *b = self(backend);
	struct sweep_terms terms =
		sweep_terms(clock_ns(CLOCK_REALTIME), b->settings.idle_ns, b->settings.ended_ns);

	return flow_table_sweep(b->table, &terms);
}

static void live_follow(struct backend *backend, const struct backend_settings *settings)
{
	struct backend_pcap *b = self(backend);

	b->settings.idle_ns = settings->idle_ns;
	b->settings.ended_ns = settings->ended_ns;
	flow_table_set_handshakes(b->table, settings->handshakes);
}

static struct census_figures live_figures(struct backend *backend, __u32 number)
{
	return census_figures(flow_table_census(self(backend)->table), number);
}

static void live_counters(struct backend *backend, __u64 values[COUNTERS])
{
	struct backend_pcap *b = self(backend);
	struct tap *tap, *next;

	memcpy(values, flow_table_counters(b->table), COUNTERS * sizeof(*values));
	values[COUNTER_DIRECTION] += b->directions.unknown;
	values[COUNTER_CAPTURE_DROPS] += b->drops + pcap_socket_drops(&b->shared);
	HASH_ITER (hh, b->taps, tap, next)
		values[COUNTER_CAPTURE_DROPS] += pcap_socket_drops(&tap->own);
}

static void live_close(struct backend *backend)
{
	struct backend_pcap *b = self(backend);

	while (b->taps)
		live_detach(backend, b->taps->index);
	pcap_shared_peers_free(&b->shared_peers);
	flow_table_free(b->table);
	local_addresses_free(&b->directions.local);
	expression_free(b->expression);
	descriptor_close(&b->epoll);
	free(b);
}

static const struct backend_ops live_ops = {
	.name = "pcap",
	.attach = live_attach,
	.detach = live_detach,
	.set_peers = live_set_peers,
	.fd = live_fd,
	.read = live_read,
	.sweep = live_sweep,
	.refresh = live_refresh,
	.drain = live_drain,
	.follow = live_follow,
	.figures = live_figures,
	.counters = live_counters,
	.close = live_close,
};

int backend_pcap_open(struct backend **backend, const struct backend_settings *settings,
		      char reason[BACKEND_REASON])
{
	struct backend_pcap *b = calloc(1, sizeof(*b));
	int err;

	if (!b)
		return -ENOMEM;
	b->backend.ops = &live_ops;
	b->settings = *settings;
	b->epoll = epoll_create1(EPOLL_CLOEXEC);
	err = b->epoll < 0 ? -errno : local_addresses_read(&b->directions.local);
	if (!err)
		err = backend_flow_table(&b->table, settings, false, deliver, b);
	if (!err && settings->expression)
		err = expression_new(&b->expression, settings->expression);
	if (err) {
		snprintf(reason, BACKEND_REASON, "cannot start libpcap: %s", strerror(-err));
		live_close(&b->backend);
		return err;
	}
	*backend = &b->backend;
	return 0;
}
