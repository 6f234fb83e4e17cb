/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Cuts a report into datagrams, sends them in bursts by a timer, and judges in the end how it went.
 */
#include "statsd_client.h"
#include "statsd_choice.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "statsd_connection.h"
#include "statsd_outage.h"
#include "statsd_queue.h"

/*
 * The pace. A UDP socket's receive buffer of 208 KB, the default, holds some 90 datagrams of 1432
 * bytes (each is charged 2304 bytes over loopback), and the kernel silently drops what comes on
 * top. A server that does not read for 100 ms finds 16 + 9 * 6 = 70 of ours in it, which leaves
 * some room for others.
 */
#define BURST_FIRST 16
#define BURST       6
#define TICK_MS     10
/* A large report may take this long, but at most half an interval. At the pace above that is 2400
 * datagrams; bursts grow to get more out in time, up to 30 for a full queue. */
#define SPREAD_MS 4000
/* No burst is larger: better refused and counted than lost silently. Over Unix sockets, where the
 * kernel says when the other end is full (after net.unix.max_dgram_qlen datagrams: 10, or 512 with
 * systemd), this only keeps bursts from holding up the event loop. */
#define BURST_MOST 64
/* What a full socket has not taken after this time is too old to be sent. */
#define PATIENCE_MS 5000
/* The same two times for what is left at the end. */
#define CLOSE_SPREAD_MS   300
#define CLOSE_PATIENCE_MS 500

struct statsd_client {
	struct statsd_connection connection;
	struct statsd_queue queue;
	int timer;

	char packet[STATSD_DATAGRAM_MAX_UNIX]; /* the datagram being packed */
	size_t length;

	/* Times are ms, monotonic. */
	__u64 begun_ms;    /* the latest report, 0: none yet */
	__u64 interval_ms; /* between the two latest reports */
	__u64 regular_ms; /* the longer of the last two intervals: a reload makes an extra report */
	__u64 spread_ms;  /* when all of it should be out */
	__u64 waiting_ms; /* since when the queue is not empty */
	__u64 give_up_ms; /* when what is left is too old to be sent */
	bool full;        /* the first packet of the queue waits for room in the socket */

	/* About the latest report, until its verdict is known. All errors are -errno or 0. */
	__u64 undecided; /* datagrams that the socket took */
	int send_error;  /* some other datagram was refused */
	int late_error;  /* the network returned some that the socket took */

	struct statsd_outage outage;
	bool unreachable; /* the latest report did not get to the server's address */
	bool renewed;     /* the connection was renewed in this report: not a second time */
	bool told_overlong;
	struct statsd_counters counters;
};

static bool is_udp(const struct statsd_client *client)
{
	return client->connection.server.transport == STATSD_UDP;
}

/* ---- the verdict on a report ---- */

static void begin_failing(struct statsd_client *client, int error)
{
	statsd_outage_begin(&client->outage, client->connection.text, error, monotonic_ms());
}

static void refuse(struct statsd_client *client, __u64 datagrams, int error)
{
	client->counters.refused += datagrams;
	client->outage.lost += datagrams;
	if (datagrams && !client->send_error)
		client->send_error = error;
}

static void collect_late_error(struct statsd_client *client)
{
	int error = statsd_socket_late_error(&client->connection.socket);

	if (error && !client->late_error)
		client->late_error = error;
}

/*
 * The verdict on the latest report. Only a report that came through completely ends an outage:
 * send() succeeds every other time while nobody listens.
 */
static void settle(struct statsd_client *client)
{
	int error = client->late_error ? client->late_error : client->send_error;

	if (client->late_error)
		refuse(client, client->undecided, error);
	else
		client->counters.sent += client->undecided;
	if (error || client->undecided)
		client->unreachable =
			client->late_error || statsd_outage_is_of_address(client->send_error);
	if (error)
		begin_failing(client, error);
	else if (client->undecided)
		statsd_outage_end(&client->outage, client->connection.text, monotonic_ms());
	client->undecided = 0;
	client->send_error = 0;
	client->late_error = 0;
}

/* ---- connecting ---- */

static void reconnect(struct statsd_client *client)
{
	client->full = false;
	statsd_connection_renew(&client->connection);
}

/* A new UDP socket gets the current route and source address. */
static bool is_worth_reconnecting(const struct statsd_client *client)
{
	if (client->connection.socket.fd < 0)
		return statsd_connection_is_due(&client->connection);
	return client->outage.failing && is_udp(client);
}

/* What still waits goes to the new server. */
static void connect_to(struct statsd_client *client, const struct statsd_server *server)
{
	int fd;

	collect_late_error(client);
	settle(client);
	client->unreachable = false;
	client->full = false;
	statsd_connection_open(&client->connection, server);
	fd = client->connection.socket.fd;
	if (fd < 0 && fd != -EDESTADDRREQ)
		begin_failing(client, fd);
}

/* ---- sending ---- */

