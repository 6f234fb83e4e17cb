/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Real TCP traffic, and what the kernel itself measured about it.
 *
 * All kinds of traffic are one: a connection makes exchanges, each of them `request` bytes one way
 * and then `response` bytes back, either of which may be endless to the server and a block after
 * another to the client. What the server needs to know of this the client says in a header, first
 * thing on each connection; so the server knows nothing of modes.
 *
 *     mode       the server sees      an exchange of the client's
 *     rr         request, response    request, response
 *     connect    request, response    request, response, and a new connection
 *     upload     endless, none        request, nothing
 *     download   none, endless        nothing, response
 */
#include "toolkit.h"

#include <endian.h>
#include <getopt.h>
#include <linux/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/timerfd.h>

#define EVENTS_A_WAIT   64
#define STEPS_A_TURN    16 /* reads or writes of one connection before others get their turn */
#define BUFFER_BYTES    (256 * 1024)

#define HEADER_MAGIC    0x6d6574726f6c6f64ULL /* "metrolod" */
#define ENDLESS         UINT64_MAX

#define BLOCK_MAX       (1ULL << 40)
#define CONNECTIONS_MAX 100000
#define RATE_MAX        1e6
#define DRAIN_NS        (2 * NS_PER_SECOND) /* for what is under way when time is up */

/* Big endian on the wire. */
struct header {
	uint64_t magic;
	uint64_t request, response;
};

enum mode { MODE_RR, MODE_UPLOAD, MODE_DOWNLOAD, MODE_CONNECT };

static const char *const mode_names[] = {
	[MODE_RR] = "rr",
	[MODE_UPLOAD] = "upload",
	[MODE_DOWNLOAD] = "download",
	[MODE_CONNECT] = "connect",
};

struct options {
	const char *address;
	uint16_t port;
	uint64_t duration; /* ns; 0: no limit */
	/* the client's alone: */
	enum mode mode;
	uint64_t connections;
	uint64_t request, response; /* bytes of an exchange; 0: not given */
	double rate;                /* exchanges a second and connection; 0: no limit */
	uint64_t count;             /* exchanges of a connection; 0: no limit */
	const char *congestion;     /* NULL: the system's */
	uint64_t hold;              /* ns */
};

static const char help[] =
	"Usage: tcp_load server --port N [--bind ADDR] [--seconds S]\n"
	"       tcp_load client --port N --connect ADDR [OPTION]...\n"
	"Make TCP traffic, and print what the kernel measured about each connection.\n"
	"\n"
	"Server: serves any number of clients of any mode until told to stop.\n"
	"      --bind ADDR        listen on this address (default ::, which includes IPv4)\n"
	"      --port N           listen on this port (0: any free one)\n"
	"      --seconds S        end after S seconds\n"
	"\n"
	"Client:\n"
	"      --connect ADDR     the server's IPv4 or IPv6 address\n"
	"      --port N           the server's port\n"
	"      --mode MODE        rr        a request, its response, the next request (default)\n"
	"                         upload    send blocks of --request bytes\n"
	"                         download  receive without end\n"
	"                         connect   rr with a connection of its own for each request\n"
	"      --connections N    at the same time (default 1)\n"
	"      --request BYTES    length of a request (default 64; upload: 65536)\n"
	"      --response BYTES   length of a response (default 64; download: 65536)\n"
	"      --rate PER_SECOND  requests, or blocks uploaded, a second and connection\n"
	"                         (default 0: as many as possible; not with download)\n"
	"      --count N          end each connection after N requests or blocks\n"
	"      --seconds S        end after S seconds\n"
	"      --congestion NAME  use this congestion control\n"
	"      --hold S           when done, keep the connections open for S seconds\n"
	"\n"
	"When the traffic ends, the client prints one line of JSON for each connection (in mode\n"
	"connect: for all of them), times in microseconds. mean_app_rtt_us is the mean time from\n"
	"sending a request to having its whole response; srtt_us, rttvar_us, min_rtt_us and\n"
	"retrans are the kernel's own (TCP_INFO); bytes_sent is what the kernel took from us.\n"
	"SIGINT and SIGTERM end both. The server says 'serving on ADDR:PORT' on standard error\n"
	"when it is ready. Exit status: 0 ended as asked, 1 failed, 2 wrong usage.\n";

