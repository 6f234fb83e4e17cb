/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One address form for both families: IPv4 as an IPv4-mapped IPv6 address (RFC 4291, 2.5.5.2), so
 * that keys, peers and records need no family field and no second code path.
 */
#ifndef METRO_ADDRESS_H
#define METRO_ADDRESS_H

#include "types.h"

#define ADDRESS_V4_PREFIX 96 /* bits in front of the IPv4 address inside a mapped one */

struct address {
	union {
		__u8 bytes[16];
		__u32 words[4]; /* network byte order */
	};
};

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ADDRESS_V4_WORD 0xffff0000 /* ::ffff:0:0, third word, as it stands in memory */
#else
#define ADDRESS_V4_WORD 0x0000ffff
#endif

static __always_inline void address_set_v4(struct address *a, __u32 be_addr)
{
	a->words[0] = 0;
	a->words[1] = 0;
	a->words[2] = ADDRESS_V4_WORD;
	a->words[3] = be_addr;
}

static __always_inline bool address_is_v4(const struct address *a)
{
	return a->words[0] == 0 && a->words[1] == 0 && a->words[2] == ADDRESS_V4_WORD;
}

#endif
