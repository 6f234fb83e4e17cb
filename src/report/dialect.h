/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How a metric looks on the wire to each kind of server. */
#ifndef METRO_DIALECT_H
#define METRO_DIALECT_H

#include "config.h"
#include "container.h"
#include "line.h"
#include "metrics.h"

/* What all lines have in common. Borrowed texts; none may be NULL. */
struct wire {
	enum dialect dialect;
	const char *prefix; /* of metric names, with its final dot; "": none */
	/* DogStatsD: more tags for every line, separated by commas; or "" */
	const char *tags;
	const char *tags_of_others; /* .. where it has an origin of its own */
	const char *container;      /* DogStatsD: the id of our own container, or "" */
};

/* Who is measured. */
struct subject {
	const char *src;
	const char *dst;
	const char *iface;
	bool in; /* data that arrives: the tags say so, where there are any */
	/* The instance's, from tags_add_configured, and a container's behind them. */
	const char *tags;
	size_t tags_length;
};

/*
 * Appends a container to a list of tags, of which no more may follow: container_id and pod_uid, as
 * far as they are known, and for DogStatsD the origin, from which the Agent tells what other tags
 * belong to the container: |c:ID, or, if only the pod is known, the tag that tells the Agent of one
 * and | alone. start: as for tags_add_configured.
 */
void dialect_add_container(struct line *tags, size_t start, enum dialect dialect,
			   const struct container *container);

/*
 * Writes what tells one series of a metric from another:
 *
 *   dogstatsd  src:SRC,dst:DST,TAGS,iface:IFACE    and the origin behind a bar, if it has one
 *   graphite   ;src=SRC;dst=DST;TAGS;iface=IFACE
 *   influx     ,src=SRC,dst=DST,TAGS,iface=IFACE
 *   statsd     .SRC.DST.IFACE    without the tags; .SRC.DST.IFACE.in of data that arrives
 *   openmetrics                  ,src="SRC",dst="DST",TAGS,iface="IFACE"
 */
void dialect_series(struct line *series, enum dialect dialect, const struct subject *subject);

/*
 * A line: begin, one value or several with colons between them, end. series is from dialect_series,
 * or "" for a metric about bpf-metro itself.
 *
 *   dogstatsd  NAME:VALUE|g|#SERIES    .. |c and |d are the other types; |c:CONTAINER may follow,
 *              the series' own or else ours
 *   others     NAMESERIES:VALUE|g
 */
void dialect_begin(struct line *line, const struct wire *wire, const char *name,
		   const char *series);
void dialect_end(struct line *line, const struct wire *wire, enum metric_type type,
		 const char *series);

#endif
