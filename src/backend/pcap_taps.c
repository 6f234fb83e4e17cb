/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Opens, filters and shares the handles that interfaces' packets come from. */
#include "pcap_taps.h"

#include "pcap_filter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

/* ---- a handle of its own ---- */

/* Lets only the peers' packets through; nothing where there are none. */
static int own_filter(struct tap *tap, char reason[BACKEND_REASON])
{
	struct backend_pcap *b = tap->backend;
	struct pcap_socket *own = &tap->own;
	int err;

	tap->set = peers_set_of(b->directions.peers, tap->index);
	err = pcap_filters_use(&b->filters, own->pcap, b->directions.peers, tap->set,
			       own->link == LINK_ETHERNET, &own->by_libpcap);
	if (err)
		snprintf(reason, BACKEND_REASON, "cannot filter packets on %s: %.180s",
			 tap->hold.interface.name,
			 err == -ENOMEM ? strerror(-err) : pcap_geterr(own->pcap));
	return err;
}

/* Its packets are read from now on; name is what messages call it. */
static int handle_join(struct backend_pcap *b, struct pcap_socket *socket, const char *name,
		       char reason[BACKEND_REASON])
{
	struct epoll_event event = {.events = EPOLLIN};
	int err = pcap_packets_turn(b, socket, name, reason);

	if (!err &&
	    epoll_ctl(b->epoll, EPOLL_CTL_ADD, pcap_get_selectable_fd(socket->pcap), &event)) {
		err = -errno;
		snprintf(reason, BACKEND_REASON, "cannot wait for packets on %s: %s", name,
			 strerror(errno));
	}
	pcap_packets_follow_clock(b);
	breaks_open(&socket->breaks, &b->epochs);
	return err;
}

static void handle_leave(struct backend_pcap *b, struct pcap_socket *socket)
{
	if (socket->pcap)
		epoll_ctl(b->epoll, EPOLL_CTL_DEL, pcap_get_selectable_fd(socket->pcap), NULL);
}

static int own_join(struct tap *tap, char reason[BACKEND_REASON])
{
	int err = handle_join(tap->backend, &tap->own, tap->hold.interface.name, reason);

	return err ? err : own_filter(tap, reason);
}

/* ---- the shared one ---- */

/* Lets only packets of the peers of all interfaces that share it through. */
static int shared_filter(struct backend_pcap *b, char reason[BACKEND_REASON])
{
	__u32 *indices = calloc(HASH_COUNT(b->taps) + 1, sizeof(*indices));
	struct tap *tap, *next;
	size_t count = 0;
	int err = -ENOMEM;

	if (indices) {
		HASH_ITER (hh, b->taps, tap, next)
			if (tap->shares)
				indices[count++] = tap->index;
		err = pcap_shared_filter(b->shared.pcap, indices, count, &b->shared_peers);
	}
	if (err)
		snprintf(reason, BACKEND_REASON, "cannot filter packets: %s", strerror(-err));
	free(indices);
	return err;
}

static int shared_compile(struct backend_pcap *b)
{
	pcap_shared_peers_free(&b->shared_peers);
	return pcap_shared_peers_compile(&b->shared_peers, b->directions.peers,
					 b->settings.snaplen);
}

static int shared_open(struct backend_pcap *b, const char *name, char reason[BACKEND_REASON])
{
	int err = pcap_socket_open(&b->shared, NULL, &b->settings, reason);

	if (!err)
		err = handle_join(b, &b->shared, name, reason);
	if (!err && shared_compile(b)) {
		snprintf(reason, BACKEND_REASON, "out of memory");
		err = -ENOMEM;
	}
	return err;
}

static void shared_close(struct backend_pcap *b)
{
	handle_leave(b, &b->shared);
	pcap_socket_close(&b->shared);
}

