/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads what kind of traffic to make, how much, and for how long. */
#include "options.h"

#include <getopt.h>

#define BLOCK_MAX       (1ULL << 40)
#define CONNECTIONS_MAX 100000
#define RATE_MAX        1e6

const char *const mode_names[] = {
	[MODE_RR] = "rr",
	[MODE_UPLOAD] = "upload",
	[MODE_DOWNLOAD] = "download",
	[MODE_CONNECT] = "connect",
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
	"      --pacing BYTES     send at most this many a second (SO_MAX_PACING_RATE)\n"
	"      --hold S           when done, keep the connections open for S seconds\n"
	"\n"
	"When the traffic ends, the client prints one line of JSON for each connection (in mode\n"
	"connect: for all of them), times in microseconds. mean_app_rtt_us and max_app_rtt_us are\n"
	"of the times from sending a request to having its whole response; srtt_us, rttvar_us,\n"
	"min_rtt_us and retrans are the kernel's own (TCP_INFO); bytes_sent is what the kernel "
	"took\n"
	"from us.\n"
	"SIGINT and SIGTERM end both. The server says 'serving on ADDR:PORT' on standard error\n"
	"when it is ready. Exit status: 0 ended as asked, 1 failed, 2 wrong usage.\n";

static enum mode mode_of(const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(mode_names); i++)
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
	PACING,
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
	case PACING:
		options->pacing = number_of("pacing", optarg, 1, BLOCK_MAX);
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
	{"pacing", required_argument, NULL, PACING},
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

enum side parse_command_line(int argc, char *argv[], struct options *options)
{
	const char *side = argc > 1 ? argv[1] : "";

	if (strcmp(side, "server") == 0) {
		options->address = "::";
		parse_options(argc - 1, argv + 1, server_options, options);
		return SIDE_SERVER;
	}
	if (strcmp(side, "client") == 0) {
		parse_options(argc - 1, argv + 1, client_options, options);
		if (!options->address)
			fail_usage("--connect is needed");
		settle_lengths(options);
		return SIDE_CLIENT;
	}
	if (strcmp(side, "--help") != 0)
		fail_usage("the first word says which side this is: server or client");
	fputs(help, stdout);
	exit(EXIT_SUCCESS);
}