/* ---- the command line ---- */

static enum mode mode_of(const char *text)
{
	for (size_t i = 0; i < sizeof(mode_names) / sizeof(mode_names[0]); i++)
		if (strcmp(text, mode_names[i]) == 0)
			return (enum mode)i;
	fail_usage("--mode takes rr, upload, download or connect, not '%s'", text);
}

enum option_id {
	BIND = 1, /* 1 and not 0, which ends the table */
	CONNECT,
	PORT,
	MODE,
	CONNECTIONS,
	REQUEST,
	RESPONSE,
	RATE,
	COUNT,
	SECONDS,
	CONGESTION,
	HOLD,
	HELP,
};

static void set_option(struct options *options, int option)
{
	switch (option) {
	case BIND:
	case CONNECT:
		options->address = optarg;
		break;
	case PORT:
		options->port = (uint16_t)number_of("port", optarg, 0, UINT16_MAX);
		break;
	case MODE:
		options->mode = mode_of(optarg);
		break;
	case CONNECTIONS:
		options->connections = number_of("connections", optarg, 1, CONNECTIONS_MAX);
		break;
	case REQUEST:
		options->request = number_of("request", optarg, 1, BLOCK_MAX);
		break;
	case RESPONSE:
		options->response = number_of("response", optarg, 1, BLOCK_MAX);
		break;
	case RATE:
		options->rate = fraction_of("rate", optarg, RATE_MAX);
		break;
	case COUNT:
		options->count = number_of("count", optarg, 1, UINT64_MAX);
		break;
	case SECONDS:
		options->duration = seconds_of("seconds", optarg);
		break;
	case CONGESTION:
		options->congestion = optarg;
		break;
	case HOLD:
		options->hold = seconds_of("hold", optarg);
		break;
	case HELP:
		fputs(help, stdout);
		exit(EXIT_SUCCESS);
	default:
		exit_usage(); /* getopt has said why */
	}
}

static const struct option server_options[] = {
	{"bind", required_argument, NULL, BIND},
	{"port", required_argument, NULL, PORT},
	{"seconds", required_argument, NULL, SECONDS},
	{"help", no_argument, NULL, HELP},
	{0},
};

static const struct option client_options[] = {
	{"connect", required_argument, NULL, CONNECT},
	{"port", required_argument, NULL, PORT},
	{"mode", required_argument, NULL, MODE},
	{"connections", required_argument, NULL, CONNECTIONS},
	{"request", required_argument, NULL, REQUEST},
	{"response", required_argument, NULL, RESPONSE},
	{"rate", required_argument, NULL, RATE},
	{"count", required_argument, NULL, COUNT},
	{"seconds", required_argument, NULL, SECONDS},
	{"congestion", required_argument, NULL, CONGESTION},
	{"hold", required_argument, NULL, HOLD},
	{"help", no_argument, NULL, HELP},
	{0},
};

static void parse_options(int argc, char *argv[], const struct option *names,
			  struct options *options)
{
	bool port_given = false;
	int option;

	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
		set_option(options, option);
		port_given |= option == PORT;
	}
	if (optind < argc)
		fail_usage("unexpected argument '%s'", argv[optind]);
	if (!port_given)
		fail_usage("--port is needed");
}

/* Each mode has one direction or two; a length for a direction it does not use is a mistake. */
static void settle_lengths(struct options *options)
{
	bool sends = options->mode != MODE_DOWNLOAD, receives = options->mode != MODE_UPLOAD;
	uint64_t usual = sends && receives ? 64 : 65536;

	if (!sends && (options->request || options->rate > 0))
		fail_usage("--mode download has no use for --request and --rate");
	if (!receives && options->response)
		fail_usage("--mode upload has no use for --response");
	if (sends && !options->request)
		options->request = usual;
	if (receives && !options->response)
		options->response = usual;
}

/* ---- what both sides need ---- */

static char buffer[BUFFER_BYTES]; /* sent as it is, received into and forgotten */

