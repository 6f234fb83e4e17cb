/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The command line. */
#ifndef TCP_LOAD_OPTIONS_H
#define TCP_LOAD_OPTIONS_H

#include "../toolkit.h"

enum mode { MODE_RR, MODE_UPLOAD, MODE_DOWNLOAD, MODE_CONNECT };

extern const char *const mode_names[];

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
	uint64_t pacing;            /* bytes a second (SO_MAX_PACING_RATE); 0: no limit */
	uint64_t hold;              /* ns */
};

enum side { SIDE_SERVER, SIDE_CLIENT };

/* Exits when there is nothing to run: after --help, or wrong usage. */
enum side parse_command_line(int argc, char *argv[], struct options *options);

#endif
