/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "statsd_server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "number.h"

#define URLS "unix://PATH, unixgram://PATH and unixstream://PATH"

/* "HOST:PORT" in pieces. */
struct endpoint {
	char host[STATSD_NAME];
	unsigned int port; /* 0: not given */
};

static int parse_port(unsigned int *port, const char *text, const char *key)
{
	if (!number_parse_whole(text, 1, 65535, port))
		return 0;
	log_error("%s: '%s' is no port; accepted are 1 to 65535", key, text);
	return -EINVAL;
}

/* A name whose last part is a number is an address gone wrong (RFC 1123, 2.1). */
static bool is_host_name(const char *text)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-_.";
	const char *last = strrchr(text, '.');

	if (!*text || strlen(text) >= STATSD_NAME || text[strspn(text, allowed)])
		return false;
	if (text[0] == '.' || text[0] == '-' || strstr(text, ".."))
		return false;
	last = last ? last + 1 : text;
	return last[strspn(last, "0123456789")] || !*last;
}

/* localhost needs no lookup, which might say ::1, where few StatsD servers listen. */
static int set_host(struct statsd_server *server, const char *host, const char *key)
{
	const char *text = strcasecmp(host, "localhost") ? host : "127.0.0.1";

	if (!address_parse(text, &server->addr)) {
		server->known = true;
		return 0;
	}
	if (!is_host_name(host)) {
		log_error("%s: '%s' is neither an address nor a host name; accepted are an IPv4 or "
			  "IPv6 address and the name of a host",
			  key, host);
		return -EINVAL;
	}
	strcpy(server->name, host);
	return 0;
}

static int set_udp(struct statsd_server *server, const char *host, unsigned int port,
		   const char *key)
{
	server->transport = STATSD_UDP;
	server->port = port ? port : STATSD_PORT;
	return set_host(server, host, key);
}

static int set_path(struct statsd_server *server, enum statsd_transport transport, const char *path,
		    const char *key)
{
	if ((path[0] != '/' && path[0] != '@') || !path[1]) {
		log_error("%s: '%s' is no path of a socket; accepted are /PATH and @NAME behind "
			  "the two slashes",
			  key, path);
		return -EINVAL;
	}
	if (strlen(path) >= sizeof(server->path)) {
		log_error("%s: the path of a Unix socket has at most %zu characters: %s", key,
			  sizeof(server->path) - 1, path);
		return -EINVAL;
	}
	server->transport = transport;
	strcpy(server->path, path);
	return 0;
}

static int not_an_endpoint(const char *text, const char *key)
{
	log_error("%s: '%s' is no server; accepted are HOST, HOST:PORT and [IPV6]:PORT", key, text);
	return -EINVAL;
}

/* An IPv6 address needs its brackets only where a port follows. */
static int split_endpoint(struct endpoint *endpoint, const char *text, const char *key)
{
	const char *start = text + (*text == '['), *end, *port;
	struct address addr;

	endpoint->port = 0;
	if (*text == '[') {
		end = strchr(start, ']');
		port = end ? end + 1 : NULL;
		if (!end || (*port && *port != ':'))
			return not_an_endpoint(text, key);
	} else if (!address_parse(text, &addr)) {
		end = port = start + strlen(start);
	} else {
		end = port = start + strcspn(start, ":");
	}
	if (end == start || (size_t)(end - start) >= sizeof(endpoint->host))
		return not_an_endpoint(text, key);
	memcpy(endpoint->host, start, end - start);
	endpoint->host[end - start] = '\0';
	return *port ? parse_port(&endpoint->port, port + 1, key) : 0;
}

static int set_endpoint(struct statsd_server *server, const char *text, unsigned int port,
			const char *key)
{
	struct endpoint endpoint;
	int error = split_endpoint(&endpoint, text, key);

	if (error)
		return error;
	return set_udp(server, endpoint.host, endpoint.port ? endpoint.port : port, key);
}

/* Returns what follows the scheme, or NULL. */
static const char *behind_scheme(const char *url, const char *scheme)
{
	size_t length = strlen(scheme);

	return strncasecmp(url, scheme, length) ? NULL : url + length;
}

/* Returns 0, -EINVAL (reported), or -ENOENT if this is no socket's URL. */
static int set_socket_url(struct statsd_server *server, const char *url, const char *key)
{
	static const struct {
		const char *scheme;
		enum statsd_transport transport;
	} schemes[] = {
		{"unix://", STATSD_UNIX},
		{"unixgram://", STATSD_UNIXGRAM},
		{"unixstream://", STATSD_UNIXSTREAM},
	};

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		const char *path = behind_scheme(url, schemes[i].scheme);

		if (path)
			return set_path(server, schemes[i].transport, path, key);
	}
	return -ENOENT;
}

static int set_udp_url(struct statsd_server *server, const char *rest, const char *key)
{
	size_t length = strlen(rest);
	char text[STATSD_SERVER_TEXT];

	if (length && rest[length - 1] == '/')
		length--;
	if (length >= sizeof(text))
		return not_an_endpoint(rest, key);
	memcpy(text, rest, length);
	text[length] = '\0';
	return set_endpoint(server, text, 0, key);
}

static int set_url(struct statsd_server *server, const char *url, const char *key)
{
	const char *udp = behind_scheme(url, "udp://");
	int error = udp ? set_udp_url(server, udp, key) : set_socket_url(server, url, key);

	if (error != -ENOENT)
		return error;
	log_error("%s: '%s' is no StatsD server for Linux; accepted are udp://HOST:PORT, " URLS,
		  key, url);
	return -EINVAL;
}

static const char *environment(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

/* port: the configuration's, 0 if none. DD_AGENT_HOST may have all forms that datadog-go takes. */
static int choose_agent_host(struct statsd_server *server, unsigned int port)
{
	const char *host = environment("DD_AGENT_HOST");
	const char *text = environment("DD_DOGSTATSD_PORT");
	int error = 0;

	if (!port && text)
		error = parse_port(&port, text, "environment variable DD_DOGSTATSD_PORT");
	if (error)
		return error;
	if (!host)
		return set_udp(server, "127.0.0.1", port, "");
	if (strstr(host, "://"))
		return set_url(server, host, "environment variable DD_AGENT_HOST");
	return set_endpoint(server, host, port, "environment variable DD_AGENT_HOST");
}

static int choose(struct statsd_server *server, const struct config *config)
{
	const char *url = environment("DD_DOGSTATSD_URL");
	int error;

	if (config->statsd_socket) {
		error = set_socket_url(server, config->statsd_socket, "statsd_socket");
		if (error != -ENOENT)
			return error;
		log_error("statsd_socket: '%s' names no socket; accepted are " URLS,
			  config->statsd_socket);
		return -EINVAL;
	}
	if (config->statsd_ip)
		return set_udp(server, config->statsd_ip, config->statsd_port, "statsd_ip");
	if (url && !config->statsd_port)
		return set_url(server, url, "environment variable DD_DOGSTATSD_URL");
	return choose_agent_host(server, config->statsd_port);
}

int statsd_server_choose(struct statsd_server *server, const struct config *config)
{
	struct statsd_server chosen = {0};
	int error = choose(&chosen, config);

	if (!error)
		*server = chosen;
	return error;
}

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
