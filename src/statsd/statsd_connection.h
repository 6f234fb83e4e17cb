/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The connection to a StatsD server: the addresses of its name, of which the next is tried when one
 * does not work, and the socket, which is opened again with back-off.
 */
#ifndef METRO_STATSD_CONNECTION_H
#define METRO_STATSD_CONNECTION_H

#include "statsd_server.h"
#include "statsd_socket.h"

#define STATSD_ADDRESSES 16 /* of a name, at most; more are not tried */

struct statsd_connection {
	struct statsd_server server;
	char text[STATSD_SERVER_TEXT]; /* the server's */
	struct statsd_socket socket;

	/* private */
	struct address addrs[STATSD_ADDRESSES]; /* of the server's name, the best first */
	size_t count;
	__u64 retry_ms; /* no attempt to connect before this time */
	__u64 backoff_ms;
};

/* Zeroed memory with a socket from statsd_socket_init is a connection to nobody. Connects to a
 * server, at once; socket.fd is the result. */
void statsd_connection_open(struct statsd_connection *connection,
			    const struct statsd_server *server);

/* Connects again; where an address has no route, to the next one that has. */
void statsd_connection_renew(struct statsd_connection *connection);

/* Whether a connection that could not be made is worth another attempt now. */
bool statsd_connection_is_due(const struct statsd_connection *connection);

/* The current address does not work: the next statsd_connection_renew begins with another, if the
 * name has one. */
void statsd_connection_turn(struct statsd_connection *connection);

/* The name to be looked up, valid until another server is opened; NULL: there is none. */
const char *statsd_connection_name(const struct statsd_connection *connection);

/* Takes the addresses that the name resolved to, the best first. The current address stays while it
 * is one of them. Else this returns true, and server is what to open. An empty list changes
 * nothing. */
bool statsd_connection_learn(struct statsd_connection *connection, const struct address *addrs,
			     size_t count, struct statsd_server *server);

/* Forgets the addresses: another server will be opened. */
void statsd_connection_forget(struct statsd_connection *connection);

#endif
