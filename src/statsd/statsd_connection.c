/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Turns to the next address, or tries the same again later, whenever sending fails. */
#include "statsd_connection.h"

#include <errno.h>
#include <string.h>

#include "log.h"
#include "clock.h"

/* Between two attempts to connect, doubled after each. */
#define BACKOFF_MS     1000
#define BACKOFF_MAX_MS 30000

#define NOWHERE        STATSD_ADDRESSES

/* ---- addresses ---- */

static size_t find(const struct address *addrs, size_t count, const struct address *addr)
{
	for (size_t i = 0; i < count; i++)
		if (!memcmp(&addrs[i], addr, sizeof(addrs[i])))
			return i;
	return NOWHERE;
}

void statsd_connection_turn(struct statsd_connection *connection)
{
	struct statsd_server *server = &connection->server;
	size_t count = connection->count, at = find(connection->addrs, count, &server->addr);

	if (!count || (count == 1 && at == 0))
		return;
	server->addr = connection->addrs[at == NOWHERE ? 0 : (at + 1) % count];
	statsd_server_text(server, connection->text);
	log_debug("trying StatsD server %s next", connection->text);
}

const char *statsd_connection_name(const struct statsd_connection *connection)
{
	const struct statsd_server *server = &connection->server;

	return server->transport == STATSD_UDP && server->name[0] ? server->name : NULL;
}

bool statsd_connection_learn(struct statsd_connection *connection, const struct address *addrs,
			     size_t count, struct statsd_server *server)
{
	char old[ADDRESS_TEXT], new[ADDRESS_TEXT];

	*server = connection->server;
	if (!statsd_connection_name(connection) || !count)
		return false;
	connection->count = count < STATSD_ADDRESSES ? count : STATSD_ADDRESSES;
	memcpy(connection->addrs, addrs, connection->count * sizeof(*addrs));
	for (size_t i = 0; server->known && i < count; i++)
		if (!memcmp(&addrs[i], &server->addr, sizeof(addrs[i])))
			return false;
	address_format(&addrs[0], new);
	if (server->known)
		log_info("StatsD server %s is at %s now, no longer at %s", server->name, new,
			 address_format(&server->addr, old));
	else
		log_info("StatsD server %s is at %s", server->name, new);
	server->addr = addrs[0];
	server->known = true;
	return true;
}

void statsd_connection_forget(struct statsd_connection *connection)
{
	connection->count = 0;
}

/* ---- connecting ---- */

/* The kernel says at once if there is no route: IPv6 without an IPv6 network, say. */
static int connect_somewhere(struct statsd_connection *connection)
{
	int error = statsd_socket_connect(&connection->socket, &connection->server);

	for (size_t i = 1; error && i < connection->count; i++) {
		statsd_connection_turn(connection);
		error = statsd_socket_connect(&connection->socket, &connection->server);
	}
	return error;
}

void statsd_connection_renew(struct statsd_connection *connection)
{
	int error = connect_somewhere(connection);

	if (!error || error == -EDESTADDRREQ) {
		connection->backoff_ms = 0;
		connection->retry_ms = 0;
		return;
	}
	connection->backoff_ms = connection->backoff_ms ? connection->backoff_ms * 2 : BACKOFF_MS;
	if (connection->backoff_ms > BACKOFF_MAX_MS)
		connection->backoff_ms = BACKOFF_MAX_MS;
	connection->retry_ms = monotonic_ms() + connection->backoff_ms;
}

bool statsd_connection_is_due(const struct statsd_connection *connection)
{
	return monotonic_ms() >= connection->retry_ms;
}

void statsd_connection_open(struct statsd_connection *connection,
			    const struct statsd_server *server)
{
	connection->server = *server;
	statsd_server_text(server, connection->text);
	connection->backoff_ms = 0;
	statsd_connection_renew(connection);
}
