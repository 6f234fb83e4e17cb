/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What an error of a socket says of the server, and the two lines in the log: it is gone, it is
 * back. */
#include "statsd_outage.h"

#include <errno.h>
#include <string.h>

#include "log.h"
#include "privileges.h"

/* The kernel gives up a host that does not answer after 3 s, and only then tells us. If reports
 * come faster than that, one without an error means nothing until this much time has passed. This
 * also keeps a server that is just too slow from filling the log. */
#define QUIET_MS 4000

static const char *reason(int error)
{
	switch (error) {
	case -EAGAIN:
		return "it is too slow, the socket to it is full";
	case -ENOBUFS:
		return "a report is larger than the 16 MB that may wait to be sent";
	case -EDESTADDRREQ:
		return "its name has not been resolved yet";
	case -ENOENT:
		return "there is no such socket";
	default:
		return strerror(-error);
	}
}

bool statsd_outage_is_of_address(int error)
{
	switch (error) {
	case 0:
	case -EAGAIN:
	case -ENOBUFS:
	case -ENOMEM:
	case -EMSGSIZE:
	case -EDESTADDRREQ:
		return false;
	default:
		return true;
	}
}

void statsd_outage_begin(struct statsd_outage *outage, const char *server, int error, __u64 now_ms)
{
	outage->last_error_ms = now_ms;
	if (outage->failing)
		return;
	outage->failing = true;
	outage->error = error;
	outage->since_ms = now_ms;
	log_warning("StatsD server %s: %s; metrics are lost until it takes them again%s", server,
		    reason(error), privileges_advice(error));
}

void statsd_outage_end(struct statsd_outage *outage, const char *server, __u64 now_ms)
{
	outage->taken_ms = now_ms;
	if (!outage->failing || now_ms - outage->last_error_ms < QUIET_MS)
		return;
	log_info("StatsD server %s takes metrics again; %llu datagrams were lost", server,
		 (unsigned long long)outage->lost);
	outage->failing = false;
	outage->lost = 0;
}

struct statsd_state statsd_outage_state(const struct statsd_outage *outage, const char *server)
{
	return (struct statsd_state){
		.server = server,
		.heard = outage->failing || outage->taken_ms,
		.failing = outage->failing,
		.error = outage->failing ? reason(outage->error) : NULL,
		.since_ms = outage->failing ? outage->since_ms : outage->taken_ms,
	};
}