static void shared_leave(struct tap *tap)
{
	struct backend_pcap *b = tap->backend;
	char reason[BACKEND_REASON];
	struct tap *other, *next;
	bool last = true;

	if (!tap->shares)
		return;
	tap->shares = false;
	HASH_ITER (hh, b->taps, other, next)
		last &= !other->shares;
	if (last)
		shared_close(b);
	else if (shared_filter(b, reason))
		log_warning("%s", reason); /* what comes of it is left out anyway */
}

/* The handle is opened by the first. */
static int shared_join(struct tap *tap, char reason[BACKEND_REASON])
{
	struct backend_pcap *b = tap->backend;
	int err = 0;

	tap->shares = true;
	if (!b->shared.pcap)
		err = shared_open(b, tap->hold.interface.name, reason);
	if (!err)
		err = shared_filter(b, reason);
	if (err)
		shared_leave(tap);
	tap->epoch = ++b->epochs; /* what passed meanwhile was not seen */
	return err;
}

/* ---- which ---- */

/* Is it a port of a bridge, or of another switch? The frames that pass there have neither this
 * host's addresses nor the interface's. */
static bool is_port(unsigned int ifindex)
{
	char kind[INTERFACE_KIND];

	interface_port_kind(ifindex, kind);
	return !strcmp(kind, "bridge") || !strcmp(kind, "openvswitch");
}

static void own_uncount(struct tap *tap)
{
	if (tap->counted)
		__atomic_sub_fetch(&tap->backend->own, 1, __ATOMIC_RELAXED);
	tap->counted = false;
}

/* A handle of its own sees less that nobody asked for, but is told no ways, and has its own ring.
 */
static bool wants_own(struct tap *tap)
{
	if (tap->hold.ways != WAY_OUT || is_port(tap->index))
		return false;
	tap->counted = true;
	if (__atomic_add_fetch(&tap->backend->own, 1, __ATOMIC_RELAXED) <= TAPS_OWN_MAX)
		return true;
	own_uncount(tap);
	return false;
}

int tap_open(struct tap *tap, char reason[BACKEND_REASON])
{
	if (!wants_own(tap))
		return 0;
	return pcap_socket_open(&tap->own, &tap->hold.interface, &tap->backend->settings, reason);
}

void tap_close(struct tap *tap)
{
	own_uncount(tap);
	pcap_socket_close(&tap->own);
}

/* What leaves is mostly found without being told the way, so that an old libpcap will do. */
int tap_join(struct tap *tap, char reason[BACKEND_REASON])
{
	int err;

	if (tap->own.pcap)
		return own_join(tap, reason);
	err = shared_join(tap, reason);
	if (err != -ENOTSUP || tap->hold.ways != WAY_OUT)
		return err;
	log_warning("%s: %s", tap->hold.interface.name, reason);
	err = pcap_socket_open(&tap->own, &tap->hold.interface, &tap->backend->settings, reason);
	return err ? err : own_join(tap, reason);
}

void tap_leave(struct tap *tap)
{
	shared_leave(tap);
	handle_leave(tap->backend, &tap->own);
}

int tap_set_peers(struct tap *tap, char reason[BACKEND_REASON])
{
	return tap->own.pcap && !tap->ended ? own_filter(tap, reason) : 0;
}

int taps_set_shared_peers(struct backend_pcap *b, char reason[BACKEND_REASON])
{
	int err;

	if (!b->shared.pcap)
		return 0;
	err = shared_compile(b);
	if (!err)
		return shared_filter(b, reason);
	snprintf(reason, BACKEND_REASON, "cannot filter packets: %s", strerror(-err));
	return err;
}

/* A container's interface becomes a bridge's port when it is there already. */
void tap_follow_port(struct tap *tap)
{
	char reason[BACKEND_REASON];

	if (tap->shares || !tap->own.pcap || tap->ended || !is_port(tap->index))
		return;
	pcap_packets_own(tap);
	if (shared_join(tap, reason)) {
		log_debug("%s", reason);
		return;
	}
	handle_leave(tap->backend, &tap->own);
	tap->backend->drops += pcap_socket_drops(&tap->own);
	tap_close(tap);
	tap->own.drops = 0;
	log_debug("%s has become a port", tap->hold.interface.name);
}
