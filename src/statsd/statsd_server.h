/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which StatsD server: chosen from the configuration and from the environment variables that
 * Datadog's clients know.
 */
#ifndef METRO_STATSD_SERVER_H
#define METRO_STATSD_SERVER_H

#include "config.h"
#include "prefix.h"

#define STATSD_PORT        8125
#define STATSD_NAME        254 /* RFC 1035, 2.3.4: at most 253 characters as text */
#define STATSD_PATH        108 /* sizeof(sun_path), see unix(7) */
#define STATSD_SERVER_TEXT (STATSD_NAME + ADDRESS_TEXT + sizeof("[]:65535 ()"))

enum statsd_transport {
	STATSD_UDP,
	STATSD_UNIX, /* whichever of the two that listens at the path */
	STATSD_UNIXGRAM,
	STATSD_UNIXSTREAM,
};

struct statsd_server {
	enum statsd_transport transport;
	char name[STATSD_NAME]; /* of the host, to be looked up; "": none */
	bool known;             /* addr is valid; false: the name was not looked up yet */
	struct address addr;
	unsigned int port;
	char path[STATSD_PATH]; /* of a Unix socket; "@NAME" is an abstract one, see unix(7) */
};

/*
 * The first that is there of: statsd_socket; statsd_ip with statsd_port (or 8125);
 * DD_DOGSTATSD_URL; DD_AGENT_HOST with DD_DOGSTATSD_PORT; 127.0.0.1:8125. With statsd_port alone
 * the host comes from DD_AGENT_HOST. Empty variables are as good as none. Returns 0 or -EINVAL,
 * reported under the name of the key or variable that is wrong.
 */
int statsd_server_choose(struct statsd_server *server, const struct config *config);

/* Whether both name the same server, no matter what address it was found to have. */
bool statsd_server_same(const struct statsd_server *a, const struct statsd_server *b);

/* For people: "192.0.2.1:8125", "[::1]:8125", "name:8125", "name:8125 (192.0.2.1)" or
 * "unix:///path". Returns text. */
char *statsd_server_text(const struct statsd_server *server, char text[STATSD_SERVER_TEXT]);

#endif
