/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads the command line by the tables of options, go-metro's first, and prints the help. */
#include "options.h"
#include "option_table.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "option_rules.h"
#include "version.h"

#define TOP_INTERVAL_S 1
#define DELAY_S        0.1

static const struct option_row *find_row(int code)
{
	for (const struct option_row *row = option_rows; row->name; row++)
		if (row->code == code)
			return row;
	return NULL;
}

static void print_help(void)
{
	puts("usage: bpf-metro [-c FILE]               run as the configuration says\n"
	     "       bpf-metro -i IFACE PEER...        measure and print; a PEER is an\n"
	     "                                         address, a network or a host name\n"
	     "       bpf-metro -r FILE [--local ADDR]  measure a capture file\n"
	     "\n"
	     "Measures TCP round-trip times of passing traffic.\n");
	for (const struct option_row *row = option_rows; row->name; row++) {
		char option[32];

		snprintf(option, sizeof(option), "--%s%s%s", row->name, row->argument ? " " : "",
			 row->argument ? row->argument : "");
		if (row->code < LONG_ONLY)
			printf("  -%c, %-20s  %s\n", row->code, option, row->help);
		else
			printf("      %-20s  %s\n", option, row->help);
	}
	puts("\ngo-metro's -cfg FILE, -log FILE, -f EXPR and -st are understood, too.");
}

/* The row that an argument asks for in the manner of Go's flag package, one dash or two, -x V or
 * -x=V; or NULL. *value becomes what follows a '=', or NULL. */
static const struct go_option *find_go_option(const char *argument, const char **value)
{
	const char *name = argument + strspn(argument, "-");
	size_t dashes = (size_t)(name - argument), length = strcspn(name, "=");

	if (dashes < 1 || dashes > 2)
		return NULL;
	*value = name[length] ? name + length + 1 : NULL;
	for (const struct go_option *option = go_options; option->name; option++)
		if (strlen(option->name) == length && strncmp(option->name, name, length) == 0)
			return option;
	return NULL;
}

/*
 * Takes go-metro's options out of argv before getopt_long sees it, which would read -cfg as -c fg.
 */
static int take_go_options(int *argc, char *argv[], struct options *options)
{
	int kept = 1, i = 1, err = 0;

	for (; i < *argc && strcmp(argv[i], "--") != 0 && !err; i++) {
		const char *value;
		const struct go_option *option = find_go_option(argv[i], &value);

		if (!option) {
			argv[kept++] = argv[i];
			continue;
		}
		if (option->takes_value && !value) {
			value = argv[++i];
			if (i == *argc)
				return option_wrong("option -%s needs a value", option->name);
		}
		err = option->set(options, value);
	}
	while (i < *argc)
		argv[kept++] = argv[i++];
	argv[kept] = NULL;
	*argc = kept;
	return err;
}

/* Makes getopt_long's tables out of ours. letters needs 2 bytes per row and 3 more. */
static void make_getopt_tables(struct option *longs, char *letters)
{
	*letters++ = ':'; /* a missing value is ':', not '?' */
	for (const struct option_row *row = option_rows; row->name; row++) {
		*longs++ =
			(struct option){row->name, row->argument ? required_argument : no_argument,
					NULL, row->code};
		if (row->code >= LONG_ONLY)
			continue;
		*letters++ = (char)row->code;
		if (row->argument)
			*letters++ = ':';
	}
	*longs = (struct option){0};
	*letters = '\0';
}

/* Says what getopt_long found wrong with an argument; code is its '?' or ':'. */
static int report_getopt(int code, char *argv[])
{
	const struct option_row *row = find_row(optopt);

	if (code == ':')
		return option_wrong("option --%s needs a value: %s", row->name, row->argument);
	if (row)
		return option_wrong("option --%s takes no value", row->name);
	if (optopt)
		return option_wrong("option -%c is unknown", optopt);
	return option_wrong("option %s is unknown or ambiguous", argv[optind - 1]);
}

static enum options_result read_options(int argc, char *argv[], struct options *options)
{
	struct option longs[OPTION_ROWS_MAX + 1];
	char letters[2 * OPTION_ROWS_MAX + 2];
	int code;

	make_getopt_tables(longs, letters);
	opterr = 0;
	optind = 0; /* glibc: begin afresh */
	while ((code = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		const struct option_row *row = find_row(code);

		if (code == '?' || code == ':') {
			report_getopt(code, argv);
			return OPTIONS_WRONG;
		}
		if (code == 'h') {
			print_help();
			return OPTIONS_DONE;
		}
		if (code == 'V') {
			version_print(stdout);
			return OPTIONS_DONE;
		}
		if (row->set(options, optarg))
			return OPTIONS_WRONG;
	}
	options->peers = argv + optind;
	options->peers_count = (size_t)(argc - optind);
	return OPTIONS_RUN;
}

static int check_combination(const struct options *options)
{
	const char *broken = option_rules_broken(options);

	return broken ? option_wrong("%s", broken) : 0;
}

enum options_result options_parse(int argc, char *argv[], struct options *options)
{
	enum options_result result;

	memset(options, 0, sizeof(*options));
	options->delay_s = DELAY_S;
	if (take_go_options(&argc, argv, options))
		return OPTIONS_WRONG;
	result = read_options(argc, argv, options);
	options->configured = options->config_path != NULL;
	options->output_given = options->output != OUTPUT_DEFAULT;
	if (options->output == OUTPUT_DEFAULT)
		options->output = options->interface || options->read_path || options->health
					  ? OUTPUT_TEXT
					  : OUTPUT_STATSD;
	if (options->output == OUTPUT_TOP && !options->read_path && options->interval_s <= 0)
		options->interval_s = TOP_INTERVAL_S;
	if (result == OPTIONS_RUN && check_combination(options))
		result = OPTIONS_WRONG;
	if (!options->config_path)
		options->config_path = CONFIG_DEFAULT_PATH;
	return result;
}
