/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Breaks in what a live capture tells: packets that were lost between two others, or the clock
 * set, so that no sample may be made of packets on both sides. Either is noticed while the packets
 * around it still wait to be read, among others. Until those are through, everything is in doubt:
 * each packet has an epoch (flow_table.h) of its own.
 */
#ifndef METRO_BREAKS_H
#define METRO_BREAKS_H

#include "types.h"

/* A packet of before the notice may wait for its block of the ring to be retired for twice the 50
 * ms that backend_pcap.c asks for (Linux gives a block that has just been opened a second term),
 * and for a timer that is late. */
#define BREAK_WAIT_NS 200000000ull

/* More than adjtime(3) slews between two reads, mostly. */
#define CLOCK_STEP_NS 2000000

struct breaks {
	__u32 *epochs;     /* the last one given to any capture, so that none comes twice */
	__u32 epoch;       /* of the packet read last */
	__u64 in_doubt_ns; /* since then, by CLOCK_MONOTONIC; 0: not in doubt */
	__u64 lost_ns;     /* only packets of up to then are in doubt, by their own clock; 0: all */
	__u64 drops;       /* that are known of */
	__u64 last_ns;     /* time of the packet read last */
};

/* What is read next begins a new capture. */
void breaks_open(struct breaks *breaks, __u32 *epochs);

/* There was a break, noticed now. */
void breaks_notice(struct breaks *breaks, __u64 monotonic_ns);

/* As many packets have been lost since the start; more than before is a break, which lies before
 * any packet captured from now on. */
void breaks_drops(struct breaks *breaks, __u64 drops, __u64 wall_ns, __u64 monotonic_ns);

/* The epoch of the next packet. */
__u32 breaks_epoch(struct breaks *breaks, __u64 packet_ns);

/* Everything was read that could be at this time. */
void breaks_empty(struct breaks *breaks, __u64 monotonic_ns);

/* Follows the clock that captured times are of, CLOCK_REALTIME. */
struct clock_watch {
	__s64 offset;  /* less CLOCK_MONOTONIC */
	__u64 wall_ns; /* when it was looked at; 0: never */
};

/* What the two clocks say at the same time. True if the one was set since the last call. */
bool clock_watch_look(struct clock_watch *watch, __u64 wall_ns, __u64 monotonic_ns);

/* Looks at both. */
bool clock_watch_follow(struct clock_watch *watch);

/* Could this packet be the first since the clock was set, after the last look? One that comes from
 * the future of that look, or lies before the packet that was captured before it. */
static inline bool clock_watch_suspects(const struct clock_watch *watch,
					const struct breaks *breaks, __u64 packet_ns)
{
	return packet_ns > watch->wall_ns + CLOCK_STEP_NS ||
	       packet_ns + CLOCK_STEP_NS < breaks->last_ns;
}

#endif