static void set_timer(struct statsd_client *client, bool on)
{
	const struct timespec tick = {.tv_nsec = on ? TICK_MS * NS_PER_MS : 0};
	const struct itimerspec spec = {.it_interval = tick, .it_value = tick};

	timerfd_settime(client->timer, 0, &spec, NULL);
}

/* Reconnects and sends: the server has ended, or another one listens at the path by now. */
static int send_anew(struct statsd_client *client, const char *packet, size_t length, int error)
{
	collect_late_error(client);
	if (client->renewed) {
		statsd_socket_close(&client->connection.socket, error);
		return error;
	}
	client->renewed = true;
	reconnect(client);
	error = statsd_socket_send(&client->connection.socket, packet, length);
	if (statsd_socket_is_gone(&client->connection.socket, error))
		statsd_socket_close(&client->connection.socket, error);
	return error;
}

/*
 * An error of send() over UDP may be about an earlier datagram (its port was closed, say): send()
 * reports that once, instead of sending. So this tries again: if that works, it was such an error.
 */
static int send_packet(struct statsd_client *client, const char *packet, size_t length)
{
	int earlier = statsd_socket_send(&client->connection.socket, packet, length);
	int error;

	if (!earlier || earlier == -EAGAIN || client->connection.socket.fd < 0)
		return earlier;
	if (statsd_socket_is_gone(&client->connection.socket, earlier))
		return send_anew(client, packet, length, earlier);
	error = statsd_socket_send(&client->connection.socket, packet, length);
	if ((!error || error == -EAGAIN) && !client->late_error)
		client->late_error = earlier;
	return error;
}

/* A packet of which a stream has a part cannot be left out alone: closes the connection. */
static void drop_unsent(struct statsd_client *client, int error)
{
	refuse(client, statsd_queue_clear(&client->queue), error);
	client->full = false;
	if (client->connection.socket.written)
		statsd_socket_close(&client->connection.socket, -ENOTCONN);
}

/* On the same host the verdict is known at once; from another host it comes before the next report.
 */
static void judge(struct statsd_client *client)
{
	int error;

	collect_late_error(client);
	error = client->late_error ? client->late_error : client->send_error;
	if (client->late_error && !client->queue.count)
		settle(client);
	else if (error)
		begin_failing(client, error);
}

static void send_burst(struct statsd_client *client, size_t most)
{
	const char *packet;
	size_t length;
	int error;

	client->full = false;
	while (most-- && !client->full && (packet = statsd_queue_first(&client->queue, &length))) {
		error = send_packet(client, packet, length);
		if (client->connection.socket.fd < 0) {
			drop_unsent(client, client->connection.socket.fd);
			break;
		}
		client->full = error == -EAGAIN;
		if (client->full)
			break;
		statsd_queue_pop(&client->queue);
		if (error)
			refuse(client, 1, error);
		else
			client->undecided++;
	}
	judge(client);
}

/* How many datagrams to send at a time: as few as get all of them out in time. */
static size_t pace(const struct statsd_client *client)
{
	__u64 now = monotonic_ms(), ticks = 1, burst;

	if (now + 2 * TICK_MS <= client->spread_ms)
		ticks = (client->spread_ms - now) / TICK_MS;
	burst = (client->queue.count + ticks - 1) / ticks;
	if (burst > BURST_MOST || !is_udp(client))
		return BURST_MOST;
	return burst < BURST ? BURST : burst;
}

void statsd_client_resume(struct statsd_client *client)
{
	__u64 expirations;

	if (read(client->timer, &expirations, sizeof(expirations)) < 0)
		return; /* there was nothing to do */
	if (monotonic_ms() < client->give_up_ms) {
		send_burst(client, pace(client));
	} else {
		drop_unsent(client, -EAGAIN);
		judge(client);
	}
	if (!client->queue.count)
		set_timer(client, false);
}

int statsd_client_fd(const struct statsd_client *client)
{
	return client->timer;
}

/* ---- a report ---- */

/* What still waits for its turn, and not for the server, goes out with the next report, which a
 * reload or the end may have brought forward. */
static void finish_report(struct statsd_client *client)
{
	if (!client->queue.count)
		return;
	if (!client->full && monotonic_ms() < client->give_up_ms)
		return;
	drop_unsent(client, -EAGAIN);
	set_timer(client, false);
}

static void measure_interval(struct statsd_client *client)
{
	__u64 now = monotonic_ms();

	if (client->begun_ms) {
		__u64 before = client->interval_ms;

		client->interval_ms = now - client->begun_ms;
		client->regular_ms = before > client->interval_ms ? before : client->interval_ms;
	}
	client->begun_ms = now;
}

void statsd_client_begin(struct statsd_client *client)
{
	finish_report(client);
	collect_late_error(client);
	settle(client);
	measure_interval(client);
	client->renewed = false;
	if (is_worth_reconnecting(client)) {
		if (client->unreachable)
			statsd_connection_turn(&client->connection);
		client->unreachable = false;
		reconnect(client);
		client->renewed = true;
	}
}

