/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A small StatsD listener: shows metrics to people, and exact datagrams to tests. */
#include "../toolkit.h"

#include <getopt.h>

#include "listener.h"
#include "print.h"

#define STATSD_PORT 8125

struct options {
	struct listener_options listener;
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
	"      --unix PATH      listen on a Unix datagram socket instead\n"
	"      --unix-stream PATH  listen on a Unix stream socket: each packet follows its "
	"length,\n"
	"                       4 bytes in little-endian order\n"
	"      --buffer BYTES   of datagrams that may wait (default 2 MiB; 0: the system's "
	"default)\n"
	"      --raw            print each datagram as it came, after a line '-- datagram LENGTH'\n"
	"      --count N        end after N datagrams\n"
	"      --seconds S      end after S seconds\n"
	"      --ready-fd N     when listening, write a line to this file descriptor and close it\n"
	"      --help           print this and exit\n"
	"\n"
	"SIGINT and SIGTERM end it too. 'listening on ADDR:PORT' on standard error says that it\n"
	"is ready. A socket that an earlier one left at PATH is replaced; SIGKILL leaves one. "
	"@NAME\n"
	"for PATH is an abstract socket. Exit status: 0 ended as asked, 1 failed, 2 wrong usage.\n";

static void set_path(struct listener_options *options, enum listener_kind kind, const char *path)
{
	if (options->kind != LISTENER_UDP)
		fail_usage("one of --unix and --unix-stream, and once");
	if (!*path || strlen(path) > LISTENER_PATH_MAX)
		fail_usage("a path has 1 to %d characters: '%s'", LISTENER_PATH_MAX, path);
	options->kind = kind;
	options->path = path;
}

static void parse_options(int argc, char *argv[], struct options *options)
{
	enum { BIND = 1, PORT, UNIX, UNIX_STREAM, BUFFER, RAW, COUNT, SECONDS, READY_FD, HELP };
	static const struct option names[] = {
		{"bind", required_argument, NULL, BIND},
		{"port", required_argument, NULL, PORT},
		{"unix", required_argument, NULL, UNIX},
		{"unix-stream", required_argument, NULL, UNIX_STREAM},
		{"buffer", required_argument, NULL, BUFFER},
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
			options->listener.address = optarg;
			break;
		case PORT:
			options->listener.port = (uint16_t)number_of("port", optarg, 0, UINT16_MAX);
			break;
		case UNIX:
			set_path(&options->listener, LISTENER_UNIXGRAM, optarg);
			break;
		case UNIX_STREAM:
			set_path(&options->listener, LISTENER_UNIXSTREAM, optarg);
			break;
		case BUFFER:
			options->listener.buffer = (int)number_of("buffer", optarg, 0, 1 << 30);
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

static int listen_for_metrics(struct listener *listener, int stop_fd, const struct options *options)
{
	static char datagram[LISTENER_DATAGRAM_MAX + 1];
	uint64_t deadline = deadline_after(options->duration);
	uint64_t received = 0;
	size_t length;
	int status;

	while (!options->count || received < options->count) {
		status = listener_receive(listener, stop_fd, deadline, datagram, &length);
		if (status <= 0)
			return status;
		if (options->raw)
			print_raw(datagram, length);
		else
			print_metrics(datagram, length);
		received++;
	}
	return 0;
}

static int run(int stop_fd, const struct options *options)
{
	struct listener *listener;
	int error = listener_open(&listener, &options->listener);

	if (error)
		return error;
	error = tell_ready(options->ready_fd);
	if (!error)
		error = listen_for_metrics(listener, stop_fd, options);
	listener_close(listener);
	return error;
}

int main(int argc, char *argv[])
{
	struct options options = {
		.listener = {.address = "127.0.0.1", .port = STATSD_PORT, .buffer = -1},
		.ready_fd = -1,
	};
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
