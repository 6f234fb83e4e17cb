/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What there is to measure on each interface, and what is not measured: so that silence can be
 * explained. */
#ifndef METRO_CENSUS_H
#define METRO_CENSUS_H

#include "sightings.h"
#include "sweep.h"

struct census_figures {
	struct sightings seen;
	__u64 samples;    /* since the start */
	__u32 answered;   /* connections with traffic lately, in the last complete walk over them */
	__u32 unanswered; /* .. and those to which no ACK has come, and no end */
};

struct census_entry; /* an interface */

struct census {
	struct census_entry *entries;
	struct census_entry *last; /* used; NULL: none */
};

void census_free(struct census *census);

/* Begins and ends counting on an interface: what is counted of others, whose connections may still
 * be there for a while, or of all of them in a capture file, is lost, as it is without memory: it
 * only serves to explain. */
void census_open(struct census *census, __u32 ifindex);
void census_close(struct census *census, __u32 ifindex);

void census_add_samples(struct census *census, __u32 ifindex, unsigned int count);
void census_add_received(struct census *census, __u32 ifindex, bool with_data);
void census_add_sent(struct census *census, __u32 ifindex);

/* A walk over all flows begins, and so the one before has ended; and each of its flows. */
void census_begin(struct census *census);
void census_see(struct census *census, __u32 ifindex, const struct flow *flow,
		const struct sweep_terms *terms);

/* All zero if it is not open. */
struct census_figures census_figures(struct census *census, __u32 ifindex);

#endif
