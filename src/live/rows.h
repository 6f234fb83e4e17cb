/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the live view shows of one peer, as figures; and in which order, and which of them. */
#ifndef METRO_LIVE_ROWS_H
#define METRO_LIVE_ROWS_H

#include <stdbool.h>

#include "prefix.h"
#include "record.h"

#define LIVE_HISTORY 60 /* seconds, or other intervals */
#define LIVE_NAME    80
#define LIVE_PLACE   24 /* an interface, and the way if that is not out: "eth0:in" */
#define LIVE_NONE    (-1.0)

enum live_column {
	LIVE_PEER,
	LIVE_IFACE,
	LIVE_CONNECTIONS,
	LIVE_RATE,
	LIVE_LAST,
	LIVE_MIN,
	LIVE_MEAN,
	LIVE_P50,
	LIVE_P95,
	LIVE_P99,
	LIVE_JITTER,
	LIVE_RETRANSMISSIONS,
	LIVE_COLUMNS,
	LIVE_SPARK = LIVE_COLUMNS, /* no order goes by it */
};

struct window;
struct live_peer;

/* Times are ms; LIVE_NONE: there is none. */
struct live_row {
	char name[LIVE_NAME]; /* its name, or else the address */
	char address[ADDRESS_TEXT];
	char place[LIVE_PLACE];
	__u32 number;                  /* of the interface and the way: tells rows apart */
	double figures[LIVE_COLUMNS];  /* from LIVE_CONNECTIONS on */
	double samples;                /* all of them */
	float history[LIVE_HISTORY];   /* p50 of each interval, the newest last */
	const struct window *measured; /* where the percentiles come from */
	const struct live_peer *peer;  /* what else is known; NULL: it has to be asked for */
	unsigned int round;            /* of wire_rows: when it was read last */
	__u64 percentiles_of;          /* so many samples */
};

/* A figure, the percentiles made anew where there have been samples since. */
double live_figure(struct live_row *row, enum live_column column);

struct live_order {
	enum live_column column;
	bool reversed;          /* smallest figure or last name first */
	char filter[LIVE_NAME]; /* a part of name, address or interface, in any case; "": all */
};

/* Is it to be shown? */
bool live_matches(const struct live_row *row, const char *filter);

/* Leaves those that match at the front, in order. Returns how many. Figures: the largest first;
 * texts: in alphabetical order. */
size_t live_arrange(struct live_row **rows, size_t count, const struct live_order *order);

#endif
