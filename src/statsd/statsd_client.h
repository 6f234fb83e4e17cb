/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Lines to a StatsD server: packs them into datagrams and sends those, a report as a series of
 * small bursts, without ever waiting. What the server does not get is counted, and logged once.
 */
#ifndef METRO_STATSD_CLIENT_H
#define METRO_STATSD_CLIENT_H

#include "config.h"
#include "statsd_outage.h"

/* What fits into an Ethernet frame after the headers of UDP, IP and a tunnel or two. */
#define STATSD_DATAGRAM_MAX 1432
/* The Datadog Agent's buffer for one packet, as long as nobody changes its dogstatsd_buffer_size.
 */
#define STATSD_DATAGRAM_MAX_UNIX 8192

struct statsd_client;

/*
 * A datagram counts as sent or as refused, never both, and only when its report's verdict is known:
 * the network reports a missing server afterwards, without saying which datagrams it means. If it
 * complains before the next report begins, the whole report counts as refused.
 */
struct statsd_counters {
	__u64 lines;    /* packed into datagrams */
	__u64 overlong; /* lines that no datagram can hold: left out */
	__u64 sent;     /* datagrams handed to the network, and nobody complained */
	__u64 refused;  /* datagrams that the network or the server did not take */
};

/* The server comes from the configuration and the environment (statsd_choice.h). Returns 0, -EINVAL
 * (reported) if one of them is wrong, -ENOMEM, or another -errno (reported). A server that can't be
 * reached now is no error: it may appear later. */
int statsd_client_open(struct statsd_client **client, const struct config *config);

/* Sends what is left, for which it waits half a second at most, logs the counters and frees the
 * client. NULL is ignored. */
void statsd_client_close(struct statsd_client *client);

/* Changes to another server between two reports; the counters go on. Returns 0, or -EINVAL
 * (reported), after which everything is as before. */
int statsd_client_redirect(struct statsd_client *client, const struct config *config);

/* The host name to be looked up for statsd_client_set_server, valid until the next redirect; NULL
 * where there is an address or a Unix socket. Until it is known, datagrams are refused. */
const char *statsd_client_server_name(const struct statsd_client *client);

/* What the name resolved to, the best first. The present address stays while it is one of them;
 * else the first is taken. One that does not take a report gives way to the next of them. No
 * addresses change nothing. */
void statsd_client_set_server(struct statsd_client *client, const struct address *addrs,
			      size_t count);

/* A report: begin, any number of lines, end. Lines come without a newline. A report of a few
 * datagrams leaves within end, the rest of a larger one with statsd_client_resume. Until the next
 * one begins, more lines and another end add to it. */
void statsd_client_begin(struct statsd_client *client);
void statsd_client_line(struct statsd_client *client, const char *line, size_t length);
void statsd_client_end(struct statsd_client *client);

/* Bytes of the longest line that a datagram holds: STATSD_DATAGRAM_MAX or _UNIX. */
size_t statsd_client_line_max(const struct statsd_client *client);

/* A descriptor that is readable when statsd_client_resume should be called; the client's, the same
 * as long as it lives. */
int statsd_client_fd(const struct statsd_client *client);
void statsd_client_resume(struct statsd_client *client);

/* The text is valid until the client is used again. */
struct statsd_state statsd_client_state(const struct statsd_client *client);

const struct statsd_counters *statsd_client_counters(const struct statsd_client *client);

#endif
