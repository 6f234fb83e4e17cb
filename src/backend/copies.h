/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Segments that a capture has twice, because it was made in two places: a mirror port for both
 * directions, `tcpdump -i any` on a bridge, a pcapng file of two interfaces. Such a copy is no
 * retransmission. A sender that sends again takes a new IPv4 ID. Where there is none (IPv6, or an
 * ID of 0), the copy has to come from another interface, or leave where the first one came.
 */
#ifndef METRO_COPIES_H
#define METRO_COPIES_H

#include "key_hash.h"
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

/* Of everything that two copies have in common and two retransmissions mostly do not. Not the
 * checksum: it changes when the network card fills it in. */
static __always_inline __u64 copies_hash(const struct packet *p, __u32 ifindex)
{
	__u64 ends[4], sum;

	memcpy(ends, &p->src, sizeof(p->src));
	memcpy(ends + 2, &p->dst, sizeof(p->dst));
	/* Products of two words each, which need not wait for each other; the last one spreads what
	 * numbers in a row differ by. The constants are digits of pi. */
	sum = key_hash_fold(ends[0] ^ 0x243f6a8885a308d3, ends[1] ^ 0x13198a2e03707344);
	sum ^= key_hash_fold(ends[2] ^ 0xa4093822299f31d0, ends[3] ^ 0x082efa98ec4e6c89);
	sum ^= key_hash_fold(((__u64)p->ack << 32 | p->seq) ^ 0x452821e638d01377,
			     ((__u64)p->payload << 32 | (__u32)p->sport << 16 | p->dport) ^
				     0xbe5466cf34e90c6c);
	sum ^= key_hash_fold(((__u64)ifindex << 32 | p->flags) ^ 0xc0ac29b7c97c50dd,
			     ((__u64)p->id << 32 | p->window) ^ 0x3f84d5b5b5470917);
	return key_hash_fold(sum, 0x9216d5d98979fb1b);
}

/* Prefetches what copies_have looks at. */
static __always_inline void copies_expect(const struct copies *copies, __u64 hash)
{
	__builtin_prefetch(&copies->seen[hash & (COPIES - 1)], 1);
}

/* Has this segment, whose hash this is, been seen before? Remembers it if not. place: a hash of
 * where it was captured (frame_place). */
bool copies_have(struct copies *copies, const struct packet *packet, __u64 hash, __u64 now_ns,
		 __u32 place);

#endif
