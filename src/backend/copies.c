/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Distinguishes segments that a capture has twice from segments that were sent twice. */
#include "copies.h"

static __u64 mix(__u64 hash, __u64 value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15ull;
	return hash ^ hash >> 32;
}

/* Everything that two copies have in common and two retransmissions mostly do not. Not the
 * checksum: it changes when the network card fills it in. */
static __u64 packet_hash(const struct packet *p, __u32 ifindex)
{
	const __u32 *src = p->src.words, *dst = p->dst.words;
	__u64 hash = mix((__u64)src[0] << 32 | src[1], (__u64)src[2] << 32 | src[3]);

	hash = mix(hash ^ ((__u64)dst[0] << 32 | dst[1]), (__u64)dst[2] << 32 | dst[3]);
	hash = mix(hash, (__u64)p->sport << 48 | (__u64)p->dport << 32 | p->seq);
	hash = mix(hash ^ ifindex, (__u64)p->ack << 32 | p->payload);
	return mix(hash, (__u64)p->id << 32 | p->window << 8 | p->flags);
}

bool copies_have(struct copies *copies, const struct packet *packet, __u64 now_ns, __u32 ifindex,
		 __u32 place)
{
	__u64 hash = packet_hash(packet, ifindex);
	struct copy *c = &copies->seen[hash & (COPIES - 1)];
	bool same = c->time_ns && c->hash == hash >> 32 && now_ns - c->time_ns < COPY_AGE_NS;

	if (same && (packet->id || c->place != place)) {
		if (packet->id)
			c->time_ns = now_ns;
		return true;
	}
	*c = (struct copy){now_ns, (__u32)(hash >> 32), place};
	return false;
}
