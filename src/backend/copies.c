/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Distinguishes segments that a capture has twice from segments that were sent twice. */
#include "copies.h"

bool copies_have(struct copies *copies, const struct packet *packet, __u64 hash, __u64 now_ns,
		 __u32 place)
{
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
