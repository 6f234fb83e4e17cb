/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A small StatsD listener: shows metrics to people, and exact datagrams to tests. */
#include "toolkit.h"

#include <getopt.h>
#include <poll.h>

#define STATSD_PORT  8125
#define DATAGRAM_MAX 65535 /* more than UDP can carry, so nothing is ever cut */
#define BUFFER_BYTES (2 * 1024 * 1024)

struct options {
	const char *address;
	uint16_t port;
	bool raw;
	uint64_t count;    /* datagrams; 0: no limit */
	uint64_t duration; /* ns; 0: no limit */
	int ready_fd;      /* -1: none */
};

static const char help[] =
	"Usage: statsd_listen [OPTION]...\n"
	"Receive StatsD datagrams and print each metric with the time of its arrival.\n"
	"\n"
	"      --bind ADDR      listen on this IPv4 or IPv6 address (default 127.0.0.1)\n"
	"      --port N         listen on this UDP port (default 8125; 0: any free one)\n"
	"      --raw            print each datagram as it came, after a line '-- datagram LENGTH'\n"
	"      --count N        end after N datagrams\n"
	"      --seconds S      end after S seconds\n"
	"      --ready-fd N     when listening, write a line to this file descriptor and close it\n"
	"      --help           print this and exit\n"
	"\n"
	"SIGINT and SIGTERM end it too. 'listening on ADDR:PORT' on standard error says that it\n"
	"is ready. Exit status: 0 ended as asked, 1 failed, 2 wrong usage.\n";

