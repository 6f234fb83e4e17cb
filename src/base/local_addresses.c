/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "local_addresses.h"

#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct address));
}

int local_addresses_set(struct local_addresses *set, const struct address *addrs, size_t count)
{
	struct address *copy = calloc(count ? count : 1, sizeof(*copy));

	if (!copy)
		return -ENOMEM;
	if (count)
		memcpy(copy, addrs, count * sizeof(*copy));
	qsort(copy, count, sizeof(*copy), compare);
	free(set->addrs);
	set->addrs = copy;
	set->count = count;
	return 0;
}

static bool address_of(const struct sockaddr *sa, struct address *addr)
{
	if (sa && sa->sa_family == AF_INET) {
		address_set_v4(addr, ((const struct sockaddr_in *)sa)->sin_addr.s_addr);
		return true;
	}
	if (sa && sa->sa_family == AF_INET6) {
		memcpy(addr, &((const struct sockaddr_in6 *)sa)->sin6_addr, sizeof(*addr));
		return true;
	}
	return false;
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
		count += address_of(i->ifa_addr, &addrs[count]);
	freeifaddrs(list);
	err = local_addresses_set(set, addrs, count);
	free(addrs);
	return err;
}

bool local_addresses_have(const struct local_addresses *set, const struct address *addr)
{
	return set->count && bsearch(addr, set->addrs, set->count, sizeof(*addr), compare);
}

void local_addresses_free(struct local_addresses *set)
{
	free(set->addrs);
	*set = (struct local_addresses){};
}
