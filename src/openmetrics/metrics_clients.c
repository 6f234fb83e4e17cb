/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A socket that is shut down looks to libmicrohttpd like one that its client has closed. */
#include "metrics_clients.h"

#include <sys/socket.h>

#include "array.h"

static void tell_to_go(struct metrics_clients *clients, struct metrics_client *client)
{
	shutdown(client->socket, SHUT_RDWR);
	client->socket = -1;
	clients->count--;
}

static bool goes_before(const struct metrics_client *a, const struct metrics_client *b)
{
	if (a->asked != b->asked)
		return b->asked;
	return a->since_ms < b->since_ms;
}

static void make_room(struct metrics_clients *clients)
{
	struct metrics_client *first = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(clients->at); i++) {
		struct metrics_client *client = &clients->at[i];

		if (client->taken && client->socket >= 0 && (!first || goes_before(client, first)))
			first = client;
	}
	if (first)
		tell_to_go(clients, first);
}

struct metrics_client *metrics_clients_add(struct metrics_clients *clients, int socket,
					   __u64 now_ms)
{
	if (clients->count >= METRICS_CLIENTS_MAX)
		make_room(clients);
	for (size_t i = 0; i < ARRAY_SIZE(clients->at); i++) {
		struct metrics_client *client = &clients->at[i];

		if (client->taken)
			continue;
		*client = (struct metrics_client){
			.socket = socket, .taken = true, .since_ms = now_ms};
		clients->count++;
		return client;
	}
	return NULL;
}

void metrics_clients_remove(struct metrics_clients *clients, struct metrics_client *client)
{
	if (client->socket >= 0)
		clients->count--;
	client->taken = false;
}

void metrics_clients_expire(struct metrics_clients *clients, __u64 now_ms)
{
	for (size_t i = 0; i < ARRAY_SIZE(clients->at); i++) {
		struct metrics_client *client = &clients->at[i];

		if (client->taken && client->socket >= 0 &&
		    now_ms - client->since_ms >= METRICS_CLIENT_MS)
			tell_to_go(clients, client);
	}
}