static void parse_options(int argc, char *argv[], struct options *options)
{
	enum { BIND = 1, PORT, RAW, COUNT, SECONDS, READY_FD, HELP };
	static const struct option names[] = {
		{"bind", required_argument, NULL, BIND},
		{"port", required_argument, NULL, PORT},
		{"raw", no_argument, NULL, RAW},
		{"count", required_argument, NULL, COUNT},
		{"seconds", required_argument, NULL, SECONDS},
		{"ready-fd", required_argument, NULL, READY_FD},
		{"help", no_argument, NULL, HELP},
		{0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (option) {
		case BIND:
			options->address = optarg;
			break;
		case PORT:
			options->port = (uint16_t)number_of("port", optarg, 0, UINT16_MAX);
			break;
		case RAW:
			options->raw = true;
			break;
		case COUNT:
			options->count = number_of("count", optarg, 1, UINT64_MAX);
			break;
		case SECONDS:
			options->duration = seconds_of("seconds", optarg);
			break;
		case READY_FD:
			options->ready_fd = (int)number_of("ready-fd", optarg, 0, INT32_MAX);
			break;
		case HELP:
			fputs(help, stdout);
			exit(EXIT_SUCCESS);
		default:
			exit_usage(); /* getopt has said why */
		}
	}
	if (optind < argc)
		fail_usage("unexpected argument '%s'", argv[optind]);
}

/* Returns the socket or -errno. */
static int open_listener(const struct options *options)
{
	struct endpoint endpoint;
	char text[ENDPOINT_TEXT];
	int buffer = BUFFER_BYTES;
	int fd, error;

	error = endpoint_parse(options->address, options->port, &endpoint);
	if (error)
		return error;
	fd = socket(endpoint.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail(errno, "cannot open a socket");
	/* Hundreds of peers are reported all at once. Other users get what is allowed. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
	if (bind(fd, &endpoint.any, endpoint.length) < 0)
		error = fail(errno, "cannot listen on %s",
			     endpoint_text(&endpoint, text, sizeof(text)));
	else
		error = endpoint_of_socket(fd, &endpoint);
	if (error) {
		close(fd);
		return error;
	}
	fprintf(stderr, "listening on %s\n", endpoint_text(&endpoint, text, sizeof(text)));
	return fd;
}

static int tell_ready(int fd)
{
	static const char line[] = "ready\n";

	if (fd < 0)
		return 0;
	if (write(fd, line, sizeof(line) - 1) < 0)
		return fail(errno, "cannot write to --ready-fd %d", fd);
	close(fd);
	return 0;
}

static void print_raw(const char *datagram, size_t length)
{
	printf("-- datagram %zu\n", length);
	fwrite(datagram, 1, length, stdout);
	if (length == 0 || datagram[length - 1] != '\n')
		putchar('\n'); /* LENGTH says that it was not part of the datagram */
	fflush(stdout);
}

static const char *type_name(const char *type)
{
	static const struct {
		const char *type, *name;
	} names[] = {
		{"g", "gauge"}, {"c", "count"},     {"ms", "timer"},
		{"s", "set"},   {"h", "histogram"}, {"d", "distribution"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(type, names[i].type) == 0)
			return names[i].name;
	return type;
}

static void print_time(void)
{
	struct timespec now;
	struct tm local;
	char text[sizeof("23:59:59")];

	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &local);
	strftime(text, sizeof(text), "%H:%M:%S", &local);
	printf("%s.%03ld  ", text, now.tv_nsec / 1000000);
}

/* Cuts the line at the first separator and returns what follows it, or NULL. */
static char *cut(char *line, char separator)
{
	char *found = strchr(line, separator);

	if (found)
		*found++ = '\0';
	return found;
}

/* The fields behind "name:value|type": tags after '#', separated by commas, and "@rate". */
static void print_extras(char *field)
{
	while (field) {
		char *next = cut(field, '|');

		if (*field == '#')
			field++;
		for (char *tag = field; tag;) {
			char *following = cut(tag, ',');

			printf("  %s", tag);
			tag = following;
		}
		field = next;
	}
}

/* One line of a datagram: "name:value|type|@rate|#tag,tag". Anything else is shown as it is. */
static void print_metric(char *line)
{
	char *value = strchr(line, ':'), *type, *extras;

	print_time();
	if (!value || !strchr(value, '|')) {
		printf("%s\n", line);
		return;
	}
	value = cut(line, ':');
	type = cut(value, '|');
	extras = cut(type, '|');
	printf("%-26s %10s  %-5s", line, value, type_name(type));
	print_extras(extras);
	putchar('\n');
}

/* The buffer has room for one byte more than length. */
static void print_metrics(char *datagram, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (((unsigned char)datagram[i] < ' ' && datagram[i] != '\n') || datagram[i] == 127)
			datagram[i] = '?'; /* strangers do not get to steer a terminal */
	datagram[length] = '\0';
	for (char *line = datagram; line;) {
		char *next = cut(line, '\n');

		if (*line)
			print_metric(line);
		line = next;
	}
}

/* Waits for a datagram. Returns 1, 0 when it is time to end, or -errno. */
static int await_datagram(int fd, int stop_fd, uint64_t deadline)
{
	struct pollfd waiting[] = {{.fd = fd, .events = POLLIN}, {.fd = stop_fd, .events = POLLIN}};
	uint64_t left = ns_until(deadline);
	struct timespec timeout = timespec_of(left);

	if (!left)
		return 0;
	while (ppoll(waiting, 2, &timeout, NULL) < 0)
		if (errno != EINTR) /* as after SIGSTOP and SIGCONT */
			return fail(errno, "cannot wait for datagrams");
	return !waiting[1].revents && waiting[0].revents;
}

static int listen_for_metrics(int fd, int stop_fd, const struct options *options)
{
	static char datagram[DATAGRAM_MAX + 1];
	uint64_t deadline = deadline_after(options->duration);
	uint64_t received = 0;

	while (!options->count || received < options->count) {
		int ready = await_datagram(fd, stop_fd, deadline);
		ssize_t length;

		if (ready <= 0)
			return ready;
		length = recv(fd, datagram, DATAGRAM_MAX, MSG_DONTWAIT);
		if (length < 0 && errno == EAGAIN)
			continue; /* its checksum was wrong */
		if (length < 0)
			return fail(errno, "cannot receive");
		if (options->raw)
			print_raw(datagram, (size_t)length);
		else
			print_metrics(datagram, (size_t)length);
		received++;
	}
	return 0;
}

static int run(int stop_fd, const struct options *options)
{
	int fd = open_listener(options), error;

	if (fd < 0)
		return fd;
	error = tell_ready(options->ready_fd);
	if (!error)
		error = listen_for_metrics(fd, stop_fd, options);
	close(fd);
	return error;
}

int main(int argc, char *argv[])
{
	struct options options = {.address = "127.0.0.1", .port = STATSD_PORT, .ready_fd = -1};
	int stop_fd, error;

	parse_options(argc, argv, &options);
	setvbuf(stdout, NULL, _IOLBF, 0);
	stop_fd = open_stop_fd();
	if (stop_fd < 0)
		return EXIT_FAILURE;
	error = run(stop_fd, &options);
	close(stop_fd);
	return error ? EXIT_FAILURE : EXIT_SUCCESS;
}
