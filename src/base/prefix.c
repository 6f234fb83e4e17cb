/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Between text and the one form of addresses in which IPv4 is a part of IPv6. */
#include "prefix.h"
#include "decimal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int address_parse(const char *text, struct address *addr)
{
	struct in_addr v4;

	if (inet_pton(AF_INET, text, &v4) == 1) {
		address_set_v4(addr, v4.s_addr);
		return 0;
	}
	return inet_pton(AF_INET6, text, addr->bytes) == 1 ? 0 : -EINVAL;
}

static char *byte_write(char *to, unsigned int byte)
{
	if (byte >= 100)
		return decimal_fixed(to, 3, byte);
	return decimal_fixed(to, byte >= 10 ? 2 : 1, byte);
}

/* inet_ntop uses sprintf, which takes ten times as long. */
static char *v4_write(const __u8 bytes[4], char *to)
{
	for (int i = 0; i < 4; i++) {
		to = byte_write(to, bytes[i]);
		*to++ = i < 3 ? '.' : '\0';
	}
	return to - 1;
}

#define GROUPS 8 /* of 16 bits in an IPv6 address */

static unsigned int group_of(const struct address *addr, int i)
{
	return (unsigned int)addr->bytes[2 * i] << 8 | addr->bytes[2 * i + 1];
}

/* The groups that "::" stands for: the longest run of zeros, the first of equals, and no single one
 * (RFC 5952, 4.2). Without any, it begins behind the last group. */
static void find_zeros(const struct address *addr, int *begin, int *end)
{
	int from = 0;

	*begin = *end = GROUPS;
	for (int i = 0; i < GROUPS; i++) {
		if (group_of(addr, i))
			from = i + 1;
		else if (i > from && i + 1 - from > *end - *begin)
			*begin = from, *end = i + 1;
	}
}

static char *group_write(unsigned int group, char *to)
{
	static const char digits[] = "0123456789abcdef";

	for (int shift = 12; shift > 0; shift -= 4)
		if (group >> shift)
			*to++ = digits[group >> shift & 0xf];
	*to++ = digits[group & 0xf];
	return to;
}

/* As inet_ntop, which writes ::a.b.c.d for what once was an "IPv4-compatible" address. */
static char *v6_write(const struct address *addr, char *to)
{
	int begin, end, i = 0;

	find_zeros(addr, &begin, &end);
	if (begin == 0 && end == 6)
		return v4_write(addr->bytes + 12, stpcpy(to, "::"));
	while (i < GROUPS) {
		if (i == begin) {
			*to++ = ':';
			i = end;
		}
		if (i && i < GROUPS)
			*to++ = ':';
		if (i < GROUPS)
			to = group_write(group_of(addr, i++), to);
	}
	if (begin < end && end == GROUPS)
		*to++ = ':';
	*to = '\0';
	return to;
}

char *address_write(const struct address *addr, char *to)
{
	if (address_is_v4(addr))
		return v4_write(addr->bytes + ADDRESS_V4_PREFIX / 8, to);
	return v6_write(addr, to);
}

char *address_format(const struct address *addr, char text[ADDRESS_TEXT])
{
	address_write(addr, text);
	return text;
}

/* Clears the bits after the prefix. Returns true if any of them was set. */
static bool clear_tail(struct prefix *prefix)
{
	struct address *addr = &prefix->addr;
	unsigned int byte = prefix->bits / 8;
	__u8 keep = (__u8)(0xff00 >> (prefix->bits % 8));
	bool was_set = false;

	for (; byte < sizeof(addr->bytes); byte++, keep = 0) {
		was_set |= (addr->bytes[byte] & ~keep) != 0;
		addr->bytes[byte] &= keep;
	}
	return was_set;
}

static int parse_bits(const char *text, unsigned long max, unsigned long *bits)
{
	if (!*text || text[strspn(text, "0123456789")])
		return -EINVAL;
	*bits = strtoul(text, NULL, 10);
	return *bits > max ? -ERANGE : 0;
}

int prefix_parse(const char *text, struct prefix *prefix)
{
	const char *slash = strchr(text, '/');
	size_t length = slash ? (size_t)(slash - text) : strlen(text);
	char address[ADDRESS_TEXT];
	unsigned long bits, skip;
	int err;

	if (length >= sizeof(address))
		return -EINVAL;
	memcpy(address, text, length);
	address[length] = '\0';
	err = address_parse(address, &prefix->addr);
	if (err)
		return err;

	skip = strchr(address, ':') ? 0 : ADDRESS_V4_PREFIX;
	bits = PREFIX_BITS - skip;
	err = slash ? parse_bits(slash + 1, bits, &bits) : 0;
	if (err)
		return err;
	prefix->bits = (__u8)(skip + bits);
	return clear_tail(prefix) ? -EDOM : 0;
}

bool prefix_is_host(const struct prefix *prefix)
{
	return prefix->bits == PREFIX_BITS;
}

char *prefix_format(const struct prefix *prefix, char text[PREFIX_TEXT])
{
	unsigned int bits = prefix->bits;
	size_t length;

	address_format(&prefix->addr, text);
	if (prefix_is_host(prefix))
		return text;
	if (address_is_v4(&prefix->addr) && bits >= ADDRESS_V4_PREFIX)
		bits -= ADDRESS_V4_PREFIX;
	length = strlen(text);
	snprintf(text + length, PREFIX_TEXT - length, "/%u", bits);
	return text;
}
