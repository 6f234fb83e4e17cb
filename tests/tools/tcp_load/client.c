/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* All connections of the client, from start to end. */
#include "client.h"
#include "transfer.h"

#include <poll.h>
#include <sys/timerfd.h>

#define DRAIN_NS (2 * NS_PER_S) /* for what is under way when time is up */

/* The ticks of all connections spread evenly over the time from one to the next. */
static int open_timer(struct client *client, struct connection *c, uint64_t index)
{
	const struct options *options = client->options;
	uint64_t period = (uint64_t)((double)NS_PER_S / options->rate);
	struct itimerspec ticks = {
		.it_interval = timespec_of(period),
		.it_value = timespec_of(1 + period / options->connections * index),
	};

	c->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (c->timer_fd < 0 || timerfd_settime(c->timer_fd, 0, &ticks, NULL) < 0)
		return fail(errno, "cannot set a timer");
	if (watch(client->epoll_fd, EPOLL_CTL_ADD, c->timer_fd, EPOLLIN, c) < 0)
		return fail(errno, "cannot watch a timer");
	return 0;
}

static int start_connections(struct client *client)
{
	const struct options *options = client->options;
	bool paced = options->rate > 0;
	int error = 0;

	for (uint64_t i = 0; i < options->connections && !error; i++) {
		struct connection *c = &client->connections[i];

		c->due = !paced;
		if (paced)
			error = open_timer(client, c, i);
	}
	for (uint64_t i = 0; i < options->connections && !error; i++) {
		struct connection *c = &client->connections[i];
		int opened = options->mode == MODE_CONNECT ? 0 : connection_open(client, c);

		if (opened < 0)
			connection_fail(client, c, -opened);
		else
			connection_turn(client, c);
	}
	return error;
}

/* Returns 1 to go on, 0 when there is a reason to end, or -errno. */
static int client_turn(struct client *client, uint64_t deadline)
{
	struct epoll_event events[EVENTS_A_WAIT];
	int count = wait_for_events(client->epoll_fd, events, deadline);

	if (count < 0)
		return count;
	for (int i = 0; i < count; i++) {
		if (events[i].data.ptr == client)
			return 0;
		connection_turn(client, events[i].data.ptr);
	}
	return client->active > 0 && ns_until(deadline) > 0;
}

static int client_turns(struct client *client, uint64_t deadline)
{
	int going = client->active > 0;

	while (going > 0)
		going = client_turn(client, deadline);
	return going;
}

/* Lets what is under way come to its end, so that nothing is cut off in the middle. */
static int drain(struct client *client)
{
	int error;

	client->ending = true;
	for (uint64_t i = 0; i < client->options->connections; i++)
		connection_turn(client, &client->connections[i]);
	error = client_turns(client, now_ns() + DRAIN_NS);
	for (uint64_t i = 0; i < client->options->connections; i++)
		if (client->connections[i].phase == PHASE_CONNECTING)
			connection_fail(client, &client->connections[i], ETIMEDOUT);
	return error;
}

static int hold(const struct client *client)
{
	struct pollfd waiting = {.fd = client->stop_fd, .events = POLLIN};
	struct timespec timeout = timespec_of(client->options->hold);

	if (ppoll(&waiting, 1, &timeout, NULL) < 0 && errno != EINTR)
		return fail(errno, "cannot hold the connections");
	return 0;
}

static int client_run(struct client *client)
{
	int error = start_connections(client);

	if (!error)
		error = client_turns(client, deadline_after(client->options->duration));
	if (!error)
		error = drain(client);
	if (!error)
		error = print_figures(client);
	if (!error)
		error = hold(client);
	if (error || !client->failed)
		return error;
	fail(0, "%llu of %llu connections failed", (unsigned long long)client->failed,
	     (unsigned long long)client->options->connections);
	return -EIO;
}

static int client_open(struct client *client)
{
	uint64_t count = client->options->connections;

	client->connections = calloc(count, sizeof(*client->connections));
	if (!client->connections)
		return fail(ENOMEM, "cannot make %llu connections", (unsigned long long)count);
	for (uint64_t i = 0; i < count; i++)
		client->connections[i] = (struct connection){.fd = -1, .timer_fd = -1};
	client->active = count;
	if (watch(client->epoll_fd, EPOLL_CTL_ADD, client->stop_fd, EPOLLIN, client) < 0)
		return fail(errno, "cannot wait for signals");
	return 0;
}

static void client_close(struct client *client)
{
	for (uint64_t i = 0; client->connections && i < client->options->connections; i++) {
		connection_close(&client->connections[i]);
		if (client->connections[i].timer_fd >= 0)
			close(client->connections[i].timer_fd);
	}
	free(client->connections);
}

/* So that a name the kernel does not know is told as such, and not as a failed connection. */
static int check_congestion(const struct options *options)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), error;

	if (fd < 0)
		return fail(errno, "cannot open a socket");
	error = set_congestion(fd, options->congestion);
	close(fd);
	return error ? fail(-error, "cannot use congestion control '%s'", options->congestion) : 0;
}

int run_client(const struct options *options, int epoll_fd, int stop_fd)
{
	struct client client = {.options = options, .epoll_fd = epoll_fd, .stop_fd = stop_fd};
	int error = endpoint_parse(options->address, options->port, &client.server);

	if (!error)
		error = check_congestion(options);
	if (!error)
		error = client_open(&client);
	if (!error)
		error = client_run(&client);
	client_close(&client);
	return error;
}
