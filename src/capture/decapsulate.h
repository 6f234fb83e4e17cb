/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * TCP behind headers that packet.h, which the kernel shares, does not read: other link layers, and
 * tunnels. Only the innermost connection counts; what it was carried in is not part of it.
 */
#ifndef METRO_DECAPSULATE_H
#define METRO_DECAPSULATE_H

#include "packet.h"

struct inside {
	__u32 offset;       /* of the IP header in front of TCP */
	const char *passed; /* the outermost tunnel that TCP was found in; NULL: none */
	const char *unread; /* with PACKET_OTHER: a layer that we cannot read and that may carry
			       TCP; or NULL */
};

/* A link layer of libpcap's (DLT_, or LINKTYPE_ of a file) that only this module reads: *link
 * becomes LINK_OTHERS or more. Returns 0 or -ENOTSUP. */
int decapsulate_link(int type, enum link_layer *link);

/*
 * Goes through captured bytes, of any link layer, for TCP. Returns PACKET_TCP if the IP header at
 * inside->offset is followed by TCP as far as can be told without packet_parse; PACKET_FRAGMENT for
 * a fragment of IP that carries a tunnel: it is not put together; else as packet_parse.
 */
enum packet_kind decapsulate(enum link_layer link, const __u8 *bytes, __u32 captured,
			     struct inside *inside);

#endif
