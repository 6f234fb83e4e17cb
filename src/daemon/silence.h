/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An interface of which no sample comes, and why that may be: said once, when it has been so for
 * six reports or a minute, whichever is sooner; to somebody who watches (-i), after the first
 * report or ten seconds.
 */
#ifndef METRO_SILENCE_H
#define METRO_SILENCE_H

#include "census.h"
#include "counters.h"

struct silence {
	__u64 since_ns; /* CLOCK_MONOTONIC; 0: not begun */
	struct census_figures before;
	__u64 counters[COUNTERS]; /* then */
	bool measured;            /* there were samples once */
	bool told;                /* since then, what passes instead */
	bool one_of_many;         /* nobody named it: that nothing passes it is no news */
	bool told_nothing;        /* .. or that nothing does */
};

/* What holds for all interfaces at the end of an interval. */
struct silence_terms {
	__u64 now_ns; /* CLOCK_MONOTONIC */
	double interval_s;
	bool watched; /* by somebody who waits for output */
	bool ports;   /* some connections of peers are not to be measured */
	const __u64 *counters;
};

/* To be called for an interface at the end of each interval in which it was to be measured. Returns
 * true if it is silent and that has yet to be explained, so that sightings are of use. */
bool silence_follow(struct silence *silence, const char *iface, const struct census_figures *now,
		    const struct silence_terms *terms);

/* .. for one that pauses, or has no peers: silence begins anew. */
void silence_excuse(struct silence *silence);

#define SILENCE_TEXT 640

/* What was seen from before to now, by the interface and by the counters of all, and what it may
 * mean. Returns false, and an empty text, if there was nothing. */
bool silence_explain(const struct silence *silence, const struct census_figures *now,
		     const __u64 counters[COUNTERS], char text[SILENCE_TEXT]);

#endif
