/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A StatsD server, as people write it: in the configuration and in the environment alike. */
#ifndef METRO_STATSD_SERVER_H
#define METRO_STATSD_SERVER_H

#include "host_name.h"
#include "prefix.h"

#define STATSD_PORT        8125
#define STATSD_NAME        (HOST_NAME_MAX_BYTES + 2) /* with a final dot */
#define STATSD_PATH        108 /* sizeof(sun_path), of which a final zero takes one: unix(7) */
#define STATSD_SERVER_TEXT (STATSD_NAME + ADDRESS_TEXT + sizeof("[]:65535 ()"))
#define STATSD_REASON      512

enum statsd_transport {
	STATSD_UDP,
	STATSD_UNIX, /* whichever of the two listens at the path */
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

/* Each of these fills in the server and returns 0; or returns -EINVAL, with what is wrong with the
 * text and what is accepted in reason; then the server's contents are undefined. */

/* An address or the name of a host, nothing after it; port 0 means STATSD_PORT. */
int statsd_server_parse_host(struct statsd_server *server, const char *text, unsigned int port,
			     char reason[STATSD_REASON]);

/* HOST, HOST:PORT, IPV6, [IPV6] or [IPV6]:PORT; port is for texts without one. */
int statsd_server_parse_endpoint(struct statsd_server *server, const char *text, unsigned int port,
				 char reason[STATSD_REASON]);

/* unix://PATH, unixgram://PATH or unixstream://PATH. */
int statsd_server_parse_socket(struct statsd_server *server, const char *url,
			       char reason[STATSD_REASON]);

/* One of these, or udp:// and an endpoint. */
int statsd_server_parse_url(struct statsd_server *server, const char *url,
			    char reason[STATSD_REASON]);

/* 1 to 65535. */
int statsd_port_parse(unsigned int *port, const char *text, char reason[STATSD_REASON]);

/* Whether both name the same server, no matter what address it was found to have. */
bool statsd_server_same(const struct statsd_server *a, const struct statsd_server *b);

/* For people: "192.0.2.1:8125", "[::1]:8125", "name:8125", "name:8125 (192.0.2.1)" or
 * "unix:///path". Returns text. */
char *statsd_server_text(const struct statsd_server *server, char text[STATSD_SERVER_TEXT]);

#endif
