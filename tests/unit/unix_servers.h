/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Servers at a Unix socket, in a directory of the test's own, and clients that send to them.
 * Include after cmocka.h. */
#ifndef METRO_TEST_UNIX_SERVERS_H
#define METRO_TEST_UNIX_SERVERS_H

#include "clients.h"

static char path[] = "/tmp/metro-statsd-XXXXXX/dsd.socket";
static char url[150];

static inline void *directory_end(void)
{
	return strrchr(path, '/');
}

static inline int setup_path(void **state)
{
	*(char *)directory_end() = '\0';
	strcpy(strrchr(path, '-') + 1, "XXXXXX");
	if (!mkdtemp(path))
		return -1;
	path[strlen(path)] = '/';
	return setup_server(state);
}

static inline int teardown_path(void **state)
{
	teardown(state);
	unlink(path);
	*(char *)directory_end() = '\0';
	rmdir(path);
	path[strlen(path)] = '/';
	return 0;
}

/* A server at the path, in place of what is there. It does not get more than a few datagrams at a
 * time: net.unix.max_dgram_qlen, or what its buffer and the sender's hold. */
static inline int listen_as(int type)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	unlink(path);
	strcpy(address.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static inline void open_client(struct fixture *f, const char *scheme)
{
	snprintf(url, sizeof(url), "%s://%s", scheme, path);
	f->config.statsd_socket = url;
	assert_int_equal(statsd_client_open(&f->client, &f->config), 0);
}

#endif
