/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writes to standard output. While it waits for the reader, it stops when we are told to end. */
#include "output.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "clock.h"
#include "descriptor.h"
#include "log.h"

#define FORMAT_MAX  1024
#define PATIENCE_MS 100
#define LAST_MS     2000 /* at the end, for a reader that takes nothing */

/* With each end of a line as two bytes, what a pty that is writable has room for. */
#define SCREEN_PART 128

void output_init(struct output *output, int fd)
{
	output->fd = fd;
	output->error = 0;
	output->patient = true;
	output->room = -1;
	output->awaited = false;
	output->backlog = (struct backlog){};
	output->lost = 0;
	output->length = 0;
}

int output_open(struct output *output, int fd)
{
	output_init(output, fd);
	output->patient = false;
	output->room = epoll_create1(EPOLL_CLOEXEC);
	return output->room < 0 ? -errno : 0;
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

/* How much a write takes at once. A file has always room; poll(2) promises others room for a piece.
 * The kernel can write what there is room for in one call (RWF_NOWAIT), to pipes without a name
 * since Linux 6.4, to /dev/null before that: two calls for each 4 KB were a sixth of the time that
 * a capture took as text. */
struct writing {
	int fd;
	size_t piece;
	bool nowait;
};

static struct writing writing_to(int fd)
{
	if (is_file(fd))
		return (struct writing){.fd = fd, .piece = SIZE_MAX};
	if (isatty(fd))
		return (struct writing){.fd = fd, .piece = SCREEN_PART};
	return (struct writing){.fd = fd, .piece = PIPE_BUF, .nowait = true};
}

static ssize_t write_piece(const struct writing *w, const char *bytes, size_t length)
{
	struct pollfd writable = {.fd = w->fd, .events = POLLOUT};

	if (w->piece != SIZE_MAX && poll(&writable, 1, 0) <= 0) {
		errno = EAGAIN;
		return -1;
	}
	return write(w->fd, bytes, length < w->piece ? length : w->piece);
}

/* As write(2), but where that would wait, it fails with EAGAIN. */
static ssize_t write_now(struct writing *w, const char *bytes, size_t length)
{
	const struct iovec all = {.iov_base = (char *)bytes, .iov_len = length};
	ssize_t written;

	if (!w->nowait)
		return write_piece(w, bytes, length);
	written = pwritev2(w->fd, &all, 1, -1, RWF_NOWAIT);
	if (written >= 0 || errno != EOPNOTSUPP)
		return written;
	w->nowait = false;
	return write_piece(w, bytes, length);
}

/* Returns how many bytes were written: all, unless there is an error or no patience. */
static size_t write_some(struct output *output, const char *bytes, size_t length)
{
	struct writing writing = writing_to(output->fd);
	size_t done = 0;
	ssize_t written;

	while (done < length && !output->error) {
		written = write_now(&writing, bytes + done, length - done);
		if (written >= 0)
			done += (size_t)written;
		else if (errno == EAGAIN && !output->patient)
			break;
		else if (errno == EAGAIN)
			output->error = wait_writable(output->fd);
		else if (errno != EINTR)
			output->error = -errno;
	}
	return done;
}

/* Is there nothing that waits any more? */
static bool write_backlog(struct output *output)
{
	size_t count, written;

	while (output->backlog.count) {
		const char *first = backlog_first(&output->backlog, &count);

		written = write_some(output, first, count);
		backlog_take(&output->backlog, written);
		if (written < count)
			return false;
	}
	return true;
}

/* Keeps whole lines, for which there is room. Nothing may be left out if a part of a line has just
 * been written: then there is all room, or, without memory, patience. */
static void keep(struct output *output, const char *bytes, size_t length)
{
	size_t room = backlog_room(&output->backlog), kept = length;
	bool patient = output->patient;

	if (!output->backlog.bytes) {
		output->patient = true;
		write_some(output, bytes, length);
		output->patient = patient;
		return;
	}
	if (length > room) {
		kept = room;
		while (kept && bytes[kept - 1] != '\n')
			kept--;
		output->lost += backlog_lines(bytes + kept, length - kept);
	}
	backlog_add(&output->backlog, bytes, kept);
}

/* Has room become readable when the reader takes more. */
static void await_room(struct output *output, bool on)
{
	struct epoll_event event = {.events = EPOLLOUT};

	if (output->room < 0 || output->awaited == on)
		return;
	output->awaited = on;
	epoll_ctl(output->room, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, output->fd, &event);
}

static void write_what_is_there(struct output *output)
{
	size_t written = 0;

	if (write_backlog(output))
		written = write_some(output, output->bytes, output->length);
	if (!output->error && written < output->length)
		keep(output, output->bytes + written, output->length - written);
	if (output->error) {
		backlog_drop(&output->backlog);
		log_error("cannot write the samples: %s", strerror(-output->error));
	}
	await_room(output, output->backlog.count);
}

int output_flush(struct output *output)
{
	if (!output->error && (output->length || output->backlog.count))
		write_what_is_there(output);
	output->length = 0;
	return output->error;
}

/* Nobody reads any more. */
static void give_up(struct output *output)
{
	size_t lines = backlog_drop(&output->backlog);

	output->lost += lines;
	output->error = -ETIMEDOUT;
	log_error("cannot write the samples: standard output is not read; %zu lines are lost",
		  lines);
}

int output_drain(struct output *output)
{
	struct pollfd writable = {.fd = output->fd, .events = POLLOUT};
	__u64 until_ms = monotonic_ms() + LAST_MS;
	size_t before = output->backlog.count;

	while (!output_flush(output) && output->backlog.count) {
		if (output->backlog.count != before)
			until_ms = monotonic_ms() + LAST_MS;
		before = output->backlog.count;
		if (asked_to_end() || monotonic_ms() > until_ms) {
			give_up(output);
			break;
		}
		poll(&writable, 1, PATIENCE_MS);
	}
	return output->error;
}

int output_close(struct output *output)
{
	output_drain(output);
	descriptor_close(&output->room);
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
