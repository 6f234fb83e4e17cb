/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counts what there is to measure on each interface and what is not measured, to explain why no
 * samples come. */
#ifndef METRO_CENSUS_H
#define METRO_CENSUS_H

#include "sightings.h"
#include "sweep.h"

struct census_figures {
	struct sightings seen;
	__u64 samples;    /* since the start */
	__u32 answered;   /* connections with traffic lately, in the last complete walk over them */
	__u32 unanswered; /* connections that got no ACK and did not end */
};

struct census_entry; /* an interface */

struct census {
	struct census_entry *entries;
	struct census_entry *last; /* last used; NULL: none */
};

void census_free(struct census *census);

/* Starts and stops counting on an interface. Counts for other interfaces (whose connections may
 * still be there for a while, or those of a capture file) are dropped, as they are if there is no
 * memory: they only serve to explain. */
void census_open(struct census *census, __u32 ifindex);
void census_close(struct census *census, __u32 ifindex);

void census_add_samples(struct census *census, __u32 ifindex, unsigned int count);
void census_add_received(struct census *census, __u32 ifindex, bool with_data);
void census_add_sent(struct census *census, __u32 ifindex);

/* The first is called when a walk over all flows begins (the one before has ended), the second for
 * each of its flows. */
void census_begin(struct census *census);
void census_see(struct census *census, __u32 ifindex, const struct flow *flow,
		const struct sweep_terms *terms);

/* All zero if it is not open. */
struct census_figures census_figures(struct census *census, __u32 ifindex);

#endif
