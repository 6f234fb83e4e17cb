/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What there was to see on the way to samples, as counts, and a sentence made of them for whoever
 * wonders why there are none: what was seen instead, and what to try. For capture files.
 */
#ifndef METRO_SEEN_H
#define METRO_SEEN_H

#include "counters.h"

#include <stddef.h>

#define SEEN_KINDS 24  /* that are named; packets of further ones are counted as "others" */
#define SEEN_NAME  40  /* bytes of a kind's name; more are cut off */
#define SEEN_TEXT  768 /* room for the sentence */

/* Packets of one kind. Of a list of kinds, the first without packets is the end. */
struct seen_kind {
	char name[SEEN_NAME];
	__u64 packets;
};

enum seen_ours {
	SEEN_ALL,
	SEEN_LOCAL, /* to or from the addresses of --local */
	SEEN_PEERS, /* to or from the peers */
};

struct seen {
	enum seen_ours ours; /* which packets count */
	__u64 packets;       /* all, whatever they were */
	__u64 filtered;      /* of them, left out by --filter */
	__u64 untimed;       /* without a time, so of no use */
	__u64 tcp;           /* TCP segments read */
	__u64 tcp_ours;      /* of them, those that count */
	__u64 sent;          /* of tcp_ours, in the direction that is measured, .. */
	__u64 received;      /* .. and in the other; without addresses each is in both */
	__u64 data;          /* of tcp_ours, with data in the direction that is measured */
	__u64 answered;      /* flows (COUNTER_FLOWS) of which anything was acknowledged */
	__u64 acks_alone;    /* of tcp_ours, ACKs without data of their own, of data never seen */
	struct seen_kind inside[SEEN_KINDS]; /* of tcp, by the tunnel they were found in */
	struct seen_kind unread[SEEN_KINDS]; /* tunnels that are not looked into */
	struct seen_kind links[SEEN_KINDS];  /* link types that are not read */
};

/* Counts a packet of a kind. Where a list is full, its last one becomes "others". */
void seen_count(struct seen_kind kinds[SEEN_KINDS], const char *name);

/* Is there anything to say, in view of the counters? True without samples, and with them if
 * packets were not read that may have had some. */
bool seen_matters(const struct seen *seen, const __u64 counters[COUNTERS]);

/* Writes the sentence to the log, behind a name of what was read, if it matters. */
void seen_log(const struct seen *seen, const __u64 counters[COUNTERS], const char *what);

/* Writes the sentence, without a full stop, and what to try behind a semicolon. Returns text. */
const char *seen_explain(const struct seen *seen, const __u64 counters[COUNTERS],
			 char text[SEEN_TEXT]);

#endif
