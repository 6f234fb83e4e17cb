/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Moves a ring of marks to a flow with more room, and halves one that can have no more. */
#include "mark_ring.h"

void mark_ring_move(struct flow *to, struct flow *from, __u32 mask)
{
	*to = *from;
	for (__u32 i = 0; i < from->count; i++)
		to->marks[i] = *marks_at(from, i, mask);
	to->head = 0;
}

__u32 mark_ring_halve(struct flow *f, __u32 mask)
{
	__u32 kept = (f->count + 1u) / 2, dropped = f->count - kept;

	for (__u32 i = 0; i < kept; i++) {
		*marks_at(f, i, mask) = *marks_at(f, 2 * i, mask);
		if (2 * i + 1 < f->count)
			marks_at(f, i, mask)->when |= MARK_GAP;
	}
	f->count = (__u16)kept;
	return dropped;
}
