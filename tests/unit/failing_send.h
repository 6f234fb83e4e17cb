/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* send() of the C library, except that it can be told to fail. */
#ifndef METRO_TEST_FAILING_SEND_H
#define METRO_TEST_FAILING_SEND_H

#include <errno.h>
#include <sys/socket.h>

/* The next fail_sends calls fail, with this error. */
static int fail_sends;
static int fail_errno;

ssize_t send(int fd, const void *buffer, size_t length, int flags)
{
	if (fail_sends) {
		fail_sends--;
		errno = fail_errno;
		return -1;
	}
	return sendto(fd, buffer, length, flags, NULL, 0);
}

#endif
