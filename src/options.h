/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The command line: GNU habits, and go-metro's own options: -cfg FILE, -log FILE, -f EXPR, -st. */
#ifndef METRO_OPTIONS_H
#define METRO_OPTIONS_H

#include "backend.h"
#include "ports.h"
#include "prefix.h"
#include "sink.h"

struct options {
	const char *config_path;         /* -c, --config, -cfg; CONFIG_DEFAULT_PATH */
	bool configured;                 /* .. by one of these */
	const char *log_path;            /* -log, --log; NULL */
	const char *user;                /* --user; NULL */
	const char *interface;           /* -i, --interface; NULL */
	enum direction_choice direction; /* -Q, --direction .. */
	bool directed;                   /* .. if it was given */
	const char *read_path;           /* -r, --read; NULL; "-" is standard input */
	struct address local[16]; /* --local, may be repeated or a list with commas; only with -r */
	size_t local_count;
	char *const *peers; /* the remaining arguments, into argv */
	size_t peers_count;
	enum backend_choice backend; /* --backend auto|bpf|pcap */
	enum hook_choice hook;       /* --hook auto|tc|clsact|xdp */
	bool output_given;           /* --output .. */
	enum output_choice output;   /* --output; after options_parse never OUTPUT_DEFAULT */
	struct ports ports;          /* --port, may be repeated or a list with commas; empty: all */
	const char *filter;          /* --filter, -f; NULL: none, as for go-metro's "tcp" */
	bool soften;                 /* --soften, -st */
	double interval_s;           /* --interval; 0: as the configuration says */
	double delay_s;              /* --delay .. */
	bool delayed;                /* .. if it was given */
	unsigned int marks;          /* --marks; 0: as the configuration says */
	bool check;                  /* --check */
	bool health;                 /* --health .. */
	const char *control_path;    /* .. by this socket: --control; NULL: the configuration's */
	bool top;                    /* --top: its control_path likewise */
	bool probe;                  /* --probe */
	unsigned int reload_pid;     /* --reload; 0 */
	bool verbose;                /* -v, --verbose: log level debug */
};

/* What options_parse found to do. */
enum options_result {
	OPTIONS_RUN,   /* go on */
	OPTIONS_DONE,  /* --help or --version was printed: exit status 0 */
	OPTIONS_WRONG, /* reported on standard error: exit status 2 */
};

enum options_result options_parse(int argc, char *argv[], struct options *options);

#endif