/* A connection has one descriptor or two; take as many as we may. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int watch(int epoll_fd, int operation, int fd, uint32_t events, void *owner)
{
	struct epoll_event event = {.events = events, .data.ptr = owner};

	return epoll_ctl(epoll_fd, operation, fd, &event) < 0 ? -errno : 0;
}

/* Returns the number of events or -errno. */
static int wait_for_events(int epoll_fd, struct epoll_event *events, uint64_t deadline)
{
	uint64_t ms = (ns_until(deadline) + NS_PER_MS - 1) / NS_PER_MS;
	int timeout = ms < INT32_MAX ? (int)ms : INT32_MAX;
	int count = epoll_wait(epoll_fd, events, EVENTS_A_WAIT, timeout);

	if (count < 0)
		return errno == EINTR ? 0 : fail(errno, "cannot wait for events");
	return count;
}

/*
 * Moves bytes of one direction and counts *left down. Returns the number moved, -EAGAIN, or
 * another -errno, unreported. The peer's end of stream is -ECONNRESET: nobody here expects one.
 */
static ssize_t move_bytes(int fd, uint64_t *left, ssize_t (*move)(int fd, size_t most))
{
	size_t most = *left < BUFFER_BYTES ? (size_t)*left : BUFFER_BYTES;
	ssize_t moved = move(fd, most);

	if (moved < 0)
		return -errno;
	if (moved == 0)
		return -ECONNRESET;
	if (*left != ENDLESS)
		*left -= (uint64_t)moved;
	return moved;
}

static ssize_t send_buffer(int fd, size_t most)
{
	return send(fd, buffer, most, MSG_NOSIGNAL);
}

static ssize_t receive_buffer(int fd, size_t most)
{
	return recv(fd, buffer, most, 0);
}

/* ---- server ---- */

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

static int run_server(const struct options *options, int epoll_fd, int stop_fd)
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

/* ---- client: one connection ---- */

/*
 * Functions that take a connection a step further return 1 when there may be more to do at once, 0
 * when it has to wait for an event, and -errno, unreported, when this connection has failed.
 */

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
	uint64_t exchanges, bytes_sent, rtt_sum;
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

static void connection_close(struct connection *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

/* The first failure is told; a thousand connections would only say the same a thousand times. */
static void connection_fail(struct client *client, struct connection *c, int error)
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

static int set_congestion(int fd, const char *name)
{
	if (name && setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, (socklen_t)strlen(name)) < 0)
		return -errno;
	return 0;
}

static int connection_start(const struct client *client, struct connection *c)
{
	static const int on = 1;
	int error = set_congestion(c->fd, client->options->congestion);

	if (error)
		return error;
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(c->fd, &client->server.any, client->server.length) < 0 && errno != EINPROGRESS)
		return -errno;
	c->events = EPOLLOUT;
	return watch(client->epoll_fd, EPOLL_CTL_ADD, c->fd, c->events, c);
}

static int connection_open(const struct client *client, struct connection *c)
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

	c->rtt_sum += now_ns() - c->began;
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

static void connection_turn(struct client *client, struct connection *c)
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

/* ---- client: all of them ---- */

