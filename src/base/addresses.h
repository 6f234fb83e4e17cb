/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sorted addresses, and addresses as socket calls take them. */
#ifndef METRO_ADDRESSES_H
#define METRO_ADDRESSES_H

#include <sys/socket.h>

#include "address.h"

/* By their bytes, for qsort(3). */
int address_compare(const void *a, const void *b);

/* Sorts the addresses and keeps each once. Returns how many are left. */
size_t addresses_make_set(struct address *addrs, size_t count);

/* Is the address in a set made by addresses_make_set? */
bool addresses_have(const struct address *set, size_t count, const struct address *addr);

/* Returns false, with *addr left alone, if the socket address is NULL or of another family than
 * IPv4 and IPv6. */
bool address_from_socket(struct address *addr, const struct sockaddr *from);

/* Fills in the family and the address; all else becomes zero. Returns the length in bytes. */
socklen_t address_to_socket(const struct address *addr, struct sockaddr_storage *to);

#endif
