/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What happens to what was measured: the sink that was chosen takes in every delivery, and reports
 * once in an interval. So does another beside it, for those who come and look (exposing.h). The
 * interval's timer is here, too.
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
	void (*due)(void *arg); /* an interval has ended: time to gather what was measured */
	void *arg;

	/* Its own. */
	struct event_loop *loop;
	struct sink *sink;    /* NULL: not started */
	struct sink *exposed; /* NULL: there is none; borrowed */
	int timer;
	double interval_s;
	struct losses losses;
	__u64 reported_ms; /* CLOCK_MONOTONIC: the latest report, or the start */
};

/* What the sink needs before privileges are given up. Returns 0 or -errno, reported; to be closed
 * in any case. */
int reporting_prepare(const struct reporting *r);

/* Opens the sink and starts the interval. The peers must live until others are set, or until it is
 * closed. Returns 0 or -errno, reported; to be closed in any case. */
int reporting_start(struct reporting *r, struct event_loop *loop, const struct config *config,
		    const struct peers *peers);

/* How many samples a delivery may hold, 1 .. BATCH_MAX. */
unsigned int reporting_batch_limit(const struct reporting *r);

/* Takes in a delivery, which is gone after the call. */
void reporting_take(struct reporting *r, const struct delivery *delivery);

/* Samples that were not printed, since their reader is too slow. */
__u64 reporting_lost(const struct reporting *r);

/* Writes out what was taken in, at the end of a turn of the loop. */
void reporting_flush(struct reporting *r);

/* Reports what was taken in since the last report; counters are all since the start. The second
 * also warns of losses that began in the interval. */
void reporting_report(struct reporting *r, const __u64 counters[COUNTERS]);
void reporting_end_interval(struct reporting *r, const __u64 counters[COUNTERS]);

/* Is it time to stop: output can no longer be written, which was reported, or the user has seen
 * enough? */
bool reporting_is_over(const struct reporting *r);

/* For a sink that shows it: what is measured with what, and why that is not BPF, or "". */
void reporting_state(struct reporting *r, const char *text, const char *fallback);

/* A signal about the terminal. */
void reporting_terminal(struct reporting *r, int signal);

/* What silence.h needs to know at the end of an interval. */
struct silence_terms reporting_silence_terms(const struct reporting *r,
					     const __u64 counters[COUNTERS]);

/* From now on, names and tags are these peers'. */
void reporting_set_peers(struct reporting *r, const struct peers *peers);

/* From now on, the tags of containers are these; NULL: there are none. The table must live as long
 * as the peers must. relabel: of what is taken in from an interface (0: any) from now on, they are
 * others than before. */
void reporting_set_containers(struct reporting *r, const struct container_table *containers);
void reporting_relabel(struct reporting *r, __u32 ifindex);

/* Follows a changed configuration: server, metrics, interval. What was taken in stays. Returns 0,
 * or -errno, reported: the server is the old one. */
int reporting_follow(struct reporting *r, const struct config *config);

/* The host name of the server, to be looked up, or NULL; and its addresses then. */
const char *reporting_server_name(const struct reporting *r);
void reporting_set_server(struct reporting *r, const struct address *addrs, size_t count);

/* From now on, this sink takes in and reports what the other does, with its peers and containers;
 * NULL: none. It has to take as many samples at once. */
void reporting_expose(struct reporting *r, struct sink *sink);

/* May the environment choose the server (DD_AGENT_HOST and others)? */
bool reporting_chooses_server(const struct reporting *r);

/* Nothing was measured, because of err (-errno): close writes no summary. */
void reporting_abandon(struct reporting *r, int err);

/* Reports what is left. Returns 0, or -errno if output was lost. */
int reporting_close(struct reporting *r);

#endif
