/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An interface and the way that data takes there, as one number. A connection may be measured both
 * ways on one interface, with flows, peers and figures of its own for each, so this number, and not
 * the kernel's index, is what their keys carry. Nothing else looks into it.
 *
 * Out: data leaves through the interface, and its ACK arrives there. In: data arrives, and its ACK
 * leaves. So every packet is data of at most one way, and an ACK of the other.
 */
#ifndef METRO_INTERFACE_NUMBER_H
#define METRO_INTERFACE_NUMBER_H

#include "types.h"

/* As a set, too. */
enum way { WAY_OUT = 1, WAY_IN = 2, WAYS_BOTH = WAY_OUT | WAY_IN };

/* Indices are positive ints that the kernel gives out from 1 on; what stands for a capture file has
 * bit 31 (peers_interfaces.h), or is 0. */
#define INTERFACE_NUMBER_IN (1u << 30)

static __always_inline __u32 interface_number(__u32 index, enum way way)
{
	return way == WAY_IN ? index | INTERFACE_NUMBER_IN : index;
}

static __always_inline __u32 interface_number_index(__u32 number)
{
	return number & ~INTERFACE_NUMBER_IN;
}

static __always_inline enum way interface_number_way(__u32 number)
{
	return number & INTERFACE_NUMBER_IN ? WAY_IN : WAY_OUT;
}

#endif
