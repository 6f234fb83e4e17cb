/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Waits for events, and moves bytes for as long as a socket takes or gives them. */
#include "transfer.h"

#define BUFFER_BYTES (256 * 1024)

static char buffer[BUFFER_BYTES]; /* sent as it is, received into and forgotten */

int watch(int epoll_fd, int operation, int fd, uint32_t events, void *owner)
{
	struct epoll_event event = {.events = events, .data.ptr = owner};

	return epoll_ctl(epoll_fd, operation, fd, &event) < 0 ? -errno : 0;
}

int wait_for_events(int epoll_fd, struct epoll_event *events, uint64_t deadline)
{
	uint64_t ms = (ns_until(deadline) + NS_PER_MS - 1) / NS_PER_MS;
	int timeout = ms < INT32_MAX ? (int)ms : INT32_MAX;
	int count = epoll_wait(epoll_fd, events, EVENTS_A_WAIT, timeout);

	if (count < 0)
		return errno == EINTR ? 0 : fail(errno, "cannot wait for events");
	return count;
}

ssize_t move_bytes(int fd, uint64_t *left, ssize_t (*move)(int fd, size_t most))
{
	size_t most = *left < BUFFER_BYTES ? (size_t)*left : BUFFER_BYTES;
	ssize_t moved = move(fd, most);

	if (moved < 0)
		return -errno;
	if (moved == 0)
		return -ECONNRESET;
	if (*left != ENDLESS)
		*left -= (uint64_t)moved;
	return moved;
}

ssize_t send_buffer(int fd, size_t most)
{
	return send(fd, buffer, most, MSG_NOSIGNAL);
}

ssize_t receive_buffer(int fd, size_t most)
{
	return recv(fd, buffer, most, 0);
}
