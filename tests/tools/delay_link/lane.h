/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One direction of the cable. */
#ifndef DELAY_LINK_LANE_H
#define DELAY_LINK_LANE_H

#include "options.h"
#include "port.h"
#include "queue.h"

struct counts {
	uint64_t forwarded, dropped, lost, duplicated, reordered;
};

struct lane {
	struct port *in, *out;
	struct queue ordered;
	struct queue late; /* those which others overtake */
	uint64_t random;
	struct counts counts;
};

/* Returns as port_receive does. */
int lane_receive(struct lane *lane, const struct options *options);

/* Sends all frames whose time has come. */
void lane_release_due(struct lane *lane);

#endif
