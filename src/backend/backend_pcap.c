/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The libpcap backend: the engine over a copy of the peers' packets, in user space. */
#include "backend.h"
#include "breaks.h"
#include "descriptor.h"
#include "directions.h"
#include "expression.h"
#include "frame.h"
#include "pcap_filter.h"
#include "sweep.h"
#include "units.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <utlist.h>

#define BUFFER_BYTES (8 * 1024 * 1024) /* of each interface, in the kernel */
#define BLOCK_MS     50                /* packets wait at most this long for a block to fill */
#define PACKETS      1024              /* read before drops and clock are looked at again */
#define ROUNDS       64                /* times PACKETS before the next interface's turn */

/* An interface whose packets we get a copy of. */
struct tap {
	struct backend_pcap *backend;
	struct interface interface;
	pcap_t *pcap; /* NULL while the interface is down */
	enum link_layer link;
	bool filtered; /* the handle has a filter */
	__u64 drops;   /* of handles that are closed by now */
	struct breaks breaks;
	struct tap *next;
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

	LL_SEARCH_SCALAR(b->taps, tap, interface.ifindex, record->key.ifindex);
	if (!tap)
		return;
	delivery = (struct delivery){
		.record = record,
		.iface = tap->interface.name,
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
	LL_FOREACH (b->taps, tap)
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
	segment.ifindex = tap->interface.ifindex;
	segment.place = 0; /* an interface is one place */
	segment.directions =
		directions_of(&b->directions, &tap->interface, tap->link, bytes, &segment.packet);
	flow_table_expect(b->table, &segment);
	flow_table_run(b->table, &segment);
}

/* Lets only the peers' packets through; none at all while there are no peers. */
static int filter_set(struct tap *tap, char reason[BACKEND_REASON])
{
	struct bpf_insn nothing = {BPF_RET | BPF_K, 0, 0, 0};
	struct bpf_program none = {.bf_len = 1, .bf_insns = &nothing}, program;
	int some, err = 0;

	some = pcap_filter_compile(tap->pcap, tap->backend->directions.peers,
				   tap->interface.ifindex, tap->link == LINK_ETHERNET, &program);
	if (some < 0)
		err = some;
	else
		err = pcap_filter_install(tap->pcap, some ? &program : &none, tap->filtered);
	tap->filtered |= !err;
	if (err)
		snprintf(reason, BACKEND_REASON, "cannot filter packets on %s: %.180s",
			 tap->interface.name,
			 err == -ENOMEM ? strerror(-err) : pcap_geterr(tap->pcap));
	if (some == 1)
		pcap_freecode(&program);
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
			 tap->interface.name, detail);
	return err;
}

/* Packets that the interface's handles lost, past ones and the present one. */
static __u64 tap_drops(const struct tap *tap)
{
	struct pcap_stat stat = {};

	if (tap->pcap)
		pcap_stats(tap->pcap, &stat);
	return tap->drops + stat.ps_drop;
}

static void handle_close(struct tap *tap)
{
	if (!tap->pcap)
		return;
	tap->drops = tap_drops(tap);
	epoll_ctl(tap->backend->epoll, EPOLL_CTL_DEL, pcap_get_selectable_fd(tap->pcap), NULL);
	pcap_close(tap->pcap);
	tap->pcap = NULL;
	tap->filtered = false;
}

static int handle_fail(struct tap *tap, char reason[BACKEND_REASON], int status)
{
	const char *hint = "", *detail = pcap_geterr(tap->pcap);

	if (status == PCAP_ERROR_PERM_DENIED)
		hint = " (needs CAP_NET_RAW, or root)";
	if (!*detail)
		detail = pcap_statustostr(status);
	snprintf(reason, BACKEND_REASON, "cannot capture on %s: %.160s%s", tap->interface.name,
		 detail, hint);
	pcap_close(tap->pcap);
	tap->pcap = NULL;
	if (status == PCAP_ERROR_IFACE_NOT_UP)
		return -ENETDOWN;
	if (status == PCAP_ERROR_NO_SUCH_DEVICE)
		return -ENODEV; /* it has just gone */
	return status == PCAP_ERROR_PERM_DENIED ? -EPERM : -EIO;
}

static int handle_activate(struct tap *tap, char reason[BACKEND_REASON])
{
	const struct backend_settings *s = &tap->backend->settings;
	char error[PCAP_ERRBUF_SIZE];
	int status;

	tap->pcap = pcap_create(tap->interface.name, error);
	if (!tap->pcap) {
		snprintf(reason, BACKEND_REASON, "cannot capture on %s: %.180s",
			 tap->interface.name, error);
		return -EIO;
	}
	pcap_set_snaplen(tap->pcap, (int)s->snaplen);
	pcap_set_promisc(tap->pcap, 0);
	pcap_set_timeout(tap->pcap, BLOCK_MS);
	pcap_set_buffer_size(tap->pcap, BUFFER_BYTES);
	pcap_set_immediate_mode(tap->pcap, s->batch_limit == 1);          /* someone is watching */
	pcap_set_tstamp_precision(tap->pcap, PCAP_TSTAMP_PRECISION_NANO); /* or else micro */
	status = pcap_activate(tap->pcap);
	if (status < 0)
		return handle_fail(tap, reason, status);
	if (frame_link_layer(pcap_datalink(tap->pcap), &tap->link)) {
		snprintf(reason, BACKEND_REASON, "%s: link type %d is not supported",
			 tap->interface.name, pcap_datalink(tap->pcap));
		return -ENOTSUP;
	}
	if (pcap_setnonblock(tap->pcap, 1, error))
		return handle_fail(tap, reason, PCAP_ERROR);
	return 0;
}

