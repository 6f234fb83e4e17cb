/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads the addresses by getifaddrs(3), and answers by a search in a sorted set. */
#include "local_addresses.h"
#include "addresses.h"

#include <errno.h>
#include <ifaddrs.h>
#include <stdlib.h>
#include <string.h>

int local_addresses_set(struct local_addresses *set, const struct address *addrs, size_t count)
{
	struct address *copy = calloc(count ? count : 1, sizeof(*copy));

	if (!copy)
		return -ENOMEM;
	if (count)
		memcpy(copy, addrs, count * sizeof(*copy));
	free(set->addrs);
	set->addrs = copy;
	set->count = addresses_make_set(copy, count);
	return 0;
}

int local_addresses_read(struct local_addresses *set)
{
	struct ifaddrs *list, *i;
	struct address *addrs;
	size_t count = 0;
	int err;

	if (getifaddrs(&list))
		return -errno;
	for (i = list; i; i = i->ifa_next)
		count++;
	addrs = calloc(count ? count : 1, sizeof(*addrs));
	if (!addrs) {
		freeifaddrs(list);
		return -ENOMEM;
	}
	count = 0;
	for (i = list; i; i = i->ifa_next)
		count += address_from_socket(&addrs[count], i->ifa_addr);
	freeifaddrs(list);
	err = local_addresses_set(set, addrs, count);
	free(addrs);
	return err;
}

bool local_addresses_have(const struct local_addresses *set, const struct address *addr)
{
	return addresses_have(set->addrs, set->count, addr);
}

void local_addresses_free(struct local_addresses *set)
{
	free(set->addrs);
	*set = (struct local_addresses){};
}