/* The ticks of all connections spread evenly over the time from one to the next. */
static int open_timer(struct client *client, struct connection *c, uint64_t index)
{
	const struct options *options = client->options;
	uint64_t period = (uint64_t)((double)NS_PER_SECOND / options->rate);
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

/* ---- client: figures ---- */

static void print_mean_rtt(uint64_t rtt_sum, uint64_t exchanges, enum mode mode)
{
	bool measured = exchanges && (mode == MODE_RR || mode == MODE_CONNECT);

	if (measured)
		printf("\"mean_app_rtt_us\":%.1f",
		       (double)rtt_sum / (double)exchanges / (double)NS_PER_US);
	else
		printf("\"mean_app_rtt_us\":null");
}

static int print_connection(const struct client *client, const struct connection *c)
{
	enum mode mode = client->options->mode;
	struct tcp_info info = {0};
	socklen_t size = sizeof(info);
	struct endpoint local;
	char text[2][ENDPOINT_TEXT];
	int error = endpoint_of_socket(c->fd, &local);

	if (error)
		return error;
	if (getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0)
		return fail(errno, "cannot read TCP_INFO");
	printf("{\"local\":\"%s\",\"lport\":%u,\"remote\":\"%s\",\"rport\":%u,\"mode\":\"%s\",",
	       endpoint_address(&local, text[0], sizeof(text[0])), endpoint_port(&local),
	       endpoint_address(&client->server, text[1], sizeof(text[1])),
	       endpoint_port(&client->server), mode_names[mode]);
	printf("\"requests\":%llu,\"bytes_sent\":%llu,\"srtt_us\":%u,\"rttvar_us\":%u,"
	       "\"min_rtt_us\":%u,",
	       (unsigned long long)c->exchanges, (unsigned long long)c->bytes_sent, info.tcpi_rtt,
	       info.tcpi_rttvar, info.tcpi_min_rtt);
	print_mean_rtt(c->rtt_sum, c->exchanges, mode);
	printf(",\"retrans\":%u}\n", info.tcpi_total_retrans);
	return 0;
}

static void print_summary(const struct client *client)
{
	uint64_t exchanges = 0, bytes_sent = 0, rtt_sum = 0;
	char text[ENDPOINT_TEXT];

	for (uint64_t i = 0; i < client->options->connections; i++) {
		exchanges += client->connections[i].exchanges;
		bytes_sent += client->connections[i].bytes_sent;
		rtt_sum += client->connections[i].rtt_sum;
	}
	printf("{\"remote\":\"%s\",\"rport\":%u,\"mode\":\"%s\",\"requests\":%llu,"
	       "\"bytes_sent\":%llu,\"failed\":%llu,",
	       endpoint_address(&client->server, text, sizeof(text)),
	       endpoint_port(&client->server), mode_names[client->options->mode],
	       (unsigned long long)exchanges, (unsigned long long)bytes_sent,
	       (unsigned long long)client->failed);
	print_mean_rtt(rtt_sum, exchanges, client->options->mode);
	printf("}\n");
}

static int print_figures(const struct client *client)
{
	int error = 0;

	if (client->options->mode == MODE_CONNECT)
		print_summary(client);
	else
		for (uint64_t i = 0; i < client->options->connections && !error; i++)
			if (client->connections[i].fd >= 0)
				error = print_connection(client, &client->connections[i]);
	if (fflush(stdout) != 0 && !error)
		error = fail(errno, "cannot write the figures");
	return error;
}

/* ---- client: from start to end ---- */

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

static int run_client(const struct options *options, int epoll_fd, int stop_fd)
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

/* ---- both ---- */

typedef int run_side(const struct options *options, int epoll_fd, int stop_fd);

static int run(run_side *side, const struct options *options)
{
	int stop_fd = open_stop_fd(), epoll_fd, error;

	if (stop_fd < 0)
		return stop_fd;
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	error = epoll_fd < 0 ? fail(errno, "cannot wait for events") : 0;
	if (!error)
		error = side(options, epoll_fd, stop_fd);
	if (epoll_fd >= 0)
		close(epoll_fd);
	close(stop_fd);
	return error;
}

static run_side *parse_command_line(int argc, char *argv[], struct options *options)
{
	const char *side = argc > 1 ? argv[1] : "";

	if (strcmp(side, "server") == 0) {
		options->address = "::";
		parse_options(argc - 1, argv + 1, server_options, options);
		return run_server;
	}
	if (strcmp(side, "client") == 0) {
		parse_options(argc - 1, argv + 1, client_options, options);
		if (!options->address)
			fail_usage("--connect is needed");
		settle_lengths(options);
		return run_client;
	}
	if (strcmp(side, "--help") != 0)
		fail_usage("the first word says which side this is: server or client");
	fputs(help, stdout);
	exit(EXIT_SUCCESS);
}

int main(int argc, char *argv[])
{
	struct options options = {.connections = 1};
	run_side *side = parse_command_line(argc, argv, &options);

	raise_descriptor_limit();
	return run(side, &options) ? EXIT_FAILURE : EXIT_SUCCESS;
}
