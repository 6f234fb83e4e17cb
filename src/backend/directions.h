/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Tells which way a live captured packet goes. */
#ifndef METRO_DIRECTIONS_H
#define METRO_DIRECTIONS_H

#include "flow_table.h"
#include "interface.h"
#include "local_addresses.h"

struct directions {
	struct local_addresses local; /* of this host */
	const struct peers *peers;    /* borrowed */
	__u64 unknown; /* packets between two peers, whose direction could not be told */
};

/* A set of enum direction, empty if it cannot be told. frame: the captured bytes from the link
 * layer's header on, which is complete. */
unsigned int directions_of(struct directions *directions, const struct interface *interface,
			   enum link_layer link, const __u8 *frame, const struct packet *packet);

#endif
