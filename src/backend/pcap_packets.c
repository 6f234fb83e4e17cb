/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Packets from a handle to the flows of their interface, with their time, epoch and way. */
#include "pcap_taps.h"

#include "frame.h"

#include <net/if_arp.h>
#include <stdio.h>

#define PACKETS 1024 /* read before drops and clock are looked at again */
#define ROUNDS  64   /* times PACKETS before the next handle's turn */

struct tap *tap_find(struct backend_pcap *b, __u32 ifindex)
{
	struct tap *tap;

	HASH_FIND_INT(b->taps, &ifindex, tap);
	return tap;
}

/* Captured times are CLOCK_REALTIME; AF_PACKET has no other clock but the network card's. */
void pcap_packets_follow_clock(struct backend_pcap *b)
{
	struct tap *tap, *next;

	if (!clock_watch_follow(&b->clock))
		return;
	breaks_notice(&b->shared.breaks, monotonic_ns());
	HASH_ITER (hh, b->taps, tap, next)
		breaks_notice(&tap->own.breaks, monotonic_ns());
}

/* Turns the expression to packets of this handle. */
int pcap_packets_turn(struct backend_pcap *b, const struct pcap_socket *socket, const char *name,
		      char reason[BACKEND_REASON])
{
	char detail[BACKEND_REASON - 64];
	int err = 0;

	if (b->expression)
		err = expression_follow(b->expression, pcap_datalink(socket->pcap), detail,
					sizeof(detail));
	if (err)
		snprintf(reason, BACKEND_REASON, "cannot use --filter on %s: %.180s", name, detail);
	return err;
}

/* What leaves is sent, to those who measure data that leaves, and received, to those who measure
 * what arrives; and the other way round. */
static void measure(struct backend_pcap *b, struct tap *tap, struct flow_segment *segment,
		    unsigned int directions)
{
	unsigned int swapped = (directions & DIRECTION_SENT ? DIRECTION_RECEIVED : 0) |
			       (directions & DIRECTION_RECEIVED ? DIRECTION_SENT : 0);

	segment->place = 0; /* an interface is one place */
	for (enum way way = WAY_OUT; way <= WAY_IN; way++) {
		if (!(tap->hold.ways & way))
			continue;
		segment->ifindex = interface_number(tap->index, way);
		segment->directions = way == WAY_IN ? swapped : directions;
		flow_table_expect(b->table, segment);
		flow_table_run(b->table, segment);
	}
}

static void take_time(struct backend_pcap *b, struct pcap_socket *socket,
		      const struct pcap_pkthdr *header, struct flow_segment *segment)
{
	segment->now_ns = pcap_socket_time(socket, header);
	if (clock_watch_suspects(&b->clock, &socket->breaks, segment->now_ns))
		pcap_packets_follow_clock(b);
	socket->breaks.last_ns = segment->now_ns;
	segment->epoch = breaks_epoch(&socket->breaks, segment->now_ns);
}

static bool is_left_out(struct backend_pcap *b, const struct pcap_pkthdr *header, const __u8 *bytes)
{
	return b->expression &&
	       !expression_matches(b->expression, bytes, header->caplen, header->len);
}

static void on_own_packet(u_char *arg, const struct pcap_pkthdr *header, const u_char *bytes)
{
	struct tap *tap = (void *)arg;
	struct backend_pcap *b = tap->backend;
	struct flow_segment segment;
	enum packet_kind kind;
	struct inside inside;

	if (is_left_out(b, header, bytes))
		return;
	kind = frame_parse(tap->own.link, bytes, header->caplen, header->len, &segment.packet,
			   &inside);
	if (kind != PACKET_TCP) {
		flow_table_unread(b->table, kind);
		return;
	}
	take_time(b, &tap->own, header, &segment);
	measure(b, tap, &segment,
		directions_of(&b->directions, &tap->hold.interface, tap->own.link, bytes,
			      &segment.packet));
}

/* On the loopback interface libpcap hands over what arrives alone, since all that leaves does. */
static unsigned int shared_directions(const struct tap *tap, const struct shared_packet *packet)
{
	if (tap->hold.interface.type == ARPHRD_LOOPBACK)
		return DIRECTION_SENT | DIRECTION_RECEIVED;
	return packet->leaves ? DIRECTION_SENT : DIRECTION_RECEIVED;
}

static void on_shared_packet(u_char *arg, const struct pcap_pkthdr *header, const u_char *bytes)
{
	struct backend_pcap *b = (void *)arg;
	struct shared_packet packet;
	struct flow_segment segment;
	enum packet_kind kind;
	struct inside inside;
	struct tap *tap;

	if (!pcap_shared_packet(bytes, header, &packet))
		return;
	tap = tap_find(b, packet.ifindex);
	if (!tap || !tap->shares || is_left_out(b, header, bytes))
		return;
	if (packet.ip)
		kind = frame_parse(LINK_IP, packet.ip, packet.captured, packet.wire_length,
				   &segment.packet, &inside);
	else
		kind = frame_parse(b->shared.link, bytes, header->caplen, header->len,
				   &segment.packet, &inside);
	if (kind != PACKET_TCP) {
		flow_table_unread(b->table, kind);
		return;
	}
	take_time(b, &b->shared, header, &segment);
	if (segment.epoch < tap->epoch)
		segment.epoch = tap->epoch;
	measure(b, tap, &segment, shared_directions(tap, &packet));
}

/* Returns what pcap_dispatch did in the end: 0, more than that, or an error. */
static int handle_read(struct backend_pcap *b, struct pcap_socket *socket, pcap_handler handler,
		       void *arg)
{
	char reason[BACKEND_REASON];
	__u64 now = 0;
	int n = 1;

	pcap_packets_turn(b, socket, "",
			  reason); /* as before it was opened: it has been compiled */
	for (int i = 0; i < ROUNDS && n > 0; i++) {
		now = monotonic_ns();
		pcap_packets_follow_clock(b);
		breaks_drops(&socket->breaks, pcap_socket_drops(socket), b->clock.wall_ns, now);
		n = pcap_dispatch(socket->pcap, PACKETS, handler, arg);
	}
	if (n == 0)
		breaks_empty(&socket->breaks, now);
	return n;
}

int pcap_packets_own(struct tap *tap)
{
	return handle_read(tap->backend, &tap->own, on_own_packet, tap);
}

int pcap_packets_shared(struct backend_pcap *b)
{
	return handle_read(b, &b->shared, on_shared_packet, b);
}
