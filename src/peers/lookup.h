/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One question to the C library's resolver, which may block for half a minute. Any thread may ask.
 */
#ifndef METRO_LOOKUP_H
#define METRO_LOOKUP_H

#include "address.h"

#include <stddef.h>

/* Sets of address families. */
#define FAMILY_V4 1u
#define FAMILY_V6 2u

/* An answer, which owns what it points to. */
struct outcome {
	struct address *addrs; /* of a host: sorted, each once */
	size_t count;
	unsigned int families; /* that addrs are of */
	unsigned int unknown;  /* families that no name server answered for */
	char *name;            /* of an address: a valid host name without trailing dot */
	int error;             /* EAI_*; 0: it was found */
	int system_error;      /* errno for EAI_SYSTEM */
};

/* All addresses of a host. A family that it had before and that is missing now is asked for again
 * by itself: the C library only says that a name server did not answer for one family if the other
 * has no addresses either. */
struct outcome lookup_host(const char *host, unsigned int families_before);

/* The name of an address. EAI_NONAME also if the name is not a valid host name: what a name server
 * says comes from strangers. */
struct outcome lookup_address(const struct address *addr);

/* Is the error an answer (there is no such name) rather than a failure to get one? */
bool outcome_is_final(const struct outcome *outcome);

/* Why, in words. */
const char *outcome_error(const struct outcome *outcome);

/* Adds the addresses that are of these families. Returns 0 or -ENOMEM; then nothing was added. */
int outcome_add(struct outcome *outcome, const struct address *addrs, size_t count,
		unsigned int families);

void outcome_clear(struct outcome *outcome);

#endif
