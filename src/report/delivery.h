/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a backend hands over to a sink: the samples of one flow that it had kept in a batch. */
#ifndef METRO_DELIVERY_H
#define METRO_DELIVERY_H

#include "record.h"

struct delivery {
	const struct flow_record *record;
	const char *iface; /* name of the interface, "file" for a capture file; never NULL */
	__u64 wall_ns;     /* arrival of the last sample's ACK, ns since 1970, UTC */
	__u64 frame;       /* number of that ACK in a capture file from 1; 0 when live */
};

#endif
