/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Interfaces that the same instances measure have the same peers: they share a set of them. So 200
 * interfaces with 100,000 peers are 100,000 entries and 200 more, and not 20 million. A set is a
 * combination of instances that some interface has; its number stands in the keys of all tables of
 * peers.
 */
#ifndef METRO_PEERS_SETS_H
#define METRO_PEERS_SETS_H

#include "config.h"
#include "links.h"

/* An interface, or a capture file, that some instance measures. */
struct peers_interface {
	__u32 number;
	__u32 set;
};

struct peers_set {
	__u32 number; /* from 1 */
	size_t count;
	__u32 *instances; /* indices, in rising order */
};

struct peers_sets {
	struct peers_set *at;
	size_t count;
	struct peers_interface *interfaces; /* by number */
	size_t interfaces_count;
	__u32 last; /* number that a set has, or had */
};

/* Makes the sets of the interfaces that are there, and of the files by their numbers (by instance).
 * Sets that were there before, of the same configuration, stay with their numbers, also where they
 * have no interface now. Where a snapshot is torn, all interfaces that were there before stay as
 * they were, since what is missing may be there. Returns 1 if there is a new one, 0 if not, or
 * -ENOMEM: then sets is empty. */
int peers_sets_make(struct peers_sets *sets, const struct config *config, const __u32 *files,
		    const struct links *links, const struct peers_sets *before);
void peers_sets_clear(struct peers_sets *sets);

/* Sets without an interface go. */
void peers_sets_prune(struct peers_sets *sets);

/* Sets of another configuration were in force before: a set takes the number that one of its
 * interfaces had, if no other set does, or else one that none of them had. Returns 0 or -ENOMEM. */
int peers_sets_inherit(struct peers_sets *sets, const struct peers_sets *from);

/* Capture files get other numbers: by instance, 0 for those that read none. */
void peers_sets_renumber(struct peers_sets *sets, const __u32 *from, const __u32 *to, size_t count);

/* The set of an interface's number; 0: it has none. */
__u32 peers_sets_of(const struct peers_sets *sets, __u32 number);

bool peers_set_has(const struct peers_set *set, size_t instance);

#endif
