/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Tells another process something, as one datagram to a Unix socket: systemd's protocol
 * (sd_notify(3)), and answers to requests for a reload (reload_reply.h). */
#ifndef METRO_NOTIFY_H
#define METRO_NOTIFY_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

struct notify_address {
	struct sockaddr_un name;
	socklen_t length; /* 0: none */
};

/* From a path, or "@NAME" for an abstract socket. Returns 0 or -EINVAL: neither, or too long. */
int notify_address_parse(const char *text, struct notify_address *address);

/* A socket to send with, any number of times to any addresses. Returns it or -errno. */
int notify_socket(void);

/* wait: up to a second while the receiver's queue is full; else the datagram is lost then. Returns
 * 0 or -errno. */
int notify_send(int fd, const struct notify_address *address, const char *text, bool wait);

#endif
