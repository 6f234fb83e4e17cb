/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One connection of the client's.
 *
 * Functions that take a connection a step further return 1 when there may be more to do at once, 0
 * when it has to wait for an event, and -errno, unreported, when this connection has failed.
 */
#include "client.h"
#include "transfer.h"

#include <endian.h>
#include <linux/tcp.h>

void connection_close(struct connection *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

/* The first failure is told; a thousand connections would only say the same a thousand times. */
void connection_fail(struct client *client, struct connection *c, int error)
{
	bool connected = c->phase != PHASE_CONNECTING;
	char text[ENDPOINT_TEXT];

	endpoint_text(&client->server, text, sizeof(text));
	if (client->failed++ == 0)
		fail(error, connected ? "lost a connection to %s" : "cannot connect to %s", text);
	connection_close(c);
	c->phase = PHASE_FAILED;
	client->active--;
}

static int connection_done(struct client *client, struct connection *c)
{
	c->phase = PHASE_DONE;
	client->active--;
	return 0;
}

int set_congestion(int fd, const char *name)
{
	if (name && setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, (socklen_t)strlen(name)) < 0)
		return -errno;
	return 0;
}

static int set_pacing(int fd, uint64_t rate)
{
	if (rate && setsockopt(fd, SOL_SOCKET, SO_MAX_PACING_RATE, &rate, sizeof(rate)) < 0)
		return -errno;
	return 0;
}

static int connection_start(const struct client *client, struct connection *c)
{
	static const int on = 1;
	int error = set_congestion(c->fd, client->options->congestion);

	if (!error)
		error = set_pacing(c->fd, client->options->pacing);
	if (error)
		return error;
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(c->fd, &client->server.any, client->server.length) < 0 && errno != EINPROGRESS)
		return -errno;
	c->events = EPOLLOUT;
	return watch(client->epoll_fd, EPOLL_CTL_ADD, c->fd, c->events, c);
}

int connection_open(const struct client *client, struct connection *c)
{
	c->phase = PHASE_CONNECTING;
	c->fd = socket(client->server.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	return c->fd < 0 ? -errno : connection_start(client, c);
}

/* The header goes out in one segment with the first request, if there is one. */
static int send_header(const struct options *options, int fd)
{
	const struct header header = {
		.magic = htobe64(HEADER_MAGIC),
		.request = options->mode == MODE_UPLOAD ? ENDLESS : htobe64(options->request),
		.response = options->mode == MODE_DOWNLOAD ? ENDLESS : htobe64(options->response),
	};
	int more = options->request ? MSG_MORE : 0;

	/* the first bytes of a connection always fit */
	return send(fd, &header, sizeof(header), MSG_NOSIGNAL | more) < 0 ? -errno : 1;
}

static int connecting_step(const struct client *client, struct connection *c)
{
	struct endpoint peer = {.length = sizeof(peer.v6)};
	socklen_t size = sizeof(int);
	int error;

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		return -errno;
	if (error)
		return -error;
	if (getpeername(c->fd, &peer.any, &peer.length) < 0)
		return errno == ENOTCONN ? 0
					 : -errno; /* a tick of the timer, and not yet an answer */
	c->phase = PHASE_IDLE;
	return send_header(client->options, c->fd);
}

static void begin_exchange(const struct options *options, struct connection *c)
{
	c->phase = PHASE_EXCHANGING;
	c->due = c->timer_fd < 0;
	c->unsent = options->request;
	c->unread = options->response;
	c->began = now_ns();
}

static int finish_exchange(struct client *client, struct connection *c)
{
	const struct options *options = client->options;
	uint64_t rtt = now_ns() - c->began;

	c->rtt_sum += rtt;
	if (rtt > c->rtt_max)
		c->rtt_max = rtt;
	c->exchanges++;
	c->phase = PHASE_IDLE;
	if (options->count && c->exchanges >= options->count)
		return connection_done(client, c);
	if (options->mode != MODE_CONNECT || client->ending)
		return 1;
	connection_close(c);
	return c->due ? connection_open(client, c) : 0;
}

/* An idle connection has nothing to receive; but it may learn that it has been lost. */
static int check_alive(const struct connection *c)
{
	char byte;
	ssize_t length = c->fd < 0 ? -1 : recv(c->fd, &byte, 1, 0);

	if (length < 0)
		return c->fd < 0 || errno == EAGAIN ? 0 : -errno;
	return length ? -EPROTO : -ECONNRESET;
}

static int idle_step(struct client *client, struct connection *c)
{
	if (client->ending)
		return connection_done(client, c);
	if (!c->due)
		return check_alive(c);
	if (c->fd < 0)
		return connection_open(client, c);
	begin_exchange(client->options, c);
	return 1;
}

static int exchange_step(struct client *client, struct connection *c)
{
	bool sending = c->unsent > 0;
	ssize_t moved = sending ? move_bytes(c->fd, &c->unsent, send_buffer)
				: move_bytes(c->fd, &c->unread, receive_buffer);

	if (moved < 0)
		return moved == -EAGAIN ? 0 : (int)moved;
	if (sending)
		c->bytes_sent += (uint64_t)moved;
	return c->unsent || c->unread ? 1 : finish_exchange(client, c);
}

static int connection_step(struct client *client, struct connection *c)
{
	switch (c->phase) {
	case PHASE_IDLE:
		return idle_step(client, c);
	case PHASE_CONNECTING:
		return connecting_step(client, c);
	case PHASE_EXCHANGING:
		return exchange_step(client, c);
	default:
		return 0;
	}
}

/* What to wait for, besides the timer. */
static int connection_watch(const struct client *client, struct connection *c)
{
	bool writing = c->phase == PHASE_CONNECTING || (c->phase == PHASE_IDLE && c->due) ||
		       (c->phase == PHASE_EXCHANGING && c->unsent);
	uint32_t events = writing ? EPOLLOUT : EPOLLIN;

	if (c->fd < 0 || events == c->events)
		return 0;
	c->events = events;
	return watch(client->epoll_fd, EPOLL_CTL_MOD, c->fd, events, c);
}

void connection_turn(struct client *client, struct connection *c)
{
	uint64_t ticks;
	int going = 1;

	if (c->phase == PHASE_DONE || c->phase == PHASE_FAILED)
		return;
	if (c->timer_fd >= 0 && read(c->timer_fd, &ticks, sizeof(ticks)) > 0)
		c->due = true;
	for (int i = 0; i < STEPS_A_TURN && going > 0; i++)
		going = connection_step(client, c);
	if (going >= 0)
		going = connection_watch(client, c);
	if (going < 0)
		connection_fail(client, c, -going);
}
