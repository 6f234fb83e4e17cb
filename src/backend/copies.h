/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Segments that a capture has twice, because it was made in two places: a mirror port for both
 * directions, `tcpdump -i any` on a bridge, a pcapng file of two interfaces. Such a copy is no
 * retransmission. A sender that sends again takes a new IPv4 ID. Where there is none (IPv6, or an
 * ID of 0), the copy has to come from another interface, or leave where the first one came.
 */
#ifndef METRO_COPIES_H
#define METRO_COPIES_H

#include "packet.h"

#define COPIES 2048 /* power of two; the newest of each hash is remembered. Copies come soon. */

/* How much later a copy may come: no path inside a host or a switch takes longer. */
#define COPY_AGE_NS 100000000ull

struct copy {
	__u64 time_ns; /* when it was seen last; 0: never */
	__u32 hash;
	__u32 place;
};

struct copies {
	struct copy seen[COPIES];
};

/* Has this segment of an interface, or file, been seen before? Remembers it if not. place: a hash
 * of where it was captured (frame_place). */
bool copies_have(struct copies *copies, const struct packet *packet, __u64 now_ns, __u32 ifindex,
		 __u32 place);

#endif
