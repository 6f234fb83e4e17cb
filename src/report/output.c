/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writes to standard output, waits for a reader that lags behind, and stops when we are told to
 * end. */
#include "output.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"

#define FORMAT_MAX  1024
#define PATIENCE_MS 100

void output_init(struct output *output, int fd)
{
	output->fd = fd;
	output->error = 0;
	output->length = 0;
}

/* Has a signal to end arrived? Signals are blocked and read from a descriptor (event_loop.h), which
 * nobody watches while output is stuck. */
static bool asked_to_end(void)
{
	sigset_t pending;

	return !sigpending(&pending) &&
	       (sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1 ||
		sigismember(&pending, SIGQUIT) == 1);
}

/* Waits for a slow reader. Returns 0, or -EINTR if it is time to end. */
static int wait_writable(int fd)
{
	struct pollfd writable = {.fd = fd, .events = POLLOUT};

	while (poll(&writable, 1, PATIENCE_MS) <= 0)
		if (asked_to_end())
			return -EINTR;
	return 0;
}

static bool is_file(int fd)
{
	struct stat stat;

	return !fstat(fd, &stat) && S_ISREG(stat.st_mode);
}

static int write_all(int fd, const char *bytes, size_t length)
{
	size_t piece = is_file(fd) ? length : PIPE_BUF; /* poll(2) promises room for no more */
	ssize_t written;
	int err = 0;

	while (length && !err) {
		if (piece == PIPE_BUF)
			err = wait_writable(fd);
		if (err)
			break;
		written = write(fd, bytes, length < piece ? length : piece);
		if (written >= 0) {
			bytes += written;
			length -= written;
		} else if (errno != EAGAIN && errno != EINTR) {
			err = -errno;
		}
	}
	return err;
}

int output_flush(struct output *output)
{
	if (!output->error && output->length) {
		output->error = write_all(output->fd, output->bytes, output->length);
		if (output->error)
			log_error("cannot write the samples: %s", strerror(-output->error));
	}
	output->length = 0;
	return output->error;
}

void output_bytes(struct output *output, const void *bytes, size_t length)
{
	const char *from = bytes;
	size_t room, part;

	while (length) {
		if (output->length == sizeof(output->bytes))
			output_flush(output);
		room = sizeof(output->bytes) - output->length;
		part = length < room ? length : room;
		memcpy(output->bytes + output->length, from, part);
		output->length += part;
		from += part;
		length -= part;
	}
}

void output_text(struct output *output, const char *text)
{
	output_bytes(output, text, strlen(text));
}

char *output_room(struct output *output, size_t size)
{
	if (sizeof(output->bytes) - output->length < size)
		output_flush(output);
	return output->bytes + output->length;
}

void output_filled(struct output *output, const char *end)
{
	output->length = (size_t)(end - output->bytes);
}

void output_format(struct output *output, const char *format, ...)
{
	char text[FORMAT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	output_text(output, text);
}
