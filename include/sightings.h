/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What passes an interface where nothing is measured, so that the reason can be told. */
#ifndef METRO_SIGHTINGS_H
#define METRO_SIGHTINGS_H

#include "types.h"

#define SIGHTINGS_MAX 4096 /* interfaces */

/* Segments that no flow heeds, since the start: of peers, and not (or not yet) of a connection with
 * data of ours; and to peers. */
struct sightings {
	__u64 data_received;
	__u64 acks_received; /* without data */
	__u64 acks_sent;     /* without data: what has data makes a flow */
};

#endif
