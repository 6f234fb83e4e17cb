/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a capture file had on the way to samples, as counts, and a sentence made of them for a user
 * who wonders why there are no samples: what was seen instead, and what to try.
 */
#ifndef METRO_SEEN_H
#define METRO_SEEN_H

#include "counters.h"

#include <stddef.h>

#define SEEN_KINDS 24   /* kinds that are named; packets of further kinds count as "others" */
#define SEEN_NAME  40   /* bytes of a kind's name; more are cut off */
#define SEEN_TEXT  1280 /* room for the sentence */

/* Packets of one kind. A list of kinds ends with the first one without packets. */
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
	__u64 other_ports;   /* of them, left out by --port */
	__u64 tcp_ours;      /* of them, those that count */
	__u64 sent;          /* of tcp_ours, in the direction that is measured, .. */
	__u64 received; /* of tcp_ours, in the other direction; without addresses each is in both */
	__u64 data;     /* of tcp_ours, with data in the direction that is measured */
	__u64 answered; /* flows (COUNTER_FLOWS) of which anything was acknowledged */
	__u64 acks_alone; /* of tcp_ours, ACKs without data, for data never seen */
	struct seen_kind inside[SEEN_KINDS]; /* of tcp, by the tunnel they were found in */
	struct seen_kind unread[SEEN_KINDS]; /* tunnels that are not looked into */
	struct seen_kind links[SEEN_KINDS];  /* link types that are not read */
};

/* Counts a packet of a kind. When the list is full, its last kind becomes "others". */
void seen_count(struct seen_kind kinds[SEEN_KINDS], const char *name);

/* Is there anything to say? True without samples, and with them if packets that may have had some
 * were not read. */
bool seen_matters(const struct seen *seen, const __u64 counters[COUNTERS]);

/* Writes the sentence to the log, after the name of what was read, if it matters. */
void seen_log(const struct seen *seen, const __u64 counters[COUNTERS], const char *what);

/* Writes the sentence, without a full stop, and after a semicolon what to try. Returns text. */
const char *seen_explain(const struct seen *seen, const __u64 counters[COUNTERS],
			 char text[SEEN_TEXT]);

#endif
