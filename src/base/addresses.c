/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sets of addresses, and conversion between our one form of an address and the kernel's two. */
#include "addresses.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"

int address_compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct address));
}

size_t addresses_make_set(struct address *addrs, size_t count)
{
	return array_make_set(addrs, count, sizeof(*addrs), address_compare);
}

bool addresses_have(const struct address *set, size_t count, const struct address *addr)
{
	return count && bsearch(addr, set, count, sizeof(*set), address_compare);
}

bool address_from_socket(struct address *addr, const struct sockaddr *from)
{
	switch (from ? from->sa_family : AF_UNSPEC) {
	case AF_INET:
		address_set_v4(addr, ((const struct sockaddr_in *)from)->sin_addr.s_addr);
		return true;
	case AF_INET6:
		memcpy(addr->bytes, &((const struct sockaddr_in6 *)from)->sin6_addr,
		       sizeof(addr->bytes));
		return true;
	default:
		return false;
	}
}

socklen_t address_to_socket(const struct address *addr, struct sockaddr_storage *to)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)to;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)to;

	memset(to, 0, sizeof(*to));
	if (address_is_v4(addr)) {
		v4->sin_family = AF_INET;
		v4->sin_addr.s_addr = addr->words[3];
		return sizeof(*v4);
	}
	v6->sin6_family = AF_INET6;
	memcpy(&v6->sin6_addr, addr->bytes, sizeof(addr->bytes));
	return sizeof(*v6);
}
