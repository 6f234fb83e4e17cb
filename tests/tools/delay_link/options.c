/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads delay, jitter and faults, and holds the help. */
#include "options.h"

#include <getopt.h>

#define DELAY_MAX_MS 60000.0

static const char help[] =
	"Usage: delay_link [OPTION]... IFACE_A IFACE_B\n"
	"Forward Ethernet frames between two interfaces of this network namespace, in both\n"
	"directions, with a delay and other troubles of a long line.\n"
	"\n"
	"      --delay MS           one-way, in each direction (default 0: forward at once)\n"
	"      --jitter MS          vary the delay by up to MS either way, keeping the order\n"
	"      --loss PERCENT       lose frames\n"
	"      --duplicate PERCENT  send frames twice\n"
	"      --reorder PERCENT    hold frames back by half the delay more, at least 1 ms\n"
	"      --linear BYTES       leave the receiver only so much of a frame of more than a "
	"page\n"
	"                           in one piece, the rest in fragments of its buffer\n"
	"      --seed N             of the random generators (default 1)\n"
	"      --seconds S          end after S seconds\n"
	"      --help               print this and exit\n"
	"\n"
	"Fractions are fine: --delay 2.5. The same seed does the same to the same frames. A GSO\n"
	"super-packet is one frame. SIGINT and SIGTERM end it too. 'forwarding between A and B' "
	"on\n"
	"standard error says that it is ready; what was done to how many frames follows at the\n"
	"end. Exit status: 0 ended as asked, 1 failed, 2 wrong usage.\n";

static uint64_t milliseconds_of(const char *option, const char *text)
{
	return (uint64_t)(fraction_of(option, text, DELAY_MAX_MS) * (double)NS_PER_MS);
}

static double probability_of(const char *option, const char *text)
{
	return fraction_of(option, text, 100) / 100;
}

void parse_options(int argc, char *argv[], struct options *options)
{
	enum { DELAY = 1, JITTER, LOSS, DUPLICATE, REORDER, LINEAR, SEED, SECONDS, HELP };
	static const struct option names[] = {
		{"delay", required_argument, NULL, DELAY},
		{"jitter", required_argument, NULL, JITTER},
		{"loss", required_argument, NULL, LOSS},
		{"duplicate", required_argument, NULL, DUPLICATE},
		{"reorder", required_argument, NULL, REORDER},
		{"linear", required_argument, NULL, LINEAR},
		{"seed", required_argument, NULL, SEED},
		{"seconds", required_argument, NULL, SECONDS},
		{"help", no_argument, NULL, HELP},
		{0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (option) {
		case DELAY:
			options->delay = milliseconds_of("delay", optarg);
			break;
		case JITTER:
			options->jitter = milliseconds_of("jitter", optarg);
			break;
		case LOSS:
			options->loss = probability_of("loss", optarg);
			break;
		case DUPLICATE:
			options->duplicate = probability_of("duplicate", optarg);
			break;
		case REORDER:
			options->reorder = probability_of("reorder", optarg);
			break;
		case LINEAR:
			options->linear = (uint16_t)number_of("linear", optarg, 14, UINT16_MAX);
			break;
		case SEED:
			options->seed = number_of("seed", optarg, 0, UINT64_MAX);
			break;
		case SECONDS:
			options->duration = seconds_of("seconds", optarg);
			break;
		case HELP:
			fputs(help, stdout);
			exit(EXIT_SUCCESS);
		default:
			exit_usage(); /* getopt has said why */
		}
	}
	if (argc - optind != 2)
		fail_usage("exactly two interfaces are needed");
	options->names[0] = argv[optind];
	options->names[1] = argv[optind + 1];
	if (strcmp(options->names[0], options->names[1]) == 0)
		fail_usage("the two interfaces are the same");
}
