/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "output.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

#define NUMBER_DIGITS 20 /* of 2^64 */
#define FORMAT_MAX    1024

void output_init(struct output *output, int fd)
{
	output->fd = fd;
	output->error = 0;
	output->length = 0;
}

/* Whoever started us may have left us a terminal or a pipe that is in non-blocking mode. */
static void wait_writable(int fd)
{
	struct pollfd writable = {.fd = fd, .events = POLLOUT};

	poll(&writable, 1, -1);
}

static int write_all(int fd, const char *bytes, size_t length)
{
	ssize_t written;

	while (length) {
		written = write(fd, bytes, length);
		if (written >= 0) {
			bytes += written;
			length -= written;
		} else if (errno == EAGAIN) {
			wait_writable(fd);
		} else if (errno != EINTR) {
			return -errno;
		}
	}
	return 0;
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

void output_number(struct output *output, __u64 number)
{
	char digits[NUMBER_DIGITS];
	unsigned int at = sizeof(digits);

	do {
		digits[--at] = '0' + number % 10;
		number /= 10;
	} while (number);
	output_bytes(output, digits + at, sizeof(digits) - at);
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
