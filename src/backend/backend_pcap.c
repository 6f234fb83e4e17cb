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
		.iface = tap->hold.interface.name,
		.wall_ns = record->time_ns,
	};
	b->settings.deliver(b->settings.arg, &delivery);
}

static struct tap *tap_of(struct hold *hold)
{
	return (struct tap *)hold;
}

static void live_shut(struct hold *hold)
{
	tap_close(tap_of(hold));
	free(hold);
}

static int live_open(struct backend *backend, const struct interface *interface, unsigned int ways,
		     struct hold **hold, char reason[BACKEND_REASON])
{
	struct tap *tap = calloc(1, sizeof(*tap));
	int err;

	snprintf(reason, BACKEND_REASON, "interface %s: out of memory", interface->name);
	if (!tap)
		return -ENOMEM;
	tap->backend = self(backend);
	tap->index = interface->ifindex;
	tap->hold = (struct hold){.interface = *interface, .ways = ways};
	snprintf(tap->hold.how, sizeof(tap->hold.how), "libpcap%s", ways_text(ways));
	err = tap_open(tap, reason);
	if (err)
		live_shut(&tap->hold);
	else
		*hold = &tap->hold;
	return err;
}

static void census_each(struct backend_pcap *b, const struct tap *tap,
			void (*fn)(struct census *census, __u32 number))
{
	for (enum way way = WAY_OUT; way <= WAY_IN; way++)
		if (tap->hold.ways & way)
			fn(flow_table_census(b->table), interface_number(tap->index, way));
}

static int live_adopt(struct backend *backend, struct hold *hold, char reason[BACKEND_REASON])
{
	struct backend_pcap *b = self(backend);
	struct tap *tap = tap_of(hold);
	int err = -ENOMEM;

	snprintf(reason, BACKEND_REASON, "interface %s: out of memory", hold->interface.name);
	HASH_ADD_INT(b->taps, index, tap);
	if (tap->hh.tbl)
		err = tap_join(tap, reason);
	if (!err) {
		census_each(b, tap, census_open);
	} else if (tap->hh.tbl) {
		tap_leave(tap);
		HASH_DEL(b->taps, tap);
	}
	return err;
}

static struct hold *live_release(struct backend *backend, unsigned int ifindex)
{
	struct backend_pcap *b = self(backend);
	struct tap *tap = tap_find(b, ifindex);

	if (!tap)
		return NULL;
	census_each(b, tap, census_close);
	b->drops += pcap_socket_drops(&tap->own);
	tap_leave(tap);
	HASH_DEL(b->taps, tap);
	return &tap->hold;
}

static unsigned int live_ended(struct backend *backend)
{
	const struct tap *tap;

	for (tap = self(backend)->taps; tap; tap = tap->hh.next)
		if (tap->ended)
			return tap->index;
	return 0;
}

static void live_rename(struct backend *backend, const struct interface *interface)
{
	struct tap *tap = tap_find(self(backend), interface->ifindex);

	if (tap)
		tap->hold.interface = *interface;
}

static int live_set_peers(struct backend *backend, const struct peers *peers)
{
	struct backend_pcap *b = self(backend);
	char reason[BACKEND_REASON];
	struct tap *tap, *next;
	int err = 0, one;

	b->directions.peers = peers;
	flow_table_set_peers(b->table, peers);
	pcap_filters_forget(&b->filters);
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

/* What has another set now, or has gone, needs another filter; the shared handle's is for all. */
static int live_set_interfaces(struct backend *backend, const struct peers *peers)
{
	struct backend_pcap *b = self(backend);
	char reason[BACKEND_REASON];
	struct tap *tap, *next;
	int err = 0, one;

	flow_table_set_peers(b->table, peers);
	HASH_ITER (hh, b->taps, tap, next) {
		if (tap->set == peers_set_of(peers, tap->index))
			continue;
		one = tap_set_peers(tap, reason);
		if (one)
			log_error("%s", reason);
		err = one ? one : err;
	}
	return err;
}

static int live_fd(struct backend *backend)
{
	return self(backend)->epoll;
}

/* That its interface went down is said once. What it had captured until then comes with the last
 * block, in a moment. */
static void own_read(struct tap *tap)
{
	if (!tap->own.pcap || pcap_packets_own(tap) >= 0 || tap->ended)
		return;
	log_debug("no longer capturing on %s: %s", tap->hold.interface.name,
		  pcap_geterr(tap->own.pcap));
	tap->ended = true;
}

static int live_read(struct backend *backend)
{
	struct backend_pcap *b = self(backend);
	struct tap *tap, *next;

	HASH_ITER (hh, b->taps, tap, next)
		own_read(tap);
	if (b->shared.pcap && pcap_packets_shared(b) < 0) {
		log_error("cannot capture: %s", pcap_geterr(b->shared.pcap));
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
		log_warning("cannot read this host's addresses: %s", strerror(-err));
	b->local_error = err;
	HASH_ITER (hh, b->taps, tap, next)
		tap_follow_port(tap);
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
		live_shut(live_release(backend, b->taps->index));
	pcap_filters_forget(&b->filters);
	pcap_shared_peers_free(&b->shared_peers);
	flow_table_free(b->table);
	local_addresses_free(&b->directions.local);
	expression_free(b->expression);
	descriptor_close(&b->epoll);
	free(b);
}

static const struct backend_ops live_ops = {
	.name = "pcap",
	.open = live_open,
	.adopt = live_adopt,
	.release = live_release,
	.shut = live_shut,
	.ended = live_ended,
	.rename = live_rename,
	.set_peers = live_set_peers,
	.set_interfaces = live_set_interfaces,
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
