/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The libpcap backend: the engine over a copy of the peers' packets, in user space. */
#include "backend.h"
#include "breaks.h"
#include "descriptor.h"
#include "directions.h"
#include "expression.h"
#include "frame.h"
#include "hash.h"
#include "pcap_filter.h"
#include "pcap_handle.h"
#include "sweep.h"
#include "units.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#define PACKETS 1024 /* read before drops and clock are looked at again */
#define ROUNDS  64   /* times PACKETS before the next interface's turn */

/* An interface whose packets we get a copy of. */
struct tap {
	struct hold hold;
	struct backend_pcap *backend;
	pcap_t *pcap;
	bool ended; /* the interface went down */
	enum link_layer link;
	bool filtered; /* the handle has a filter .. */
	__u32 set;     /* .. for this set of peers */
	struct breaks breaks;
	UT_hash_handle hh;
};

struct backend_pcap {
	struct backend backend;
	struct backend_settings settings;
	int epoll;
	struct flow_table *table;
	struct directions directions;
	int local_error; /* of the last attempt to read addresses, so that it is logged once */
	struct expression *expression; /* NULL: none */
	struct tap *taps;
	struct pcap_filters filters; /* for the present peers */
	struct clock_watch clock;
	__u32 epochs; /* of all taps (breaks.h) */
	__u64 drops;  /* of taps that are closed by now */
};

static struct backend_pcap *self(struct backend *backend)
{
	return (struct backend_pcap *)backend;
}

static void deliver(void *arg, const struct flow_record *record)
{
	struct backend_pcap *b = arg;
	struct tap *tap;
	struct delivery delivery;

	HASH_FIND_INT(b->taps, &record->key.ifindex, tap);
	if (!tap)
		return;
	delivery = (struct delivery){
		.record = record,
		.iface = tap->hold.interface.name,
		.wall_ns = record->time_ns,
	};
	b->settings.deliver(b->settings.arg, &delivery);
}

/* Captured times are CLOCK_REALTIME; AF_PACKET has no other clock but the network card's. */
static void follow_clock(struct backend_pcap *b)
{
	struct tap *tap;

	if (!clock_watch_follow(&b->clock))
		return;
	for (tap = b->taps; tap; tap = tap->hh.next)
		breaks_notice(&tap->breaks, monotonic_ns());
}

static __u64 captured_ns(const struct tap *tap, const struct pcap_pkthdr *header)
{
	__u64 seconds = header->ts.tv_sec * NS_PER_S;

	return pcap_get_tstamp_precision(tap->pcap) == PCAP_TSTAMP_PRECISION_NANO
		       ? seconds + (__u64)header->ts.tv_usec
		       : seconds + header->ts.tv_usec * 1000ull;
}

static void on_packet(u_char *arg, const struct pcap_pkthdr *header, const u_char *bytes)
{
	struct tap *tap = (void *)arg;
	struct backend_pcap *b = tap->backend;
	struct flow_segment segment;
	enum packet_kind kind;
	struct inside inside;

	if (b->expression && !expression_matches(b->expression, bytes, header->caplen, header->len))
		return;
	kind = frame_parse(tap->link, bytes, header->caplen, header->len, &segment.packet, &inside);
	if (kind != PACKET_TCP) {
		flow_table_unread(b->table, kind);
		return;
	}
	segment.now_ns = captured_ns(tap, header);
	if (clock_watch_suspects(&b->clock, &tap->breaks, segment.now_ns))
		follow_clock(b);
	tap->breaks.last_ns = segment.now_ns;
	segment.epoch = breaks_epoch(&tap->breaks, segment.now_ns);
	segment.ifindex = tap->hold.interface.ifindex;
	segment.place = 0; /* an interface is one place */
	segment.directions = directions_of(&b->directions, &tap->hold.interface, tap->link, bytes,
					   &segment.packet);
	flow_table_expect(b->table, &segment);
	flow_table_run(b->table, &segment);
}

