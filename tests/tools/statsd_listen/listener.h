/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where datagrams come from: a UDP socket, or a Unix socket of either type. */
#ifndef METRO_STATSD_LISTEN_LISTENER_H
#define METRO_STATSD_LISTEN_LISTENER_H

#include <stddef.h>
#include <stdint.h>

#define LISTENER_DATAGRAM_MAX 65535 /* more than UDP can carry, so nothing is ever cut */
#define LISTENER_PATH_MAX     107   /* unix(7) */

enum listener_kind { LISTENER_UDP, LISTENER_UNIXGRAM, LISTENER_UNIXSTREAM };

struct listener_options {
	enum listener_kind kind;
	const char *address; /* UDP */
	uint16_t port;
	const char *path; /* Unix; "@NAME" is an abstract one */
	int buffer;       /* bytes; 0: the system's default, -1: large */
};

struct listener;

/* Returns 0 and says "listening on .." on standard error, or -errno, reported. */
int listener_open(struct listener **listener, const struct listener_options *options);

/* Removes the socket's file, too. */
void listener_close(struct listener *listener);

/* The next datagram, of up to LISTENER_DATAGRAM_MAX bytes. Returns 1; 0 when stop_fd is readable or
 * the deadline (toolkit.h) has passed; or -errno, reported. */
int listener_receive(struct listener *listener, int stop_fd, uint64_t deadline, char *datagram,
		     size_t *length);

#endif
