/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What becomes of what was measured: the sink that was chosen takes every delivery in, and tells of
 * it once in an interval, whose timer is here, too.
 */
#ifndef METRO_REPORTING_H
#define METRO_REPORTING_H

#include "counter_names.h"
#include "event_loop.h"
#include "silence.h"
#include "sink.h"

struct reporting {
	/* Set by the owner before the start. */
	enum output_choice output;
	bool watched;           /* by somebody who waits for output */
	void (*due)(void *arg); /* an interval has ended: what was measured is to be gathered */
	void *arg;

	/* Its own. */
	struct event_loop *loop;
	struct sink *sink; /* NULL: not started */
	int timer;
	double interval_s;
	struct losses losses;
};

/* Opens the sink and starts the interval. The peers must live until others are set, or until it is
 * closed. Returns 0 or -errno, reported; to be closed in any case. */
int reporting_start(struct reporting *r, struct event_loop *loop, const struct config *config,
		    const struct peers *peers);

/* How many samples a delivery may hold, 1 .. BATCH_MAX. */
unsigned int reporting_batch_limit(const struct reporting *r);

/* Takes in a delivery, which is gone after the call. */
void reporting_take(struct reporting *r, const struct delivery *delivery);

/* Tells of what was taken in since the last report; counters are all since the start. At the end of
 * an interval it warns of losses that begin in it. */
void reporting_report(struct reporting *r, const __u64 counters[COUNTERS]);
void reporting_end_interval(struct reporting *r, const __u64 counters[COUNTERS]);

/* -errno if output is lost for good, which was reported: there is no use in going on. Else 0. */
int reporting_error(const struct reporting *r);

/* What an interval's end is to those who may have to explain silence. */
struct silence_terms reporting_silence_terms(const struct reporting *r,
					     const __u64 counters[COUNTERS]);

/* From now on, names and tags are these peers'. */
void reporting_set_peers(struct reporting *r, const struct peers *peers);

/* Follows a changed configuration: server, metrics, interval. What was taken in stays. */
void reporting_follow(struct reporting *r, const struct config *config);

/* The host name of the server, to be looked up, or NULL; and its addresses then. */
const char *reporting_server_name(const struct reporting *r);
void reporting_set_server(struct reporting *r, const struct address *addrs, size_t count);

/* Has the environment a part in the configuration (DD_AGENT_HOST and others)? */
bool reporting_chooses_server(const struct reporting *r);

/* Nothing was measured, and so there is nothing to say about it. err is why. */
void reporting_abandon(struct reporting *r, int err);

/* Reports what is left. Returns 0, or -errno if output was lost. */
int reporting_close(struct reporting *r);

#endif
