/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Connections that have just ended, so that late segments of them make no new flow: one that was
 * sent again while the last ACK was arriving, or a capture's second copy of all packets. A table of
 * fixed size with one place for each hash of a flow's key; a newer connection replaces an older
 * one.
 */
#ifndef METRO_CLOSED_H
#define METRO_CLOSED_H

#include "engine.h"

/* At ten thousand connections a second, each is remembered for most of a second. */
#define CLOSED 8192 /* power of two */

/* The flow's tag in the upper half and the number after its FIN in the lower: one word, so that two
 * CPUs cannot mix halves. 0: none. */
typedef __u64 closed_flow;

static __always_inline __u32 closed_place(__u32 tag)
{
	return tag * 2654435761u >> 19 & (CLOSED - 1);
}

static __always_inline closed_flow closed_make(__u32 tag, __u32 nxt)
{
	return (__u64)tag << 32 | nxt;
}

/* Does this segment, sent by the local side, belong to that connection? */
static __always_inline bool closed_is(closed_flow closed, __u32 tag, const struct packet *p)
{
	return closed && closed >> 32 == tag && (__u32)closed - (p->seq + p->payload) < STRAY_NEAR;
}

/* A SYN begins a new connection on the same ports. */
static __always_inline bool closed_ends(closed_flow closed, __u32 tag, const struct packet *p)
{
	return p->flags & TCP_SYN && closed >> 32 == tag;
}

#endif
