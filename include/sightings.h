/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What passes an interface on which nothing is measured, to explain why. */
#ifndef METRO_SIGHTINGS_H
#define METRO_SIGHTINGS_H

#include "types.h"

#define SIGHTINGS_MAX 4096 /* interfaces */

/* Segments that belong to no flow, since the start: from peers, without (or not yet with) a
 * connection on which we send data; and to peers. */
struct sightings {
	__u64 data_received;
	__u64 acks_received; /* without data */
	__u64 acks_sent;     /* without data, since data makes a flow */
};

#endif
