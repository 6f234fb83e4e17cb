/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Opens the one socket that is asked for, and takes what arrives. */
#include "listener.h"

#include "../toolkit.h"

#include <poll.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "streams.h"

#define BUFFER_BYTES (2 * 1024 * 1024)
#define BACKLOG      16

struct listener {
	enum listener_kind kind;
	const char *path; /* the file to be removed in the end; NULL: none */
	int fd;
	struct streams streams;
};

/* Other users than root get what is allowed. */
static void set_buffer(int fd, int buffer)
{
	if (!buffer)
		return;
	if (buffer < 0)
		buffer = BUFFER_BYTES;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
}

static int listen_udp(const struct listener_options *options)
{
	struct endpoint endpoint;
	char text[ENDPOINT_TEXT];
	int fd, error;

	error = endpoint_parse(options->address, options->port, &endpoint);
	if (error)
		return error;
	fd = socket(endpoint.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail(errno, "cannot open a socket");
	set_buffer(fd, options->buffer);
	if (bind(fd, &endpoint.any, endpoint.length) < 0)
		error = fail(errno, "cannot listen on %s",
			     endpoint_text(&endpoint, text, sizeof(text)));
	else
		error = endpoint_of_socket(fd, &endpoint);
	if (error) {
		close(fd);
		return error;
	}
	fprintf(stderr, "listening on %s\n", endpoint_text(&endpoint, text, sizeof(text)));
	return fd;
}

static socklen_t unix_address(struct sockaddr_un *address, const char *path)
{
	size_t length = strlen(path);
	bool abstract = path[0] == '@';

	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	memcpy(address->sun_path, path, length);
	if (abstract)
		address->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + !abstract);
}

static void remove_socket(const char *path)
{
	struct stat old;

	if (path[0] != '@' && lstat(path, &old) == 0 && S_ISSOCK(old.st_mode))
		unlink(path);
}

/* Anybody may send, as to the Datadog Agent's socket. */
static int bind_unix(int fd, const struct listener_options *options)
{
	struct sockaddr_un address;
	socklen_t length = unix_address(&address, options->path);

	remove_socket(options->path);
	if (bind(fd, (struct sockaddr *)&address, length) < 0)
		return -errno;
	if (options->path[0] != '@' && chmod(options->path, 0722) < 0)
		return -errno;
	if (options->kind == LISTENER_UNIXSTREAM && listen(fd, BACKLOG) < 0)
		return -errno;
	return 0;
}

static int listen_unix(const struct listener_options *options)
{
	int type = options->kind == LISTENER_UNIXSTREAM ? SOCK_STREAM : SOCK_DGRAM;
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), error;

	if (fd < 0)
		return fail(errno, "cannot open a socket");
	set_buffer(fd, options->buffer);
	error = bind_unix(fd, options);
	if (error) {
		close(fd);
		return fail(-error, "cannot listen on %s", options->path);
	}
	fprintf(stderr, "listening on %s\n", options->path);
	return fd;
}

int listener_open(struct listener **listener, const struct listener_options *options)
{
	int fd = options->kind == LISTENER_UDP ? listen_udp(options) : listen_unix(options);
	struct listener *l;

	if (fd < 0)
		return fd;
	l = calloc(1, sizeof(*l));
	if (!l) {
		close(fd);
		return fail(ENOMEM, "cannot listen");
	}
	l->kind = options->kind;
	l->fd = fd;
	l->path = options->path;
	*listener = l;
	return 0;
}

void listener_close(struct listener *listener)
{
	streams_close(&listener->streams);
	close(listener->fd);
	if (listener->path)
		remove_socket(listener->path);
	free(listener);
}

/* Returns 1 when something is readable, 0 when it is time to end, or -errno. What has arrived when
 * we are asked to end is still received: who sent it counts on that. */
static int await(struct pollfd *waiting, size_t count, uint64_t deadline)
{
	uint64_t left = ns_until(deadline);
	struct timespec timeout = timespec_of(left);
	int ready;

	if (!left)
		return 0;
	while ((ready = ppoll(waiting, count, &timeout, NULL)) < 0)
		if (errno != EINTR) /* as after SIGSTOP and SIGCONT */
			return fail(errno, "cannot wait for datagrams");
	return ready > (waiting[0].revents ? 1 : 0);
}

static int receive_datagram(struct listener *listener, int stop_fd, uint64_t deadline,
			    char *datagram, size_t *length)
{
	struct pollfd waiting[] = {
		{.fd = stop_fd, .events = POLLIN},
		{.fd = listener->fd, .events = POLLIN},
	};
	ssize_t n;
	int status;

	for (;;) {
		status = await(waiting, 2, deadline);
		if (status <= 0)
			return status;
		n = recv(listener->fd, datagram, LISTENER_DATAGRAM_MAX, MSG_DONTWAIT);
		if (n >= 0) {
			*length = (size_t)n;
			return 1;
		}
		if (errno != EAGAIN) /* EAGAIN: its checksum was wrong */
			return fail(errno, "cannot receive");
	}
}

static int receive_packet(struct listener *listener, int stop_fd, uint64_t deadline, char *packet,
			  size_t *length)
{
	struct pollfd waiting[2 + STREAMS] = {{.fd = stop_fd, .events = POLLIN}};
	int status;

	while (!streams_take(&listener->streams, packet, length)) {
		waiting[1].fd = streams_full(&listener->streams) ? -1 : listener->fd;
		waiting[1].events = POLLIN;
		streams_poll(&listener->streams, waiting + 2);
		status = await(waiting, 2 + STREAMS, deadline);
		if (status <= 0)
			return status;
		streams_read(&listener->streams, waiting + 2);
		if (waiting[1].revents)
			streams_accept(&listener->streams, listener->fd);
	}
	return 1;
}

int listener_receive(struct listener *listener, int stop_fd, uint64_t deadline, char *datagram,
		     size_t *length)
{
	if (listener->kind == LISTENER_UNIXSTREAM)
		return receive_packet(listener, stop_fd, deadline, datagram, length);
	return receive_datagram(listener, stop_fd, deadline, datagram, length);
}
