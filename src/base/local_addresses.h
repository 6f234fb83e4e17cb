/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A set of addresses of this host, or of the host that a capture file was made on. */
#ifndef METRO_LOCAL_ADDRESSES_H
#define METRO_LOCAL_ADDRESSES_H

#include "address.h"

struct local_addresses {
	struct address *addrs; /* sorted, each once */
	size_t count;
};

/* Replaces the set by the addresses of all interfaces. Returns 0, or -errno and the set is
 * unchanged. */
int local_addresses_read(struct local_addresses *set);

/* Copies the given addresses. Returns 0 or -ENOMEM. */
int local_addresses_set(struct local_addresses *set, const struct address *addrs, size_t count);

bool local_addresses_have(const struct local_addresses *set, const struct address *addr);

void local_addresses_free(struct local_addresses *set);

#endif
