/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whose a segment is: the keys of the two flows that it may belong to. */
#ifndef METRO_PACKET_KEY_H
#define METRO_PACKET_KEY_H

#include "packet.h"
#include "record.h"

/* The flow whose data a segment is, and the one whose data it acknowledges. */
static __always_inline struct flow_key packet_key_sent(const struct packet *p, __u32 ifindex)
{
	return (struct flow_key){p->src, p->dst, p->sport, p->dport, ifindex};
}

static __always_inline struct flow_key packet_key_received(const struct packet *p, __u32 ifindex)
{
	return (struct flow_key){p->dst, p->src, p->dport, p->sport, ifindex};
}

#endif
