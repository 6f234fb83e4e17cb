/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the live view knows: for each peer and interface the samples since the start, the last
 * minute's p50, and the connections that were heard of in that minute. Bounded: what does not fit
 * is counted.
 */
#ifndef METRO_LIVE_COLLECT_H
#define METRO_LIVE_COLLECT_H

#include "delivery.h"
#include "flow_index.h"
#include "rows.h"
#include "window.h"

#define LIVE_PEERS           10000 /* at most; 3 to 7 KB each */
#define LIVE_PEER_SILENT_S   3600  /* then a peer is forgotten */
#define LIVE_CONNECTIONS_MAX 65536
#define LIVE_CHOSEN          64 /* samples of an interval that its p50 is made of */

struct live_peer;

/* One connection. It is forgotten a minute after the last news of it. */
struct live_connection {
	struct flow_key key;
	struct window_stats stats;
	__u64 heard; /* in this interval */
	struct live_peer *peer;
	struct live_connection *next; /* of the same peer */
};

struct live_peer_key {
	struct address peer;
	__u32 number; /* of the interface, as interface_number.h has it */
};

struct live_peer {
	struct live_peer_key key;
	struct live_row row; /* as last shown */
	struct window window;
	double rate;                /* samples a second */
	__u64 heard_ns;             /* the end of the interval before the last news */
	__u32 counts[LIVE_HISTORY]; /* samples in each interval, the newest last */
	__u64 counted;              /* samples up to the last interval's end */
	__u32 chosen[LIVE_CHOSEN];  /* of this interval's; all, if there are no more */
	__u32 seen;                 /* so many there were */
	float history[LIVE_HISTORY];
	unsigned int connections_count;
	struct live_connection *connections;
	UT_hash_handle hh;
};

struct live_collect {
	struct windows terms;
	struct live_peer *peers; /* in order of appearance */
	struct flow_index connections;
	struct live_row **rows; /* of all peers, in the order of live_collect_show */
	size_t count;
	__u64 intervals;
	unsigned int rated;           /* rates are of so many intervals, 1 .. LIVE_HISTORY */
	double lengths[LIVE_HISTORY]; /* of intervals, in seconds */
	__u64 ended_ns;               /* the last one did */
	__u32 random;
	__u64 left_out; /* samples for which there was no room or memory */
	__u64 unplaced; /* samples of connections for which there was none */
};

/* Returns 0 or -ENOMEM. close may be called again, and for zeroed memory. */
int live_collect_open(struct live_collect *collect, __u64 now_ns);
void live_collect_close(struct live_collect *collect);

void live_collect_take(struct live_collect *collect, const struct delivery *delivery);

/* An interval has ended: the histories grow, and old connections and peers go; rows of others keep
 * their order. */
void live_collect_end_interval(struct live_collect *collect, __u64 now_ns);

/* NULL: it is not there. */
struct live_peer *live_collect_find(const struct live_collect *collect,
				    const struct live_peer_key *key);

/* What was counted since the last call becomes the p50 and the count in this place of the history.
 */
void live_peer_end_part(struct live_peer *peer, unsigned int place);

/* The rows become what there is by now. name(arg, number, address) is a peer's, or NULL. */
void live_collect_show(struct live_collect *collect,
		       const char *(*name)(void *arg, __u32 number, const struct address *address),
		       void *arg);

/* The rows stay as they are, percentiles too, until the next live_collect_show. */
void live_collect_freeze(struct live_collect *collect);

/* Figures begin anew; connections and histories stay. */
void live_collect_reset(struct live_collect *collect);

#endif
