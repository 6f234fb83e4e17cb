/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One request, and its answer, by a set time. */
#include "control_client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "control.h"

#define PIECE    65536
#define RETRY_MS 10

struct text {
	char *at;
	size_t length, room;
};

/* Waits until there is something to read. Returns 0 or -errno. */
static int await(int fd, __u64 end_ms)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	__u64 now = monotonic_ms();
	int n = now < end_ms ? poll(&wait, 1, (int)(end_ms - now)) : 0;

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	return n ? 0 : -ETIMEDOUT;
}

/* Returns 0 once the line is complete, -EAGAIN: not yet, or another -errno. */
static int read_piece(int fd, struct text *text)
{
	ssize_t n;
	char *end;

	if (text->length + PIECE > text->room) {
		size_t room = 2 * text->room + PIECE;
		char *at = room > 2 * CONTROL_ANSWER_MAX ? NULL : realloc(text->at, room);

		if (!at)
			return room > 2 * CONTROL_ANSWER_MAX ? -EMSGSIZE : -ENOMEM;
		text->at = at;
		text->room = room;
	}
	n = recv(fd, text->at + text->length, PIECE - 1, MSG_DONTWAIT);
	if (n <= 0)
		return !n ? -EPIPE : errno == EINTR ? -EAGAIN : -errno;
	end = memchr(text->at + text->length, '\n', (size_t)n);
	text->length += (size_t)n;
	if (!end)
		return -EAGAIN;
	*end = '\0';
	return 0;
}

static int read_line(int fd, __u64 end_ms, struct text *text)
{
	int err = -EAGAIN;

	while (err == -EAGAIN) {
		err = await(fd, end_ms);
		if (!err)
			err = read_piece(fd, text);
	}
	return err;
}

/* A daemon that is busy has others waiting, too. */
static int connect_by(const char *path, __u64 end_ms)
{
	const struct timespec pause = {.tv_nsec = RETRY_MS * NS_PER_MS};
	int fd;

	while ((fd = control_socket_connect(path)) == -EAGAIN) {
		if (monotonic_ms() >= end_ms)
			return -ETIMEDOUT;
		nanosleep(&pause, NULL);
	}
	return fd;
}

static int send_request(int fd, const char *verb)
{
	char request[CONTROL_REQUEST];
	int length = snprintf(request, sizeof(request), "%s\n", verb);

	if (length >= (int)sizeof(request))
		return -EINVAL;
	return send(fd, request, (size_t)length, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int control_ask(const char *path, const char *verb, unsigned int timeout_ms, char **answer)
{
	__u64 end_ms = monotonic_ms() + timeout_ms;
	struct text text = {};
	int fd = connect_by(path, end_ms), err;

	if (fd < 0)
		return fd;
	err = send_request(fd, verb);
	if (!err)
		err = read_line(fd, end_ms, &text);
	close(fd);
	if (err)
		free(text.at);
	else
		*answer = text.at;
	return err == -ECONNRESET ? -EPIPE : err;
}
