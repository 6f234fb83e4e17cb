/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Somebody who listens where a service manager would. Include after cmocka.h. */
#ifndef METRO_TEST_MANAGER_H
#define METRO_TEST_MANAGER_H

#include "capture.h"
#include "notify.h"

/* A datagram socket at a path or "@NAME"; receiving waits for two seconds. */
static inline int manager_open(const char *text)
{
	const struct timeval patience = {.tv_sec = 2};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct notify_address address;

	assert_int_equal(notify_address_parse(text, &address), 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address.name, address.length), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

/* The next datagram is this. */
static inline void assert_told(int fd, const char *expected)
{
	char text[1024];

	assert_true(server_receive(fd, text, sizeof(text)) >= 0);
	assert_string_equal(text, expected);
}

/* There is none. */
static inline void assert_silence(int fd)
{
	char text[16];

	assert_int_equal(recv(fd, text, sizeof(text), MSG_DONTWAIT), -1);
}

#endif