/* Lets only the peers' packets through; nothing where there are none. */
static int filter_set(struct tap *tap, char reason[BACKEND_REASON])
{
	struct backend_pcap *b = tap->backend;
	int err;

	tap->set = peers_set_of(b->directions.peers, tap->hold.interface.ifindex);
	err = pcap_filters_use(&b->filters, tap->pcap, b->directions.peers, tap->set,
			       tap->link == LINK_ETHERNET, tap->filtered);
	tap->filtered |= !err;
	if (err)
		snprintf(reason, BACKEND_REASON, "cannot filter packets on %s: %.180s",
			 tap->hold.interface.name,
			 err == -ENOMEM ? strerror(-err) : pcap_geterr(tap->pcap));
	return err;
}

/* Turns the expression to packets of this interface. */
static int expression_turn(struct tap *tap, char reason[BACKEND_REASON])
{
	char detail[BACKEND_REASON - 64];
	int err = 0;

	if (tap->backend->expression)
		err = expression_follow(tap->backend->expression, pcap_datalink(tap->pcap), detail,
					sizeof(detail));
	if (err)
		snprintf(reason, BACKEND_REASON, "cannot use --filter on %s: %.180s",
			 tap->hold.interface.name, detail);
	return err;
}

/* Packets that the interface's handle lost. */
static __u64 tap_drops(const struct tap *tap)
{
	struct pcap_stat stat = {};

	pcap_stats(tap->pcap, &stat);
	return stat.ps_drop;
}

static struct tap *tap_of(struct hold *hold)
{
	return (struct tap *)hold;
}

static void live_shut(struct hold *hold)
{
	struct tap *tap = tap_of(hold);

	if (tap->pcap)
		pcap_close(tap->pcap);
	free(tap);
}

static int live_open(struct backend *backend, const struct interface *interface, struct hold **hold,
		     char reason[BACKEND_REASON])
{
	struct tap *tap = calloc(1, sizeof(*tap));
	int err;

	snprintf(reason, BACKEND_REASON, "interface %s: out of memory", interface->name);
	if (!tap)
		return -ENOMEM;
	tap->backend = self(backend);
	tap->hold = (struct hold){.interface = *interface, .how = "libpcap"};
	err = pcap_handle_open(&tap->pcap, &tap->link, interface, &tap->backend->settings, reason);
	if (err)
		live_shut(&tap->hold);
	else
		*hold = &tap->hold;
	return err;
}

static int tap_add(struct backend_pcap *b, struct tap *tap, char reason[BACKEND_REASON])
{
	HASH_ADD_INT(b->taps, hold.interface.ifindex, tap);
	if (tap->hh.tbl)
		return 0;
	snprintf(reason, BACKEND_REASON, "interface %s: out of memory", tap->hold.interface.name);
	return -ENOMEM;
}

static int live_adopt(struct backend *backend, struct hold *hold, char reason[BACKEND_REASON])
{
	struct backend_pcap *b = self(backend);
	struct tap *tap = tap_of(hold);
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = tap};
	int err = expression_turn(tap, reason);

	if (!err)
		err = filter_set(tap, reason);
	if (!err)
		err = tap_add(b, tap, reason);
	if (!err && epoll_ctl(b->epoll, EPOLL_CTL_ADD, pcap_get_selectable_fd(tap->pcap), &event)) {
		err = -errno;
		HASH_DEL(b->taps, tap);
		snprintf(reason, BACKEND_REASON, "cannot wait for packets on %s: %s",
			 hold->interface.name, strerror(-err));
	}
	if (err)
		return err;
	follow_clock(b);
	breaks_open(&tap->breaks, &b->epochs);
	census_open(flow_table_census(b->table), hold->interface.ifindex);
	return 0;
}

static struct hold *live_release(struct backend *backend, unsigned int ifindex)
{
	struct backend_pcap *b = self(backend);
	struct tap *tap;

	HASH_FIND_INT(b->taps, &ifindex, tap);
	if (!tap)
		return NULL;
	HASH_DEL(b->taps, tap);
	census_close(flow_table_census(b->table), ifindex);
	b->drops += tap_drops(tap);
	if (!tap->ended)
		epoll_ctl(b->epoll, EPOLL_CTL_DEL, pcap_get_selectable_fd(tap->pcap), NULL);
	return &tap->hold;
}

static unsigned int live_ended(struct backend *backend)
{
	struct tap *tap;

	for (tap = self(backend)->taps; tap; tap = tap->hh.next)
		if (tap->ended)
			return tap->hold.interface.ifindex;
	return 0;
}