static void flush(struct statsd_client *client)
{
	int error;

	if (!client->length)
		return;
	if (!client->queue.count)
		client->waiting_ms = monotonic_ms();
	error = statsd_queue_push(&client->queue, client->packet, client->length);
	client->length = 0;
	if (error)
		refuse(client, 1, error);
}

static void leave_out(struct statsd_client *client, const char *line)
{
	client->counters.overlong++;
	if (client->told_overlong)
		return;
	client->told_overlong = true;
	log_warning("a StatsD line is longer than %zu bytes and is left out, as all such lines "
		    "will be: %.*s...",
		    statsd_client_line_max(client), 100, line); /* longer than that, too */
}

size_t statsd_client_line_max(const struct statsd_client *client)
{
	return is_udp(client) ? STATSD_DATAGRAM_MAX : STATSD_DATAGRAM_MAX_UNIX;
}

void statsd_client_line(struct statsd_client *client, const char *line, size_t length)
{
	size_t most = statsd_client_line_max(client);

	if (length > most) {
		leave_out(client, line);
		return;
	}
	if (client->length && client->length + 1 + length > most)
		flush(client);
	if (client->length)
		client->packet[client->length++] = '\n';
	memcpy(client->packet + client->length, line, length);
	client->length += length;
	client->counters.lines++;
}

void statsd_client_end(struct statsd_client *client)
{
	__u64 now = monotonic_ms(), spread = client->regular_ms / 2;

	flush(client);
	client->spread_ms = now + (spread < SPREAD_MS ? spread : SPREAD_MS);
	client->give_up_ms = client->waiting_ms + PATIENCE_MS;
	send_burst(client, is_udp(client) ? BURST_FIRST : BURST_MOST);
	if (client->queue.count)
		set_timer(client, true);
}

/* ---- the server ---- */

const char *statsd_client_server_name(const struct statsd_client *client)
{
	return statsd_connection_name(&client->connection);
}

void statsd_client_set_server(struct statsd_client *client, const struct address *addrs,
			      size_t count)
{
	struct statsd_server server;

	if (statsd_connection_learn(&client->connection, addrs, count, &server))
		connect_to(client, &server);
}

int statsd_client_redirect(struct statsd_client *client, const struct config *config)
{
	struct statsd_connection *connection = &client->connection;
	char text[STATSD_SERVER_TEXT];
	struct statsd_server server;
	int error = statsd_server_choose(&server, config);

	if (error || statsd_server_same(&server, &connection->server))
		return error;
	log_info("StatsD server is now %s, no longer %s", statsd_server_text(&server, text),
		 connection->text);
	collect_late_error(client);
	settle(client);
	client->outage = (struct statsd_outage){0};
	statsd_connection_forget(connection);
	if (server.transport != connection->server.transport) /* its datagrams have another size */
		client->counters.refused += statsd_queue_clear(&client->queue);
	connect_to(client, &server);
	return 0;
}

/* ---- life ---- */

static int start(struct statsd_client *client, const struct config *config)
{
	struct statsd_server server;
	int error = statsd_server_choose(&server, config);

	if (error)
		return error;
	client->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (client->timer < 0) {
		error = -errno;
		log_error("cannot make a timer for StatsD: %s", strerror(errno));
		return error;
	}
	client->interval_ms = client->regular_ms = (__u64)(config->report_interval_s * 1000);
	connect_to(client, &server);
	return 0;
}

int statsd_client_open(struct statsd_client **client, const struct config *config)
{
	struct statsd_client *c = calloc(1, sizeof(*c));
	int error;

	if (!c)
		return -ENOMEM;
	statsd_socket_init(&c->connection.socket);
	error = start(c, config);
	if (error) {
		free(c);
		return error;
	}
	*client = c;
	return 0;
}

struct statsd_state statsd_client_state(const struct statsd_client *client)
{
	return statsd_outage_state(&client->outage, client->connection.text);
}

const struct statsd_counters *statsd_client_counters(const struct statsd_client *client)
{
	return &client->counters;
}

static void send_the_rest(struct statsd_client *client)
{
	const struct timespec tick = {.tv_nsec = TICK_MS * NS_PER_MS};
	__u64 now = monotonic_ms();

	client->spread_ms = now + CLOSE_SPREAD_MS;
	client->give_up_ms = now + CLOSE_PATIENCE_MS;
	while (client->queue.count && monotonic_ms() < client->give_up_ms) {
		nanosleep(&tick, NULL);
		send_burst(client, pace(client));
	}
	drop_unsent(client, -EAGAIN);
}

void statsd_client_close(struct statsd_client *client)
{
	const struct statsd_counters *counters;

	if (!client)
		return;
	send_the_rest(client);
	collect_late_error(client);
	settle(client);
	counters = &client->counters;
	log_info("StatsD server %s: %llu datagrams sent, %llu refused; %llu lines were too long",
		 client->connection.text, counters->sent, counters->refused, counters->overlong);
	statsd_socket_close(&client->connection.socket, -ENOTCONN);
	statsd_queue_free(&client->queue);
	close(client->timer);
	free(client);
}
