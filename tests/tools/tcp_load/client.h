/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The side that makes the traffic: its connections, and the figures about them in the end. */
#ifndef TCP_LOAD_CLIENT_H
#define TCP_LOAD_CLIENT_H

#include "options.h"

enum phase {
	PHASE_IDLE, /* until the next exchange may begin */
	PHASE_CONNECTING,
	PHASE_EXCHANGING,
	PHASE_DONE, /* but still open, for its figures */
	PHASE_FAILED,
};

struct connection {
	int fd;       /* -1: closed */
	int timer_fd; /* ticks at the rate; -1 without one */
	bool due;     /* an exchange may begin; without a rate, always */
	enum phase phase;
	uint32_t events;         /* watched for */
	uint64_t unsent, unread; /* of the exchange under way */
	uint64_t began;          /* when */
	uint64_t exchanges, bytes_sent, rtt_sum, rtt_max;
};

struct client {
	const struct options *options;
	struct endpoint server;
	int epoll_fd, stop_fd;
	struct connection *connections;
	uint64_t active; /* connections that have something to do */
	uint64_t failed;
	bool ending; /* finish what is under way, begin nothing */
};

int connection_open(const struct client *client, struct connection *c);
void connection_close(struct connection *c);

/* Takes it as far as it goes without waiting. */
void connection_turn(struct client *client, struct connection *c);

/* Closes it, and tells the error if it is the first of all connections. */
void connection_fail(struct client *client, struct connection *c, int error);

/* No name: leaves it as it is. Returns -errno, unreported. */
int set_congestion(int fd, const char *name);

/* All that the kernel knows, one line of JSON each. */
int print_figures(const struct client *client);

int run_client(const struct options *options, int epoll_fd, int stop_fd);

#endif
