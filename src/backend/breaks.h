/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Breaks in a live capture: packets were lost, or the clock was set, so that no sample may be made
 * from packets on both sides. A break is noticed while the packets around it still wait to be read.
 * Until those are through, everything is in doubt: each packet has an epoch (flow_table.h) of its
 * own.
 */
#ifndef METRO_BREAKS_H
#define METRO_BREAKS_H

#include "types.h"

/* A packet from before that moment may wait in its block of the ring for twice the 40 ms that
 * pcap_socket.c asks for (Linux gives a block that has just been opened a second term), and for a
 * timer that is late. */
#define BREAK_WAIT_NS 200000000ull

/* More than adjtime(3) slews between two reads, mostly. */
#define CLOCK_STEP_NS 2000000

struct breaks {
	__u32 *epochs;     /* the last one given to any tap, so that none comes twice */
	__u32 epoch;       /* of the packet read last */
	__u64 in_doubt_ns; /* since when, by CLOCK_MONOTONIC; 0: not in doubt */
	__u64 lost_ns; /* only packets up to this time are in doubt, by their own clock; 0: all */
	__u64 drops;   /* known so far */
	__u64 last_ns; /* time of the packet read last */
};

/* A tap was opened. */
void breaks_open(struct breaks *breaks, __u32 *epochs);

/* A break was noticed now. */
void breaks_notice(struct breaks *breaks, __u64 monotonic_ns);

/* drops: packets lost since the start. More than at the last call is a break, which lies before any
 * packet captured from now on. */
void breaks_drops(struct breaks *breaks, __u64 drops, __u64 wall_ns, __u64 monotonic_ns);

/* The epoch of the next packet. */
__u32 breaks_epoch(struct breaks *breaks, __u64 packet_ns);

/* Everything that could be read by this time has been read. */
void breaks_empty(struct breaks *breaks, __u64 monotonic_ns);

/* Follows CLOCK_REALTIME, the clock of captured times. */
struct clock_watch {
	__s64 offset;  /* CLOCK_REALTIME less CLOCK_MONOTONIC */
	__u64 wall_ns; /* when it was looked at; 0: never */
};

/* Takes what the two clocks say at the same moment. True if the first was set since the last call.
 */
bool clock_watch_look(struct clock_watch *watch, __u64 wall_ns, __u64 monotonic_ns);

/* Reads both clocks and calls that. */
bool clock_watch_follow(struct clock_watch *watch);

/* Could this packet be the first after the clock was set, since the last look? It could if it is
 * newer than that look, or older than the packet captured before it. */
static inline bool clock_watch_suspects(const struct clock_watch *watch,
					const struct breaks *breaks, __u64 packet_ns)
{
	return packet_ns > watch->wall_ns + CLOCK_STEP_NS ||
	       packet_ns + CLOCK_STEP_NS < breaks->last_ns;
}

#endif
