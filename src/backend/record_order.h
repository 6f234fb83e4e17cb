/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Puts records in order of their times. A CPU looks at the clock, then may have to wait for the
 * flow, and writes its record once it has let go of it: so of two that come of one flow on two CPUs
 * at once, the younger one may be the first in the ring buffer.
 */
#ifndef METRO_RECORD_ORDER_H
#define METRO_RECORD_ORDER_H

#include "record.h"

#include <stdbool.h>

/* At most this many wait here, 0.9 MB; a power of two. */
#define RECORD_ORDER_MOST 8192

struct record_order {
	struct flow_record *at;  /* a ring .. */
	unsigned int size;       /* .. of this many, a power of two that grows as needed */
	unsigned int first, end; /* numbers of the oldest, and of the next to come */
};

/* Returns 0 or -ENOMEM. */
int record_order_open(struct record_order *order);
void record_order_close(struct record_order *order);

/* May one more wait? Not without memory, either. */
bool record_order_has_room(struct record_order *order);

/* Copies a record. There must be room. */
void record_order_put(struct record_order *order, const struct flow_record *record);

/* The oldest, if it is not younger than until_ns, or NULL; it stays valid until something else is
 * called. */
const struct flow_record *record_order_take(struct record_order *order, __u64 until_ns);

bool record_order_is_empty(const struct record_order *order);

#endif
