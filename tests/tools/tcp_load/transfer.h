/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What both sides need: the header that starts a connection, events, and moving bytes. */
#ifndef TCP_LOAD_TRANSFER_H
#define TCP_LOAD_TRANSFER_H

#include "../toolkit.h"

#include <sys/epoll.h>

#define EVENTS_A_WAIT 64
#define STEPS_A_TURN  16 /* reads or writes of one connection before others get their turn */

#define HEADER_MAGIC  0x6d6574726f6c6f64ULL /* "metrolod" */
#define ENDLESS       UINT64_MAX

/* Big endian on the wire. */
struct header {
	uint64_t magic;
	uint64_t request, response;
};

int watch(int epoll_fd, int operation, int fd, uint32_t events, void *owner);

/* Returns the number of events or -errno. */
int wait_for_events(int epoll_fd, struct epoll_event *events, uint64_t deadline);

/*
 * Moves bytes of one direction and counts *left down. Returns the number moved, -EAGAIN, or
 * another -errno, unreported. The peer's end of stream is -ECONNRESET: nobody here expects one.
 */
ssize_t move_bytes(int fd, uint64_t *left, ssize_t (*move)(int fd, size_t most));

/* Ways to move them. */
ssize_t send_buffer(int fd, size_t most);
ssize_t receive_buffer(int fd, size_t most);

#endif
