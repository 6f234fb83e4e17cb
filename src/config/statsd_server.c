/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Takes the forms apart in which a server can be written: a host, a host and a port, a URL, a path.
 */
#include "statsd_server.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "array.h"
#include "mistakes.h"
#include "number.h"

#define SOCKETS "unix://PATH, unixgram://PATH or unixstream://PATH"
#define PORTS   1, 65535

/* "HOST:PORT" in pieces. */
struct endpoint {
	char host[STATSD_NAME];
	const char *port; /* NULL: not given */
};

/* Writes the reason: the text in quotes, and the rest. Returns -EINVAL. */
static int __attribute__((format(printf, 3, 4)))
refuse(char reason[STATSD_REASON], const char *text, const char *format, ...)
{
	char quoted[QUOTED_TEXT];
	va_list args;
	int length;

	length = snprintf(reason, STATSD_REASON, "%s ", mistake_quote(text, quoted));
	va_start(args, format);
	vsnprintf(reason + length, STATSD_REASON - length, format, args);
	va_end(args);
	return -EINVAL;
}

int statsd_port_parse(unsigned int *port, const char *text, char reason[STATSD_REASON])
{
	if (!number_parse_whole(text, PORTS, port))
		return 0;
	return refuse(reason, text, "is not a port; accepted: 1 to 65535");
}

/* ---- hosts ---- */

/* Is there, without brackets, something like a port behind a host? Then *port is that, and *length
 * the length of the host, which is copied. */
static bool has_port(const char *text, char host[STATSD_NAME], size_t *length, unsigned int *port)
{
	const char *colon = strrchr(text, ':');

	*length = colon ? (size_t)(colon - text) : 0;
	if (!*length || *length >= STATSD_NAME || number_parse_whole(colon + 1, PORTS, port))
		return false;
	memcpy(host, text, *length);
	host[*length] = '\0';
	return true;
}

/* Does a port seem to follow an IPv6 address, though all of it may be the address? */
static bool has_port_behind(const char *text, size_t *length, unsigned int *port)
{
	char host[STATSD_NAME];
	struct address addr;

	return has_port(text, host, length, port) && strchr(host, ':') &&
	       !address_parse(host, &addr);
}

/* Does a port surely follow: after a name, an IPv4 address, or one in brackets, which are left out?
 */
static bool has_certain_port(const char *text, char host[STATSD_NAME], unsigned int *port)
{
	struct address addr;
	size_t length;

	if (!has_port(text, host, &length, port))
		return false;
	if (host[0] == '[' && host[length - 1] == ']') {
		memmove(host, host + 1, length - 2);
		host[length - 2] = '\0';
		return !address_parse(host, &addr);
	}
	return host_name_is_valid(host) || (!strchr(host, ':') && !address_parse(host, &addr));
}

/* localhost needs no lookup, which might say ::1, where few StatsD servers listen. */
static int set_host(struct statsd_server *server, const char *host, char reason[STATSD_REASON])
{
	const char *text = strcasecmp(host, "localhost") ? host : "127.0.0.1";

	server->transport = STATSD_UDP;
	if (!address_parse(text, &server->addr)) {
		server->known = true;
		return 0;
	}
	if (!host_name_is_valid(host))
		return refuse(reason, host,
			      "is not valid; accepted: an IPv4 or IPv6 address, localhost, or a "
			      "host name%s",
			      host_name_hint(host));
	strcpy(server->name, host);
	return 0;
}

/* ::1:8125 may be meant as an address, but is more often an address and a port. All eight groups
 * written out leave no doubt. */
int statsd_server_parse_host(struct statsd_server *server, const char *text, unsigned int port,
			     char reason[STATSD_REASON])
{
	char host[STATSD_NAME];
	struct address addr;
	unsigned int inside;
	size_t length;

	server->port = port ? port : STATSD_PORT;
	if (has_port_behind(text, &length, &inside) &&
	    (inside == STATSD_PORT || address_parse(text, &addr)))
		return refuse(reason, text,
			      "has a port after the address; accepted: %.*s, with statsd_port: %u, "
			      "or, if all of it is the address, all eight groups written out",
			      (int)length, text, inside);
	if (has_certain_port(text, host, &inside))
		return refuse(reason, text,
			      "has a port after the host; accepted: %s, with statsd_port: %u", host,
			      inside);
	return set_host(server, text, reason);
}

/* ---- HOST:PORT ---- */

static int not_an_endpoint(const char *text, char reason[STATSD_REASON])
{
	return refuse(reason, text, "is not a server; accepted: HOST, HOST:PORT, [IPV6]:PORT");
}

/* Cuts the text in pieces. An IPv6 address needs its brackets only where a port follows. */
static int split_endpoint(struct endpoint *endpoint, const char *text, char reason[STATSD_REASON])
{
	const char *start = text + (*text == '['), *end, *behind;
	struct address addr;

	if (*text == '[') {
		end = strchr(start, ']');
		behind = end ? end + 1 : NULL;
		if (!end || (*behind && *behind != ':'))
			return not_an_endpoint(text, reason);
	} else if (!address_parse(text, &addr)) {
		end = behind = start + strlen(start);
	} else {
		end = behind = start + strcspn(start, ":");
	}
	if (end == start || (size_t)(end - start) >= sizeof(endpoint->host))
		return not_an_endpoint(text, reason);
	memcpy(endpoint->host, start, end - start);
	endpoint->host[end - start] = '\0';
	endpoint->port = *behind ? behind + 1 : NULL;
	return 0;
}

