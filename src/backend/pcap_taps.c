/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Opens, filters and shares the handles that interfaces' packets come from. */
#include "pcap_taps.h"

#include "pcap_filter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

/* Lets only the peers' packets through; none at all while there are no peers. */
static int own_filter(struct tap *tap, char reason[BACKEND_REASON])
{
	struct bpf_insn nothing = {BPF_RET | BPF_K, 0, 0, 0};
	struct bpf_program none = {.bf_len = 1, .bf_insns = &nothing}, program;
	struct pcap_socket *own = &tap->own;
	int some, err = 0;

	some = pcap_filter_compile(own->pcap, tap->backend->directions.peers, tap->index,
				   own->link == LINK_ETHERNET, &program);
	if (some < 0)
		err = some;
	else
		err = pcap_filter_install(own->pcap, some ? &program : &none, own->filtered);
	own->filtered |= !err;
	if (err)
		snprintf(reason, BACKEND_REASON, "cannot filter packets on %s: %.180s",
			 tap->interface.name,
			 err == -ENOMEM ? strerror(-err) : pcap_geterr(own->pcap));
	if (some == 1)
		pcap_freecode(&program);
	return err;
}

/* .. of the interfaces that share the handle. */
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

static void handle_close(struct backend_pcap *b, struct pcap_socket *socket)
{
	if (socket->pcap)
		epoll_ctl(b->epoll, EPOLL_CTL_DEL, pcap_get_selectable_fd(socket->pcap), NULL);
	pcap_socket_close(socket);
}

/* Opens it, all but the filter; name is what messages call it. */
static int handle_open(struct backend_pcap *b, struct pcap_socket *socket, const char *device,
		       const char *name, char reason[BACKEND_REASON])
{
	struct epoll_event event = {.events = EPOLLIN};
	int err = pcap_socket_open(socket, device, &b->settings, reason);

	if (!err)
		err = pcap_packets_turn(b, socket, name, reason);
	if (!err &&
	    epoll_ctl(b->epoll, EPOLL_CTL_ADD, pcap_get_selectable_fd(socket->pcap), &event)) {
		err = -errno;
		snprintf(reason, BACKEND_REASON, "waiting for %s: %s", name, strerror(errno));
	}
	pcap_packets_follow_clock(b);
	breaks_open(&socket->breaks, &b->epochs);
	if (err)
		handle_close(b, socket);
	return err;
}

static int own_open(struct tap *tap, char reason[BACKEND_REASON])
{
	struct backend_pcap *b = tap->backend;
	const char *name = tap->interface.name;
	int err = handle_open(b, &tap->own, name, name, reason);

	if (!err)
		err = own_filter(tap, reason);
	if (err)
		handle_close(b, &tap->own);
	return err;
}

static int shared_compile(struct backend_pcap *b)
{
	pcap_shared_peers_free(&b->shared_peers);
	return pcap_shared_peers_compile(&b->shared_peers, b->directions.peers,
					 b->settings.snaplen);
}

/* The tap, which is in the hash, gets its packets from the shared handle, which is opened if it is
 * the first. */
static int shared_join(struct tap *tap, char reason[BACKEND_REASON])
{
	struct backend_pcap *b = tap->backend;
	int err = 0;

	tap->shares = true;
	if (!b->shared.pcap) {
		err = handle_open(b, &b->shared, PCAP_SOCKET_ANY, tap->interface.name, reason);
		if (!err && shared_compile(b)) {
			snprintf(reason, BACKEND_REASON, "out of memory");
			err = -ENOMEM;
		}
	}
	if (!err)
		err = shared_filter(b, reason);
	tap->epoch = ++b->epochs; /* what passed meanwhile was not seen */
	return err;
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
		handle_close(b, &b->shared);
	else if (shared_filter(b, reason))
		log_warning("%s", reason); /* what comes of it is left out anyway */
}

/* ---- which handle ---- */

static unsigned int own_count(const struct backend_pcap *b)
{
	const struct tap *tap;
	unsigned int count = 0;

	for (tap = b->taps; tap; tap = tap->hh.next)
		count += !tap->shares;
	return count;
}

/* Is it a port of a bridge, or of another switch? Whose frames pass there, has neither our
 * addresses nor our link layer's. */
static bool is_port(const struct tap *tap)
{
	char kind[INTERFACE_KIND];

	interface_port_kind(tap->index, kind);
	return !strcmp(kind, "bridge") || !strcmp(kind, "openvswitch");
}

/* A handle of its own sees less that is not asked for, but tells no ways, and has its own ring. */
static bool wants_shared(const struct tap *tap)
{
	return tap->ways != WAY_OUT || is_port(tap);
}

/* What leaves is mostly found without being told the way, so that an old libpcap will do. */
int tap_open(struct tap *tap, char reason[BACKEND_REASON])
{
	bool wants = wants_shared(tap) || own_count(tap->backend) > TAPS_OWN_MAX;
	int err = wants ? shared_join(tap, reason) : own_open(tap, reason);

	if (err == -ENOTSUP && wants && tap->ways == WAY_OUT) {
		shared_leave(tap);
		log_warning("%s: %s", tap->interface.name, reason);
		err = own_open(tap, reason);
	}
	return err;
}

void tap_close(struct tap *tap)
{
	shared_leave(tap);
	handle_close(tap->backend, &tap->own);
}

int tap_set_peers(struct tap *tap, char reason[BACKEND_REASON])
{
	return tap->own.pcap ? own_filter(tap, reason) : 0;
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

void tap_fail(struct tap *tap)
{
	log_warning("capturing on %s: %s; will go on when it is up again", tap->interface.name,
		    pcap_geterr(tap->own.pcap));
	handle_close(tap->backend, &tap->own);
}

/* A container's interface becomes a bridge's port when it is there already. */
void tap_follow_port(struct tap *tap)
{
	char reason[BACKEND_REASON];

	if (tap->shares || !tap->own.pcap || !is_port(tap))
		return;
	pcap_packets_own(tap);
	if (shared_join(tap, reason)) {
		shared_leave(tap);
		log_debug("%s", reason);
		return;
	}
	handle_close(tap->backend, &tap->own);
	log_debug("%s has become a port", tap->interface.name);
}

/* Tries again where capturing ended because the interface went down. */
void tap_follow_up(struct tap *tap)
{
	char reason[BACKEND_REASON];
	struct interface now;

	if (tap->shares || tap->own.pcap || interface_find(tap->interface.name, &now) ||
	    now.ifindex != tap->index)
		return; /* it runs, or is another now: detached and attached elsewhere */
	tap->interface = now;
	if (own_open(tap, reason))
		log_debug("%s", reason);
	else
		log_info("measuring on %s again", tap->interface.name);
}
