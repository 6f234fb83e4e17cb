/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How a metric looks on the wire to each kind of server. */
#ifndef METRO_DIALECT_H
#define METRO_DIALECT_H

#include "config.h"
#include "line.h"
#include "metrics.h"

/* What all lines have in common. Borrowed texts; none may be NULL. */
struct wire {
	enum dialect dialect;
	const char *prefix;    /* of metric names, with its final dot; "": none */
	const char *tags;      /* DogStatsD: more tags for every line, separated by commas; or "" */
	const char *container; /* DogStatsD: the container's id, or "" */
};

/* Who is measured. */
struct subject {
	const char *src;
	const char *dst;
	const char *iface;
	const char *tags; /* the instance's, from tags_add_configured, .. */
	size_t tags_length;
};

/*
 * Writes what tells one series of a metric from another:
 *
 *   dogstatsd  src:SRC,dst:DST,TAGS,iface:IFACE
 *   graphite   ;src=SRC;dst=DST;TAGS;iface=IFACE
 *   influx     ,src=SRC,dst=DST,TAGS,iface=IFACE
 *   statsd     .SRC.DST.IFACE    without the tags
 */
void dialect_series(struct line *series, enum dialect dialect, const struct subject *subject);

/*
 * A line: begin, one value or several with colons between them, end. series is from dialect_series,
 * or "" for a metric about bpf-metro itself.
 *
 *   dogstatsd  NAME:VALUE|g|#SERIES    .. |c and |d are the other types; |c:CONTAINER may follow
 *   others     NAMESERIES:VALUE|g
 */
void dialect_begin(struct line *line, const struct wire *wire, const char *name,
		   const char *series);
void dialect_end(struct line *line, const struct wire *wire, enum metric_type type,
		 const char *series);

#endif
