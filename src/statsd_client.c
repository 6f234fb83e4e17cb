/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "statsd_client.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "prefix.h"

/* A host that does not answer is given up after 3 s, and only then are we told. Where reports come
 * faster than that, one without an error means nothing until so much time has passed. */
#define QUIET_S 4

struct server {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} addr;
	socklen_t length;
	char text[ADDRESS_TEXT + sizeof("[]:65535")];
};

struct statsd_client {
	struct server server;
	int fd; /* or -errno: why there is no socket now */

	char datagram[STATSD_DATAGRAM_MAX + 1]; /* and snprintf's final 0 */
	size_t length;

	/* The latest report, until its verdict is in. All errors are -errno or 0. */
	__u64 undecided; /* datagrams that send() took */
	int send_error;  /* send() did not take some other datagram */
	int late_error;  /* the network returned some that send() took */

	bool failing;      /* this was logged, and no report has come through since */
	time_t last_error; /* monotonic seconds */
	__u64 lost;        /* datagrams refused since failing began */
	bool told_overlong;
	struct statsd_counters counters;
};

static void server_set(struct server *server, const struct address *addr, unsigned int port)
{
	char text[ADDRESS_TEXT];
	bool v4 = address_is_v4(addr);

	memset(server, 0, sizeof(*server));
	if (v4) {
		server->addr.v4.sin_family = AF_INET;
		server->addr.v4.sin_port = htons(port);
		server->addr.v4.sin_addr.s_addr = addr->words[3];
		server->length = sizeof(server->addr.v4);
	} else {
		server->addr.v6.sin6_family = AF_INET6;
		server->addr.v6.sin6_port = htons(port);
		memcpy(&server->addr.v6.sin6_addr, addr->bytes, sizeof(addr->bytes));
		server->length = sizeof(server->addr.v6);
	}
	snprintf(server->text, sizeof(server->text), v4 ? "%s:%u" : "[%s]:%u",
		 address_format(addr, text), port & 0xffff);
}

/* A resolver would block, so names have to wait for the one that runs beside the loop. */
static int server_parse(struct server *server, const char *host, unsigned int port)
{
	struct address addr;

	if (address_parse(strcasecmp(host, "localhost") ? host : "127.0.0.1", &addr)) {
		log_error("statsd_ip: %s is no address; accepted are an IPv4 or IPv6 address and "
			  "localhost",
			  host);
		return -EINVAL;
	}
	server_set(server, &addr, port);
	return 0;
}

/* With this an unreachable host becomes known, too, not only a closed port. */
static void ask_for_all_errors(int fd, int family)
{
	int on = 1;

	if (family == AF_INET)
		setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on));
	else
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on));
}

/* Returns a socket or -errno. */
static int connect_to(const struct server *server)
{
	int family = server->addr.any.sa_family;
	int fd, error;

	fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, &server->addr.any, server->length)) {
		error = -errno;
		close(fd);
		return error;
	}
	ask_for_all_errors(fd, family);
	return fd;
}

static void disconnect(struct statsd_client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	client->fd = -ENOTCONN;
}

static void reconnect(struct statsd_client *client)
{
	disconnect(client);
	client->fd = connect_to(&client->server);
}

/* What the network has said since the last call about datagrams that it took: 0 or -errno. */
static int take_late_error(struct statsd_client *client)
{
	struct msghdr message = {0};
	socklen_t size = sizeof(int);
	int error = 0;

	if (client->fd < 0)
		return 0;
	if (getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &error, &size))
		error = errno;
	/* Each complaint also waits in a queue, which has to be emptied. */
	while (recvmsg(client->fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) >= 0)
		memset(&message, 0, sizeof(message));
	return -error;
}

static time_t monotonic_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static void begin_failing(struct statsd_client *client, int error)
{
	client->last_error = monotonic_s();
	if (client->failing)
		return;
	client->failing = true;
	log_warning("StatsD server %s: %s; metrics are lost until it takes them again",
		    client->server.text, strerror(-error));
}

static void end_failing(struct statsd_client *client)
{
	if (!client->failing || monotonic_s() - client->last_error < QUIET_S)
		return;
	log_info("StatsD server %s takes metrics again; %llu datagrams were lost",
		 client->server.text, (unsigned long long)client->lost);
	client->failing = false;
	client->lost = 0;
}

static void count_refused(struct statsd_client *client, __u64 datagrams)
{
	client->counters.refused += datagrams;
	client->lost += datagrams;
}

/*
 * The verdict on the latest report. Only a report that came through whole ends a failure: send()
 * alone succeeds every other time while nobody listens.
 */
static void settle(struct statsd_client *client)
{
	int error = client->late_error ? client->late_error : client->send_error;

	if (client->late_error)
		count_refused(client, client->undecided);
	else
		client->counters.sent += client->undecided;
	if (error)
		begin_failing(client, error);
	else if (client->undecided)
		end_failing(client);
	client->undecided = 0;
	client->send_error = 0;
	client->late_error = 0;
}

