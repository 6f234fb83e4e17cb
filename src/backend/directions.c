/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sent or received, by whichever is known first: our own addresses, the link's, or the peer's. */
#include "directions.h"

#include <string.h>

#include "packet_key.h"

static unsigned int by_address(const struct directions *d, const struct packet *p)
{
	return (local_addresses_have(&d->local, &p->src) ? DIRECTION_SENT : 0) |
	       (local_addresses_have(&d->local, &p->dst) ? DIRECTION_RECEIVED : 0);
}

/* For packets between other hosts: forwarded, bridged, or a container's. Without promiscuous mode,
 * a frame with our own source address leaves, one with our destination arrives. */
static unsigned int by_link(const struct interface *interface, enum link_layer link,
			    const __u8 *frame)
{
	if (link != LINK_ETHERNET)
		return 0;
	return (!memcmp(frame + 6, interface->mac, 6) ? DIRECTION_SENT : 0) |
	       (!memcmp(frame, interface->mac, 6) ? DIRECTION_RECEIVED : 0);
}

static unsigned int by_peer(struct directions *d, unsigned int ifindex, const struct packet *p)
{
	const struct flow_key sent = packet_key_sent(p, ifindex),
			      received = packet_key_received(p, ifindex);
	unsigned int way = (peers_match(d->peers, &sent) ? DIRECTION_SENT : 0) |
			   (peers_match(d->peers, &received) ? DIRECTION_RECEIVED : 0);

	if (way != (DIRECTION_SENT | DIRECTION_RECEIVED))
		return way;
	d->unknown++;
	return 0;
}

unsigned int directions_of(struct directions *d, const struct interface *interface,
			   enum link_layer link, const __u8 *frame, const struct packet *p)
{
	unsigned int way = by_address(d, p);

	if (!way)
		way = by_link(interface, link, frame);
	if (!way)
		way = by_peer(d, interface->ifindex, p);
	return way;
}
