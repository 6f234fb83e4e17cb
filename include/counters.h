/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Everything that can be lost or left out is counted where that happens, by one of these. */
#ifndef METRO_COUNTERS_H
#define METRO_COUNTERS_H

#include "types.h"

enum counter {
	COUNTER_SAMPLES,          /* RTTs measured */
	COUNTER_FLOWS,            /* flow entries created */
	COUNTER_FLOWS_REFUSED,    /* flow table full: this data was not measured */
	COUNTER_FLOWS_EVICTED,    /* flow table nearly full: this idle flow made room */
	COUNTER_MARKS_THINNED,    /* a mark gave way to a newer one in a full ring */
	COUNTER_ACKS_AMBIGUOUS,   /* ACK left out: Karn's rule, or behind thinned marks */
	COUNTER_ACKS_UNSEEN,      /* ACK of data that never passed here */
	COUNTER_ACKS_IMPLAUSIBLE, /* ACK left out: the data's sender would not have waited that long
				   */
	COUNTER_OUT_OF_WINDOW,    /* segment whose number does not fit the connection: forged? */
	COUNTER_RETRANSMISSIONS,  /* segments sent again, wholly or in part */
	COUNTER_COPIES,           /* libpcap: segments that were seen twice and count once */
	COUNTER_FRAGMENTS,        /* IP fragments, which are not measured */
	COUNTER_PARSE_ERRORS,     /* headers cut short or contradicting themselves */
	COUNTER_RING_LOST,        /* samples lost because the ring buffer was full */
	COUNTER_CAPTURE_DROPS,    /* packets that libpcap could not keep up with */
	COUNTER_DIRECTION,        /* libpcap: packets whose direction could not be told */
	COUNTER_REATTACHED,       /* times that a lost attachment to an interface was renewed */
	COUNTER_OUTPUT_LOST,      /* samples not printed: their reader was too slow */
	COUNTERS,
};

struct counters {
	__u64 values[COUNTERS];
};

#endif
