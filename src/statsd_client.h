/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Gauges to a StatsD server: packs lines into datagrams and sends them over UDP without ever
 * waiting. What the server does not get is counted, and told once.
 */
#ifndef METRO_STATSD_CLIENT_H
#define METRO_STATSD_CLIENT_H

#include "types.h"

/* What fits into an Ethernet frame behind the headers of UDP, IP and a tunnel or two. */
#define STATSD_DATAGRAM_MAX 1432

struct statsd_client;

/*
 * A datagram is sent or refused, never both, and one or the other only when its report's verdict is
 * in: the network tells of a missing server after the fact, and without saying which datagrams it
 * means. If it complains before the next report begins, the whole report counts as refused.
 */
struct statsd_counters {
	__u64 lines;    /* packed into datagrams */
	__u64 overlong; /* lines that no datagram can hold: left out */
	__u64 sent;     /* datagrams handed to the network, and nobody complained */
	__u64 refused;  /* datagrams that the network or the server did not take */
};

/* host is a numeric address or "localhost" (127.0.0.1). Returns 0, -EINVAL (reported) if host is
 * something else, or -ENOMEM. A server that can't be reached now is no error: it may appear later.
 */
int statsd_client_open(struct statsd_client **client, const char *host, unsigned int port);

/* Sends what is left, logs the counters and frees the client. NULL is ignored. */
void statsd_client_close(struct statsd_client *client);

/* Changes to another server between two reports; the counters go on. Returns 0, or -EINVAL
 * (reported), after which everything is as before. */
int statsd_client_redirect(struct statsd_client *client, const char *host, unsigned int port);

/* A report: begin, any number of gauges, end. tags is the list behind "|#". */
void statsd_client_begin(struct statsd_client *client);
void statsd_client_gauge(struct statsd_client *client, const char *name, double value,
			 const char *tags);
/* One line as it is, without a newline; and how long it may be. */
void statsd_client_line(struct statsd_client *client, const char *line, size_t length);
size_t statsd_client_line_max(const struct statsd_client *client);
void statsd_client_end(struct statsd_client *client);

const struct statsd_counters *statsd_client_counters(const struct statsd_client *client);

#endif