static int handle_open(struct tap *tap, char reason[BACKEND_REASON])
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = tap};
	int err;

	err = handle_activate(tap, reason);
	if (!err)
		err = expression_turn(tap, reason);
	if (!err)
		err = filter_set(tap, reason);
	if (!err && epoll_ctl(tap->backend->epoll, EPOLL_CTL_ADD, pcap_get_selectable_fd(tap->pcap),
			      &event)) {
		err = -errno;
		snprintf(reason, BACKEND_REASON, "cannot wait for packets on %s: %s",
			 tap->interface.name, strerror(errno));
	}
	follow_clock(tap->backend);
	breaks_open(&tap->breaks, &tap->backend->epochs);
	if (err)
		handle_close(tap);
	return err;
}

static int live_attach(struct backend *backend, const struct interface *interface,
		       unsigned int ways, char reason[BACKEND_REASON])
{
	struct backend_pcap *b = self(backend);
	struct tap *tap;
	int err;

	if (ways != WAY_OUT) {
		snprintf(reason, BACKEND_REASON, "%s: libpcap measures data that leaves alone",
			 interface->name);
		return -ENOTSUP;
	}
	tap = calloc(1, sizeof(*tap));
	if (!tap)
		return -ENOMEM;
	tap->backend = b;
	tap->interface = *interface;
	err = handle_open(tap, reason);
	if (err && err != -ENETDOWN) {
		free(tap);
		return err;
	}
	LL_PREPEND(b->taps, tap);
	census_open(flow_table_census(b->table), interface->ifindex);
	if (err)
		log_warning("%s; waiting for it to come up", reason);
	else
		log_info("measuring on %s with libpcap", interface->name);
	return 0;
}

static void live_detach(struct backend *backend, unsigned int ifindex)
{
	struct backend_pcap *b = self(backend);
	struct tap *tap;

	LL_SEARCH_SCALAR(b->taps, tap, interface.ifindex, ifindex);
	if (!tap)
		return;
	LL_DELETE(b->taps, tap);
	handle_close(tap);
	census_close(flow_table_census(b->table), ifindex);
	b->drops += tap->drops;
	free(tap);
}

static int live_set_peers(struct backend *backend, const struct peers *peers)
{
	struct backend_pcap *b = self(backend);
	char reason[BACKEND_REASON];
	int err = 0, one;
	struct tap *tap;

	b->directions.peers = peers;
	flow_table_set_peers(b->table, peers);
	LL_FOREACH (b->taps, tap) {
		one = tap->pcap ? filter_set(tap, reason) : 0;
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
	log_warning("no longer capturing on %s: %s; waiting for it to come up again",
		    tap->interface.name, pcap_geterr(tap->pcap));
	handle_close(tap);
}

static int live_read(struct backend *backend)
{
	struct tap *tap;

	LL_FOREACH (self(backend)->taps, tap)
		if (tap->pcap)
			tap_read(tap);
	return 0;
}

/* Tries again where capturing ended because the interface went down. */
static void live_refresh(struct backend *backend)
{
	struct backend_pcap *b = self(backend);
	char reason[BACKEND_REASON];
	struct interface now;
	struct tap *tap;
	int err = local_addresses_read(&b->directions.local);

	if (err && err != b->local_error)
		log_warning("cannot read this host's addresses: %s", strerror(-err));
	b->local_error = err;
	LL_FOREACH (b->taps, tap) {
		if (tap->pcap || interface_find(tap->interface.name, &now) ||
		    now.ifindex != tap->interface.ifindex)
			continue; /* it runs, or is another interface now, which others attach to */
		tap->interface = now;
		if (handle_open(tap, reason))
			log_debug("%s", reason);
		else
			log_info("measuring on %s again", tap->interface.name);
	}
}

static void live_drain(struct backend *backend)
{
	struct timespec wait = {.tv_nsec = 2 * BLOCK_MS * 1000000l};

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
	struct tap *tap;

	memcpy(values, flow_table_counters(b->table), COUNTERS * sizeof(*values));
	values[COUNTER_DIRECTION] += b->directions.unknown;
	values[COUNTER_CAPTURE_DROPS] += b->drops;
	LL_FOREACH (b->taps, tap)
		values[COUNTER_CAPTURE_DROPS] += tap_drops(tap);
}

static void live_close(struct backend *backend)
{
	struct backend_pcap *b = self(backend);

	while (b->taps)
		live_detach(backend, b->taps->interface.ifindex);
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