static void collect_late_error(struct statsd_client *client)
{
	int error = take_late_error(client);

	if (error && !client->late_error)
		client->late_error = error;
}

int statsd_client_open(struct statsd_client **client, const char *host, unsigned int port)
{
	struct statsd_client *c = calloc(1, sizeof(*c));
	int error;

	if (!c)
		return -ENOMEM;
	error = server_parse(&c->server, host, port);
	if (error) {
		free(c);
		return error;
	}
	c->fd = connect_to(&c->server);
	if (c->fd < 0)
		begin_failing(c, c->fd);
	*client = c;
	return 0;
}

int statsd_client_redirect(struct statsd_client *client, const char *host, unsigned int port)
{
	struct server server;
	int error = server_parse(&server, host, port);

	if (error)
		return error;
	if (!strcmp(server.text, client->server.text))
		return 0;
	collect_late_error(client);
	settle(client);
	log_info("StatsD server is now %s, no longer %s", server.text, client->server.text);
	client->server = server;
	client->failing = false;
	client->lost = 0;
	reconnect(client);
	if (client->fd < 0)
		begin_failing(client, client->fd);
	return 0;
}

void statsd_client_begin(struct statsd_client *client)
{
	collect_late_error(client);
	settle(client);
	/* A new socket finds the route and the source address as they are now. */
	if (client->failing)
		reconnect(client);
}

static int send_once(const struct statsd_client *client)
{
	if (client->fd < 0)
		return client->fd;
	if (send(client->fd, client->datagram, client->length, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return -errno;
	return 0;
}

/*
 * An error of send() may be the fate of an earlier datagram (a port found closed, say); send()
 * reports and forgets that in place of sending. So once more: if that works, it was.
 */
static int send_datagram(struct statsd_client *client)
{
	int earlier = send_once(client);
	int error;

	if (!earlier || earlier == -EAGAIN || client->fd < 0)
		return earlier;
	error = send_once(client);
	if (!error && !client->late_error)
		client->late_error = earlier;
	return error;
}

static void flush(struct statsd_client *client)
{
	int error;

	if (!client->length)
		return;
	error = send_datagram(client);
	client->length = 0;
	if (!error) {
		client->undecided++;
		return;
	}
	count_refused(client, 1);
	if (!client->send_error)
		client->send_error = error;
}

static bool pack(struct statsd_client *client, const char *name, double value, const char *tags)
{
	size_t room = sizeof(client->datagram) - client->length;
	int n = snprintf(client->datagram + client->length, room, "%s%s:%f|g|#%s",
			 client->length ? "\n" : "", name, value, tags);

	if (n < 0 || (size_t)n >= room)
		return false;
	client->length += n;
	client->counters.lines++;
	return true;
}

static void leave_out(struct statsd_client *client, const char *name, const char *tags)
{
	client->counters.overlong++;
	if (client->told_overlong)
		return;
	client->told_overlong = true;
	log_warning("a StatsD line is longer than %d bytes: left out, as any more: %s #%.100s...",
		    STATSD_DATAGRAM_MAX, name, tags);
}

void statsd_client_gauge(struct statsd_client *client, const char *name, double value,
			 const char *tags)
{
	if (pack(client, name, value, tags))
		return;
	flush(client);
	if (!pack(client, name, value, tags))
		leave_out(client, name, tags);
}

static bool pack_line(struct statsd_client *client, const char *line, size_t length)
{
	size_t gap = client->length ? 1 : 0;

	if (client->length + gap + length > STATSD_DATAGRAM_MAX)
		return false;
	memcpy(client->datagram + client->length, "\n", gap);
	memcpy(client->datagram + client->length + gap, line, length);
	client->length += gap + length;
	client->counters.lines++;
	return true;
}

void statsd_client_line(struct statsd_client *client, const char *line, size_t length)
{
	if (pack_line(client, line, length))
		return;
	flush(client);
	if (!pack_line(client, line, length))
		leave_out(client, line, "");
}

size_t statsd_client_line_max(const struct statsd_client *client)
{
	(void)client;
	return STATSD_DATAGRAM_MAX;
}

/* On the same host the verdict is in at once; from another it comes before the next report. */
void statsd_client_end(struct statsd_client *client)
{
	flush(client);
	collect_late_error(client);
	if (client->late_error)
		settle(client);
	else if (client->send_error)
		begin_failing(client, client->send_error);
}

const struct statsd_counters *statsd_client_counters(const struct statsd_client *client)
{
	return &client->counters;
}

void statsd_client_close(struct statsd_client *client)
{
	const struct statsd_counters *counters;

	if (!client)
		return;
	flush(client);
	collect_late_error(client);
	settle(client);
	counters = &client->counters;
	log_info("StatsD server %s: %llu datagrams sent, %llu refused", client->server.text,
		 (unsigned long long)counters->sent, (unsigned long long)counters->refused);
	disconnect(client);
	free(client);
}
