/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whether a StatsD server takes our datagrams: one line in the log when that changes. */
#ifndef METRO_STATSD_OUTAGE_H
#define METRO_STATSD_OUTAGE_H

#include "types.h"

/* All zero: the server takes them, as far as anybody knows. Times are ms, monotonic. */
struct statsd_outage {
	bool failing;
	int error;      /* that it began with, -errno */
	__u64 since_ms; /* when failing began */
	__u64 taken_ms; /* the last report that came through; 0: none yet */
	__u64 last_error_ms;
	__u64 lost; /* datagrams refused since failing began, and shortly before */
};

/* error: -errno; -EAGAIN: the socket to it stays full, -ENOBUFS: a report was too large,
 * -EDESTADDRREQ: its address is not known yet. */
void statsd_outage_begin(struct statsd_outage *outage, const char *server, int error, __u64 now_ms);

/* How a server fares, by the verdict on the latest report that had something for it. */
struct statsd_state {
	const char *server; /* as text */
	bool heard;         /* there was a verdict; else nothing was sent to it yet */
	bool failing;       /* it does not take metrics .. */
	const char *error;  /* .. because of this; NULL */
	__u64 since_ms;     /* when that began, or the last report that it took; 0: neither */
};

struct statsd_state statsd_outage_state(const struct statsd_outage *outage, const char *server);

/* Whether another address of the server may work better: false for 0 and for errors of our own
 * making. */
bool statsd_outage_is_of_address(int error);

/* A report came through completely. Ends the outage, unless the last error is too recent to say. */
void statsd_outage_end(struct statsd_outage *outage, const char *server, __u64 now_ms);

#endif
