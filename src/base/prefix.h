/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Addresses and networks as people write them. */
#ifndef METRO_PREFIX_H
#define METRO_PREFIX_H

#include "address.h"

#define ADDRESS_TEXT 46 /* INET6_ADDRSTRLEN */
#define PREFIX_TEXT  (ADDRESS_TEXT + 4)
#define PREFIX_BITS  128 /* of a whole address */

struct prefix {
	struct address addr; /* bits after the prefix are zero */
	__u8 bits;           /* 0 .. 128, counted in the mapped form: 10.0.0.0/8 has 96 + 8 */
};

/* Reads an IPv4 or IPv6 address. Returns 0 or -EINVAL. */
int address_parse(const char *text, struct address *addr);

/* Reads an address, or a network as ADDRESS/BITS; an address gets all its bits. ::/0 means every
 * IPv6 address and 0.0.0.0/0 every IPv4 address. Returns 0, -EINVAL (not an address), -ERANGE (bits
 * out of range), or -EDOM with *prefix filled in when bits after the prefix are set, as in
 * 10.0.0.1/8: the caller decides whether that is a mistake. */
int prefix_parse(const char *text, struct prefix *prefix);

/* True for one host's address, false for a network. */
bool prefix_is_host(const struct prefix *prefix);

/* Writes the address without brackets (RFC 5952 for IPv6) and returns text. */
char *address_format(const struct address *addr, char text[ADDRESS_TEXT]);

/* The same, but returns the end of the text, where its NUL is. */
char *address_write(const struct address *addr, char *text);

/* Writes ADDRESS/BITS, or the address alone for a host, and returns text. */
char *prefix_format(const struct prefix *prefix, char text[PREFIX_TEXT]);

#endif