/* Checks an address without brackets where a port may follow. certain: it comes from a URL, where
 * an address needs its brackets (RFC 3986); else it may be a host's address as Kubernetes gives it.
 */
static int check_brackets(const char *text, bool certain, char reason[STATSD_REASON])
{
	struct address addr;
	unsigned int port;
	size_t length;

	if (!has_port_behind(text, &length, &port))
		return 0;
	if (address_parse(text, &addr))
		return refuse(reason, text, "lacks brackets; accepted: [%.*s]:%u", (int)length,
			      text, port);
	if (!certain && port != STATSD_PORT)
		return 0;
	return refuse(reason, text,
		      "does not show where the address ends; accepted: [%.*s]:%u, or, if %u "
		      "belongs to the address, [%s]",
		      (int)length, text, port, port, text);
}

static int parse_endpoint(struct statsd_server *server, const char *text, unsigned int port,
			  bool certain, char reason[STATSD_REASON])
{
	int err = check_brackets(text, certain, reason);
	struct endpoint endpoint;

	if (!err)
		err = split_endpoint(&endpoint, text, reason);
	if (!err && endpoint.port)
		err = statsd_port_parse(&port, endpoint.port, reason);
	if (err)
		return err;
	server->port = port ? port : STATSD_PORT;
	return set_host(server, endpoint.host, reason);
}

int statsd_server_parse_endpoint(struct statsd_server *server, const char *text, unsigned int port,
				 char reason[STATSD_REASON])
{
	return parse_endpoint(server, text, port, false, reason);
}

/* ---- URLs ---- */

/* Returns what follows the scheme, or NULL. */
static const char *behind_scheme(const char *url, const char *scheme)
{
	size_t length = strlen(scheme);

	return strncasecmp(url, scheme, length) ? NULL : url + length;
}

/* What follows a socket's scheme, or NULL if it has none. */
static const char *socket_path(const char *url, enum statsd_transport *transport)
{
	static const struct {
		const char *scheme;
		enum statsd_transport transport;
	} schemes[] = {
		{"unix://", STATSD_UNIX},
		{"unixgram://", STATSD_UNIXGRAM},
		{"unixstream://", STATSD_UNIXSTREAM},
	};

	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
		const char *path = behind_scheme(url, schemes[i].scheme);

		*transport = schemes[i].transport;
		if (path)
			return path;
	}
	return NULL;
}

int statsd_server_parse_socket(struct statsd_server *server, const char *url,
			       char reason[STATSD_REASON])
{
	const char *path = socket_path(url, &server->transport);

	if (!path || (*path != '/' && *path != '@') || !path[1])
		return refuse(reason, url,
			      "is not valid; accepted: " SOCKETS ", PATH from the root or @NAME");
	if (strlen(path) >= sizeof(server->path))
		return refuse(reason, url,
			      "has a path of %zu bytes, too long for a socket; accepted: up to %zu",
			      strlen(path), sizeof(server->path) - 1);
	strcpy(server->path, path);
	return 0;
}

static int parse_udp(struct statsd_server *server, const char *rest, char reason[STATSD_REASON])
{
	size_t length = strlen(rest);
	char text[STATSD_SERVER_TEXT];

	if (length && rest[length - 1] == '/')
		length--;
	if (length >= sizeof(text))
		return not_an_endpoint(rest, reason);
	memcpy(text, rest, length);
	text[length] = '\0';
	return parse_endpoint(server, text, 0, true, reason);
}

int statsd_server_parse_url(struct statsd_server *server, const char *url,
			    char reason[STATSD_REASON])
{
	const char *udp = behind_scheme(url, "udp://");
	enum statsd_transport transport;

	if (udp)
		return parse_udp(server, udp, reason);
	if (socket_path(url, &transport))
		return statsd_server_parse_socket(server, url, reason);
	return refuse(
		reason, url,
		"is not the URL of a StatsD server on Linux; accepted: udp://HOST:PORT, " SOCKETS);
}

/* ---- for people ---- */

bool statsd_server_same(const struct statsd_server *a, const struct statsd_server *b)
{
	if (a->transport != b->transport || strcmp(a->path, b->path))
		return false;
	if (a->transport != STATSD_UDP)
		return true;
	if (a->port != b->port || strcasecmp(a->name, b->name))
		return false;
	return a->name[0] || !memcmp(&a->addr, &b->addr, sizeof(a->addr));
}

char *statsd_server_text(const struct statsd_server *server, char text[STATSD_SERVER_TEXT])
{
	static const char *const schemes[] = {
		[STATSD_UNIX] = "unix",
		[STATSD_UNIXGRAM] = "unixgram",
		[STATSD_UNIXSTREAM] = "unixstream",
	};
	char address[ADDRESS_TEXT] = "";

	if (server->known)
		address_format(&server->addr, address);
	if (server->transport != STATSD_UDP)
		snprintf(text, STATSD_SERVER_TEXT, "%s://%s", schemes[server->transport],
			 server->path);
	else if (server->name[0])
		snprintf(text, STATSD_SERVER_TEXT, server->known ? "%s:%u (%s)" : "%s:%u",
			 server->name, server->port & 0xffff, address);
	else
		snprintf(text, STATSD_SERVER_TEXT, strchr(address, ':') ? "[%s]:%u" : "%s:%u",
			 address, server->port & 0xffff);
	return text;
}
