/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Packets, header by header, in front to back order; lengths in the IP header are filled in by
 * tcp(). All go from 10.0.0.1 or fd00::1, port 40000, to 10.0.0.2 or fd00::2, port 443. */
#ifndef METRO_TEST_PACKETS_H
#define METRO_TEST_PACKETS_H

#include <string.h>

#include "packet.h"

struct bytes {
	size_t size;
	size_t ip, tcp; /* where these headers begin */
	__u8 at[20000];
};

static inline struct address test_v4(__u8 last)
{
	const __u8 bytes[4] = {10, 0, 0, last};
	struct address addr;
	__u32 be;

	memcpy(&be, bytes, sizeof(be));
	address_set_v4(&addr, be);
	return addr;
}

static inline struct address test_v6(__u8 last)
{
	return (struct address){.bytes = {0xfd, [15] = last}};
}

static inline void put8(struct bytes *b, __u8 value)
{
	b->at[b->size++] = value;
}

static inline void put16(struct bytes *b, __u16 value)
{
	put8(b, value >> 8);
	put8(b, value & 0xff);
}

static inline void put32(struct bytes *b, __u32 value)
{
	put16(b, value >> 16);
	put16(b, value & 0xffff);
}

static inline void put_zeroes(struct bytes *b, size_t count)
{
	memset(b->at + b->size, 0, count);
	b->size += count;
}

static inline void put(struct bytes *b, const void *from, size_t count)
{
	memcpy(b->at + b->size, from, count);
	b->size += count;
}

static inline void ethernet(struct bytes *b, __u16 type)
{
	put(b, "\x02\0\0\0\0\2\x02\0\0\0\0\1", 12);
	put16(b, type);
}

/* Behind a type that says there is a tag. */
static inline void vlan(struct bytes *b, __u16 type)
{
	put16(b, 0x6123);
	put16(b, type);
}

static inline void ipv4_between(struct bytes *b, __u8 protocol, const __u8 src[4],
				const __u8 dst[4])
{
	b->ip = b->size;
	put32(b, 0x45000000);
	put32(b, 0x12344000); /* identification, do not fragment */
	put8(b, 64);
	put8(b, protocol);
	put16(b, 0);
	put(b, src, 4);
	put(b, dst, 4);
}

static inline void ipv4(struct bytes *b, __u8 protocol)
{
	ipv4_between(b, protocol, (const __u8[]){10, 0, 0, 1}, (const __u8[]){10, 0, 0, 2});
}

static inline void ipv6_between(struct bytes *b, __u8 next, const struct address *src,
				const struct address *dst)
{
	b->ip = b->size;
	put32(b, 0x6abcdef0);
	put16(b, 0);
	put8(b, next);
	put8(b, 64);
	put(b, src, 16);
	put(b, dst, 16);
}

static inline void ipv6(struct bytes *b, __u8 next)
{
	struct address src = test_v6(1), dst = test_v6(2);

	ipv6_between(b, next, &src, &dst);
}

/* An extension header of size bytes, a multiple of eight. */
static inline void extension(struct bytes *b, __u8 next, unsigned int size)
{
	put8(b, next);
	put8(b, size / 8 - 1);
	put_zeroes(b, size - 2);
}

/* The TCP header, this many bytes of it, and the data; completes the IP header. */
static inline void tcp(struct bytes *b, __u8 header, __u32 payload)
{
	__u32 length;

	b->tcp = b->size;
	put16(b, 40000);
	put16(b, 443);
	put32(b, 0x01020304);
	put32(b, 0x05060708);
	put8(b, header / 4 << 4);
	put8(b, TCP_ACK | TCP_PSH);
	put16(b, 0xffff);
	put32(b, 0);
	put_zeroes(b, header - 20 + payload);
	if (b->at[b->ip] >> 4 == 4) {
		length = b->size - b->ip;
		b->at[b->ip + 2] = length >> 8;
		b->at[b->ip + 3] = length & 0xff;
	} else {
		length = b->size - b->ip - 40;
		b->at[b->ip + 4] = length >> 8;
		b->at[b->ip + 5] = length & 0xff;
	}
}

#endif
