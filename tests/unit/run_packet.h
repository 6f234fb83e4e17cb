/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One packet through a flow table, as the libpcap backend runs it: of one place and epoch. */
#ifndef METRO_TEST_RUN_PACKET_H
#define METRO_TEST_RUN_PACKET_H

#include "flow_table.h"

/* directions: a set of enum direction. */
static inline void run_packet(struct flow_table *table, const struct packet *packet, __u64 now_ns,
			      __u32 ifindex, unsigned int directions)
{
	struct flow_segment s = {
		.packet = *packet,
		.now_ns = now_ns,
		.ifindex = ifindex,
		.directions = directions,
	};

	flow_table_expect(table, &s);
	flow_table_run(table, &s);
}

#endif
