/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Binds one address: [::] is every IPv6 address, and no IPv4 address. */
#include "metrics_socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 128 /* a crowd waits rather than come again after a second */

static socklen_t make_address(struct sockaddr_storage *to, const struct address *addr,
			      unsigned int port)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)to;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)to;

	*to = (struct sockaddr_storage){};
	if (address_is_v4(addr)) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((__u16)port);
		memcpy(&v4->sin_addr, addr->bytes + 12, sizeof(v4->sin_addr));
		return sizeof(*v4);
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons((__u16)port);
	memcpy(&v6->sin6_addr, addr->bytes, sizeof(v6->sin6_addr));
	return sizeof(*v6);
}

/* After a restart, connections of the former process may still be winding up. */
static int set_options(int fd, int family)
{
	const int on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)))
		return -errno;
	if (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)))
		return -errno;
	return 0;
}

int metrics_socket_listen(const struct address *addr, unsigned int port)
{
	struct sockaddr_storage to;
	socklen_t length = make_address(&to, addr, port);
	int fd = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err;

	if (fd < 0)
		return -errno;
	err = set_options(fd, to.ss_family);
	if (!err && (bind(fd, (struct sockaddr *)&to, length) || listen(fd, BACKLOG)))
		err = -errno;
	if (!err)
		return fd;
	close(fd);
	return err;
}
