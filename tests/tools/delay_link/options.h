/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The command line. */
#ifndef DELAY_LINK_OPTIONS_H
#define DELAY_LINK_OPTIONS_H

#include "../toolkit.h"

struct options {
	uint64_t delay, jitter;          /* ns */
	double loss, duplicate, reorder; /* probabilities */
	uint16_t linear; /* bytes of a frame that the receiver's kernel has in one piece; 0: all */
	uint64_t seed;
	uint64_t duration; /* ns; 0: no limit */
	const char *names[2];
};

/* Exits after --help, or wrong usage. */
void parse_options(int argc, char *argv[], struct options *options);

#endif
