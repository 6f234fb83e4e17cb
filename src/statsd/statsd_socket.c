/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Opens sockets of three kinds, and frames what goes over a stream. */
#include "statsd_socket.h"

#include <endian.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "addresses.h"
#include "descriptor.h"

#define PREFIX sizeof(__u32) /* before each packet of a stream */
/* Far more than wait: 255 with the usual buffer. No kernel, real or emulated, keeps us longer. */
#define ERRORS_AT_ONCE 4096

struct endpoint {
	union {
		struct sockaddr any;
		struct sockaddr_storage storage;
		struct sockaddr_in v4;
		struct sockaddr_un local;
	};
	socklen_t length;
};

static void endpoint_of_udp(struct endpoint *endpoint, const struct statsd_server *server)
{
	endpoint->length = address_to_socket(&server->addr, &endpoint->storage);
	endpoint->v4.sin_port = htons(server->port);
	_Static_assert(offsetof(struct sockaddr_in, sin_port) ==
			       offsetof(struct sockaddr_in6, sin6_port),
		       "IPv6 has the port where IPv4 has it");
}

/* An abstract name begins with a 0 and ends where the length says, without another. */
static void endpoint_of_path(struct endpoint *endpoint, const struct statsd_server *server)
{
	bool abstract = server->path[0] == '@';
	size_t length = strlen(server->path);

	_Static_assert(sizeof(endpoint->local.sun_path) == STATSD_PATH, "as unix(7) has it");
	endpoint->local.sun_family = AF_UNIX;
	memcpy(endpoint->local.sun_path, server->path, length);
	if (abstract)
		endpoint->local.sun_path[0] = '\0';
	endpoint->length = offsetof(struct sockaddr_un, sun_path) + length + !abstract;
}

/* With this we hear of unreachable hosts, too, not only of closed ports. */
static void ask_for_all_errors(int fd, int family)
{
	int on = 1;

	if (family == AF_INET)
		setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on));
	else if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on));
}

/* Returns a socket or -errno. */
static int connect_as(const struct endpoint *endpoint, int type)
{
	int family = endpoint->any.sa_family, fd, error;

	fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, &endpoint->any, endpoint->length)) {
		error = -errno;
		close(fd);
		return error;
	}
	ask_for_all_errors(fd, family);
	return fd;
}

void statsd_socket_init(struct statsd_socket *sock)
{
	*sock = (struct statsd_socket){.fd = -ENOTCONN};
}

void statsd_socket_close(struct statsd_socket *sock, int error)
{
	descriptor_close(&sock->fd);
	sock->fd = error;
	sock->written = 0;
}

int statsd_socket_connect(struct statsd_socket *sock, const struct statsd_server *server)
{
	struct endpoint endpoint = {0};

	statsd_socket_close(sock, -EDESTADDRREQ);
	sock->local = server->transport != STATSD_UDP;
	sock->stream = server->transport == STATSD_UNIXSTREAM;
	if (!sock->local && !server->known)
		return sock->fd;
	if (sock->local)
		endpoint_of_path(&endpoint, server);
	else
		endpoint_of_udp(&endpoint, server);
	sock->fd = connect_as(&endpoint, sock->stream ? SOCK_STREAM : SOCK_DGRAM);
	/* Which type listens may change with each restart of the server. */
	if (sock->fd == -EPROTOTYPE && server->transport == STATSD_UNIX) {
		sock->stream = true;
		sock->fd = connect_as(&endpoint, SOCK_STREAM);
	}
	return sock->fd < 0 ? sock->fd : 0;
}

/* ENOBUFS: the queue of the network card is full. IP_RECVERR makes that known (udp(7)). */
static int last_error(void)
{
	return errno == ENOBUFS || errno == ENOMEM ? -EAGAIN : -errno;
}

static ssize_t write_frame(const struct statsd_socket *sock, const char *packet, size_t length)
{
	__u32 prefix = htole32((__u32)length);
	size_t done = sock->written, of_prefix = done < PREFIX ? done : PREFIX;
	struct iovec parts[] = {
		{(char *)&prefix + of_prefix, PREFIX - of_prefix},
		{(char *)packet + (done - of_prefix), length - (done - of_prefix)},
	};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

	return sendmsg(sock->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static int send_frame(struct statsd_socket *sock, const char *packet, size_t length)
{
	ssize_t n = write_frame(sock, packet, length);

	if (n < 0)
		return last_error();
	sock->written += n;
	if (sock->written < PREFIX + length)
		return -EAGAIN;
	sock->written = 0;
	return 0;
}

int statsd_socket_send(struct statsd_socket *sock, const char *packet, size_t length)
{
	if (sock->fd < 0)
		return sock->fd;
	if (sock->stream)
		return send_frame(sock, packet, length);
	if (send(sock->fd, packet, length, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return last_error();
	return 0;
}

int statsd_socket_late_error(const struct statsd_socket *sock)
{
	socklen_t size = sizeof(int);
	char datagram; /* that it was about: it begins so */
	int error = 0;

	if (sock->fd < 0)
		return 0;
	if (getsockopt(sock->fd, SOL_SOCKET, SO_ERROR, &error, &size))
		error = errno;
	/*
	 * Each error from the network also waits in a queue, which has to be emptied. With room for
	 * a byte: qemu-user never asks the kernel for a message without any, and says for ever that
	 * there was one.
	 */
	for (int i = 0; i < ERRORS_AT_ONCE && !sock->local; i++)
		if (recv(sock->fd, &datagram, sizeof(datagram), MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
			break;
	return -error;
}

bool statsd_socket_is_gone(const struct statsd_socket *sock, int error)
{
	return sock->local && (error == -ECONNREFUSED || error == -ENOTCONN || error == -EPIPE ||
			       error == -ECONNRESET);
}