static void live_rename(struct backend *backend, const struct interface *interface)
{
	struct tap *tap;

	HASH_FIND_INT(self(backend)->taps, &interface->ifindex, tap);
	if (tap)
		tap->hold.interface = *interface;
}

static int live_set_peers(struct backend *backend, const struct peers *peers)
{
	struct backend_pcap *b = self(backend);
	char reason[BACKEND_REASON];
	int err = 0, one;
	struct tap *tap;

	b->directions.peers = peers;
	flow_table_set_peers(b->table, peers);
	pcap_filters_forget(&b->filters);
	for (tap = b->taps; tap; tap = tap->hh.next) {
		one = tap->ended ? 0 : filter_set(tap, reason);
		if (one) {
			log_error("%s", reason);
			err = one;
		}
	}
	return err;
}

/* What has another set now, or has gone, needs another filter. */
static int live_set_interfaces(struct backend *backend, const struct peers *peers)
{
	char reason[BACKEND_REASON];
	int err = 0, one;
	struct tap *tap;

	flow_table_set_peers(self(backend)->table, peers);
	for (tap = self(backend)->taps; tap; tap = tap->hh.next) {
		if (tap->ended || tap->set == peers_set_of(peers, tap->hold.interface.ifindex))
			continue;
		one = filter_set(tap, reason);
		if (one) {
			log_error("%s", reason);
			err = one;
		}
	}
	return err;
}

static int live_fd(struct backend *backend)
{
	return self(backend)->epoll;
}

/* What ends it, whoever follows interfaces says: it went down, or is gone. */
static void tap_read(struct tap *tap)
{
	char reason[BACKEND_REASON];
	__u64 now = 0;
	int n = 1;

	expression_turn(tap, reason); /* cannot fail: it was compiled when this was opened */
	for (int i = 0; i < ROUNDS && n > 0; i++) {
		now = monotonic_ns();
		follow_clock(tap->backend);
		breaks_drops(&tap->breaks, tap_drops(tap), tap->backend->clock.wall_ns, now);
		n = pcap_dispatch(tap->pcap, PACKETS, on_packet, (void *)tap);
	}
	if (n == 0)
		breaks_empty(&tap->breaks, now);
	if (n >= 0)
		return;
	log_debug("no longer capturing on %s: %s", tap->hold.interface.name,
		  pcap_geterr(tap->pcap));
	epoll_ctl(tap->backend->epoll, EPOLL_CTL_DEL, pcap_get_selectable_fd(tap->pcap), NULL);
	tap->ended = true;
}

static int live_read(struct backend *backend)
{
	struct tap *tap;

	for (tap = self(backend)->taps; tap; tap = tap->hh.next)
		if (!tap->ended)
			tap_read(tap);
	return 0;
}

static void live_refresh(struct backend *backend)
{
	struct backend_pcap *b = self(backend);
	int err = local_addresses_read(&b->directions.local);

	if (err && err != b->local_error)
		log_warning("cannot read this host's addresses: %s", strerror(-err));
	b->local_error = err;
}

static void live_drain(struct backend *backend)
{
	struct timespec wait = {.tv_nsec = 2 * PCAP_BLOCK_MS * 1000000l};

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

static struct census_figures live_figures(struct backend *backend, unsigned int ifindex)
{
	return census_figures(flow_table_census(self(backend)->table), ifindex);
}

static void live_counters(struct backend *backend, __u64 values[COUNTERS])
{
	struct backend_pcap *b = self(backend);
	struct tap *tap;

	memcpy(values, flow_table_counters(b->table), COUNTERS * sizeof(*values));
	values[COUNTER_DIRECTION] += b->directions.unknown;
	values[COUNTER_CAPTURE_DROPS] += b->drops;
	for (tap = b->taps; tap; tap = tap->hh.next)
		values[COUNTER_CAPTURE_DROPS] += tap_drops(tap);
}

static void live_close(struct backend *backend)
{
	struct backend_pcap *b = self(backend);

	while (b->taps)
		live_shut(live_release(backend, b->taps->hold.interface.ifindex));
	pcap_filters_forget(&b->filters);
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
