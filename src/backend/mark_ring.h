/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Rings of marks that grow, which is possible in user space. */
#ifndef METRO_MARK_RING_H
#define METRO_MARK_RING_H

#include "marks.h"

static inline bool mark_ring_is_full(const struct flow *f, __u32 mask)
{
	return f->count > mask;
}

/* Copies a flow into one with room for more marks; the old marks may start anywhere in their ring.
 */
void mark_ring_move(struct flow *to, struct flow *from, __u32 mask);

/* Makes room in a full ring by dropping every second mark; returns how many went. With thousands of
 * marks, this costs next to nothing per segment; marks_thin would look at all of them each time. */
__u32 mark_ring_halve(struct flow *f, __u32 mask);

#endif
