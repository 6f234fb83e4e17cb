/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sequence numbers are compared modulo 2^32 (RFC 9293, 3.4). */
#ifndef METRO_SEQUENCE_H
#define METRO_SEQUENCE_H

#include "types.h"

static __always_inline bool seq_before(__u32 a, __u32 b)
{
	return (__s32)(a - b) < 0;
}

static __always_inline bool seq_after(__u32 a, __u32 b)
{
	return seq_before(b, a);
}

#endif
