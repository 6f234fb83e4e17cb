/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A socket to a StatsD server: UDP, or Unix of either type. Nothing here ever waits.
 *
 * Over a stream each packet follows its length, 4 bytes in little-endian order, as the Datadog
 * Agent reads it (DataDog/datadog-agent pull request 20002).
 */
#ifndef METRO_STATSD_SOCKET_H
#define METRO_STATSD_SOCKET_H

#include "statsd_server.h"

struct statsd_socket {
	int fd; /* -errno: why there is none now */
	bool local, stream;
	size_t written; /* bytes of a packet, its length included, that has not gone out completely
			 */
};

/* A socket that is not connected. */
void statsd_socket_init(struct statsd_socket *sock);

/* Connects, after closing what was open. Returns 0 or -errno, which sock->fd is then, too:
 * -EDESTADDRREQ while the address of the server is not known. */
int statsd_socket_connect(struct statsd_socket *sock, const struct statsd_server *server);

/* error: the -errno to set sock->fd to. */
void statsd_socket_close(struct statsd_socket *sock, int error);

/* Returns 0; -EAGAIN if there is no room for all of it now; or another -errno. A stream may have
 * taken a part before -EAGAIN: the next call is with the same packet again, or the connection has
 * to be closed. */
int statsd_socket_send(struct statsd_socket *sock, const char *packet, size_t length);

/* What the network, or a stream's other end, has reported since the last call about packets already
 * taken: 0 or -errno. */
int statsd_socket_late_error(const struct statsd_socket *sock);

/* Whether an error of statsd_socket_send means that the server at the other end is gone: it may be
 * reached by connecting again. */
bool statsd_socket_is_gone(const struct statsd_socket *sock, int error);

#endif
