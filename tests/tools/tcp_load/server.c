/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Serves connections by epoll until it is stopped, each as its header says. */
#include "server.h"
#include "transfer.h"

#include <endian.h>
#include <linux/tcp.h>
#include <sys/queue.h>

struct served {
	LIST_ENTRY(served) entry;
	int fd;
	uint32_t events; /* watched for */
	struct header header;
	size_t header_length;    /* received so far */
	uint64_t unread, unsent; /* of the exchange under way */
};

LIST_HEAD(served_list, served);

struct server {
	int fd, epoll_fd, stop_fd;
	struct served_list clients;
};

static void served_close(struct served *client)
{
	LIST_REMOVE(client, entry);
	close(client->fd);
	free(client);
}

static int served_open(struct server *server, int fd)
{
	static const int on = 1;
	struct served *client = calloc(1, sizeof(*client));

	if (!client) {
		close(fd);
		return fail(ENOMEM, "cannot serve another client");
	}
	client->fd = fd;
	client->events = EPOLLIN;
	LIST_INSERT_HEAD(&server->clients, client, entry);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (watch(server->epoll_fd, EPOLL_CTL_ADD, fd, client->events, client) < 0)
		return fail(errno, "cannot serve another client");
	return 0;
}

static int server_accept(struct server *server)
{
	int fd = accept4(server->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0)
		return served_open(server, fd);
	if (errno == EAGAIN || errno == ECONNABORTED || errno == EINTR)
		return 0;
	return fail(errno, "cannot accept a connection");
}

static void next_exchange(struct served *client)
{
	client->unread = client->header.request;
	client->unsent = client->header.response;
}

static ssize_t read_header(struct served *client)
{
	char *bytes = (char *)&client->header;
	struct header *header = &client->header;
	ssize_t length = recv(client->fd, bytes + client->header_length,
			      sizeof(*header) - client->header_length, 0);

	if (length <= 0)
		return length < 0 ? -errno : -ECONNRESET;
	client->header_length += (size_t)length;
	if (client->header_length < sizeof(*header))
		return length;
	header->request = be64toh(header->request);
	header->response = be64toh(header->response);
	if (be64toh(header->magic) != HEADER_MAGIC || (!header->request && !header->response))
		return -EPROTO;
	next_exchange(client);
	return length;
}

/* Returns the number of bytes that moved, -EAGAIN, or another -errno. */
static ssize_t served_step(struct served *client)
{
	if (client->header_length < sizeof(client->header))
		return read_header(client);
	if (!client->unread && !client->unsent)
		next_exchange(client);
	if (client->unread)
		return move_bytes(client->fd, &client->unread, receive_buffer);
	return move_bytes(client->fd, &client->unsent, send_buffer);
}

static int served_watch(const struct server *server, struct served *client)
{
	uint32_t events = !client->unread && client->unsent ? EPOLLOUT : EPOLLIN;

	if (events == client->events)
		return 0;
	client->events = events;
	return watch(server->epoll_fd, EPOLL_CTL_MOD, client->fd, events, client);
}

static void serve(const struct server *server, struct served *client)
{
	ssize_t moved = 0;

	for (int i = 0; i < STEPS_A_TURN && moved >= 0; i++)
		moved = served_step(client);
	if (moved == -EAGAIN || moved >= 0)
		moved = served_watch(server, client);
	if (moved < 0)
		served_close(client); /* clients come and go, and are no news */
}

/* Returns 1 to go on, 0 to stop, or -errno. */
static int server_turn(struct server *server, uint64_t deadline)
{
	struct epoll_event events[EVENTS_A_WAIT];
	int count = wait_for_events(server->epoll_fd, events, deadline);

	if (count < 0)
		return count;
	for (int i = 0; i < count; i++) {
		void *owner = events[i].data.ptr;
		int error = 0;

		if (owner == &server->stop_fd)
			return 0;
		if (owner == server)
			error = server_accept(server);
		else
			serve(server, owner);
		if (error)
			return error;
	}
	return ns_until(deadline) > 0;
}

static int bind_listener(int fd, const struct endpoint *endpoint)
{
	static const int on = 1, off = 0;
	char text[ENDPOINT_TEXT];

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (endpoint->any.sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, &endpoint->any, endpoint->length) < 0 || listen(fd, SOMAXCONN) < 0)
		return fail(errno, "cannot serve on %s",
			    endpoint_text(endpoint, text, sizeof(text)));
	return 0;
}

/* Returns the listening socket or -errno. */
static int open_listener(const struct options *options, struct endpoint *endpoint)
{
	int error = endpoint_parse(options->address, options->port, endpoint), fd;

	if (error)
		return error;
	fd = socket(endpoint->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail(errno, "cannot open a socket");
	error = bind_listener(fd, endpoint);
	if (!error)
		error = endpoint_of_socket(fd, endpoint);
	if (!error)
		return fd;
	close(fd);
	return error;
}

static int server_run(struct server *server, const struct options *options,
		      const struct endpoint *endpoint)
{
	uint64_t deadline = deadline_after(options->duration);
	char text[ENDPOINT_TEXT];
	int going;

	going = watch(server->epoll_fd, EPOLL_CTL_ADD, server->fd, EPOLLIN, server);
	if (!going)
		going = watch(server->epoll_fd, EPOLL_CTL_ADD, server->stop_fd, EPOLLIN,
			      &server->stop_fd);
	if (going)
		return fail(-going, "cannot wait for clients");
	fprintf(stderr, "serving on %s\n", endpoint_text(endpoint, text, sizeof(text)));
	do
		going = server_turn(server, deadline);
	while (going > 0);
	while (!LIST_EMPTY(&server->clients))
		served_close(LIST_FIRST(&server->clients));
	return going;
}

int run_server(const struct options *options, int epoll_fd, int stop_fd)
{
	struct server server = {.epoll_fd = epoll_fd, .stop_fd = stop_fd};
	struct endpoint endpoint;
	int error;

	LIST_INIT(&server.clients);
	server.fd = open_listener(options, &endpoint);
	if (server.fd < 0)
		return server.fd;
	error = server_run(&server, options, &endpoint);
	close(server.fd);
	return error;
}
