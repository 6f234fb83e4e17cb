/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The command line: one table says what each option takes, what it does, and what the help says of
 * it. */
#include "options.h"
#include "flow.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "array.h"
#include "config.h"
#include "expression.h"
#include "identity.h"
#include "instance_ports.h"
#include "number.h"
#include "option_rules.h"
#include "printable.h"
#include "privileges.h"
#include "version.h"

#define INTERVAL_MIN_S 0.1
#define INTERVAL_MAX_S 3600
#define TOP_INTERVAL_S 1
#define DELAY_S        0.1
#define DELAY_MAX_S    10
#define PID_MOST       (1 << 22) /* Linux has no higher ones */

/* Options without a letter get a number that is not a letter. */
enum { LONG_ONLY = 256 };

/* Says what is wrong and where help is. Returns -EINVAL for the caller to pass on. */
static int __attribute__((format(printf, 1, 2))) wrong(const char *format, ...)
{
	char text[4096];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(stderr, "%sbpf-metro: %s\n%stry bpf-metro --help\n", log_priority(LEVEL_ERROR),
		printable(text), log_priority(LEVEL_INFO));
	return -EINVAL;
}

/* What each option does with its value. Returns 0, or -EINVAL after reporting. */
typedef int set_fn(struct options *options, const char *value);

static int set_path(const char **path, const char *option, const char *value)
{
	if (!*value)
		return wrong("%s needs the name of a file", option);
	*path = value;
	return 0;
}

static int set_config(struct options *options, const char *value)
{
	return set_path(&options->config_path, "--config", value);
}

static int set_log(struct options *options, const char *value)
{
	return set_path(&options->log_path, "--log", value);
}

static int set_user(struct options *options, const char *value)
{
	struct identity identity;

	if (identity_find(&identity, value) == -ENOENT)
		return wrong("--user: there is no user \"%s\"", value);
	options->user = value;
	return 0;
}

static int set_read(struct options *options, const char *value)
{
	return set_path(&options->read_path, "--read", value);
}

static int set_interface(struct options *options, const char *value)
{
	options->interface = value;
	return 0;
}

static int add_local(struct options *options, const char *text, size_t length)
{
	struct address *addr = &options->local[options->local_count];
	char word[ADDRESS_TEXT];

	if (options->local_count == ARRAY_SIZE(options->local))
		return wrong("--local: too many addresses; accepted: up to %zu",
			     ARRAY_SIZE(options->local));
	snprintf(word, sizeof(word), "%.*s", (int)length, text);
	if (length >= sizeof(word) || address_parse(word, addr))
		return wrong("--local: \"%.*s\" is not an address; accepted: IPv4 and IPv6 "
			     "addresses, separated by commas",
			     (int)length, text);
	options->local_count++;
	return 0;
}

static int add_port(struct options *options, const char *text, size_t length)
{
	char word[32];
	struct port_range range;
	int err;

	snprintf(word, sizeof(word), "%.*s", (int)length, text);
	err = length < sizeof(word) ? ports_parse(word, &range) : -EINVAL;
	if (!err)
		err = ports_add(&options->ports, &range);
	if (err == -E2BIG)
		return wrong("--port: too many ports; accepted: up to %d ports and ranges",
			     PORTS_MAX);
	if (err)
		return wrong("--port: \"%.*s\" %s; accepted: ports from 1 to 65535 and ranges "
			     "such as 8000-8999, separated by commas",
			     (int)length, text, instance_port_error(err));
	return 0;
}

/* Calls add for each word of a list with commas, until one is wrong. */
static int each_word(struct options *options, const char *list,
		     int (*add)(struct options *options, const char *text, size_t length))
{
	for (;;) {
		size_t length = strcspn(list, ",");
		int err = add(options, list, length);

		if (err || !list[length])
			return err;
		list += length + 1;
	}
}

static int set_local(struct options *options, const char *value)
{
	return each_word(options, value, add_local);
}

static int set_port(struct options *options, const char *value)
{
	return each_word(options, value, add_port);
}

/* Finds value in a list of words that ends with NULL; *choice becomes its index. */
static int choose(const char *option, const char *value, const char *const *words,
		  const char *accepted, unsigned int *choice)
{
	for (unsigned int i = 0; words[i]; i++) {
		if (strcmp(value, words[i]) == 0) {
			*choice = i;
			return 0;
		}
	}
	return wrong("%s: \"%s\" is unknown; accepted: %s", option, value, accepted);
}

static int set_backend(struct options *options, const char *value)
{
	static const char *const words[] = {
		[BACKEND_AUTO] = "auto", [BACKEND_BPF] = "bpf", [BACKEND_PCAP] = "pcap", NULL};

	return choose("--backend", value, words, "auto, bpf, pcap", &options->backend);
}

static int set_hook(struct options *options, const char *value)
{
	static const char *const words[] = {[HOOK_AUTO] = "auto",
					    [HOOK_TC] = "tc",
					    [HOOK_CLSACT] = "clsact",
					    [HOOK_XDP] = "xdp",
					    NULL};

	return choose("--hook", value, words, "auto, tc, clsact, xdp", &options->hook);
}

static int set_direction(struct options *options, const char *value)
{
	static const char *const words[] = {
		[DIRECTION_OUT] = "out", [DIRECTION_IN] = "in", [DIRECTION_BOTH] = "both", NULL};

	options->directed = true;
	return choose("--direction", value, words, "out, in, both", &options->direction);
}

static int set_output(struct options *options, const char *value)
{
	static const char *const words[] = {
		[OUTPUT_DEFAULT] = "default", [OUTPUT_STATSD] = "statsd",
		[OUTPUT_TEXT] = "text",       [OUTPUT_JSON] = "json",
		[OUTPUT_HTML] = "html",       [OUTPUT_SUMMARY] = "summary",
		[OUTPUT_TOP] = "top",         NULL};

	return choose("--output", value, words, "statsd, text, json, summary, html, top",
		      &options->output);
}

static int set_interval(struct options *options, const char *value)
{
	if (number_parse_decimal(value, INTERVAL_MIN_S, INTERVAL_MAX_S, &options->interval_s))
		return wrong("--interval: \"%s\" is not valid; accepted: seconds from %g to %d",
			     value, INTERVAL_MIN_S, INTERVAL_MAX_S);
	return 0;
}

static int set_delay(struct options *options, const char *value)
{
	options->delayed = true;
	if (number_parse_decimal(value, 0, DELAY_MAX_S, &options->delay_s))
		return wrong("--delay: \"%s\" is not valid; accepted: seconds from 0 to %d", value,
			     DELAY_MAX_S);
	return 0;
}

static int set_marks(struct options *options, const char *value)
{
	unsigned int marks;

	if (number_parse_whole(value, MARKS_MIN, MARKS_MAX, &marks) || (marks & (marks - 1)))
		return wrong("--marks: \"%s\" is not valid; accepted: a power of two from %d to %d",
			     value, MARKS_MIN, MARKS_MAX);
	options->marks = marks;
	return 0;
}

/* "tcp" is go-metro's default, and what is measured anyway. */
static int set_filter(struct options *options, const char *value)
{
	char reason[256];

	options->filter = NULL;
	if (!value[strspn(value, " \t\n")] || strcmp(value, "tcp") == 0)
		return 0;
	privileges_start(); /* names in it are looked up */
	if (expression_check(value, reason, sizeof(reason)))
		return wrong("--filter: \"%s\" is not valid: %s; accepted: an expression as in "
			     "pcap-filter(7)",
			     value, reason);
	options->filter = value;
	return 0;
}

/* Accepts the words that Go's flag package takes for a boolean. */
static int set_soften(struct options *options, const char *value)
{
	static const char *const words[] = {"true",  "True",  "TRUE",  "t", "T", "1",
					    "false", "False", "FALSE", "f", "F", "0"};

	options->soften = true;
	for (size_t i = 0; value && i < ARRAY_SIZE(words); i++) {
		if (strcmp(value, words[i]) == 0) {
			options->soften = i < ARRAY_SIZE(words) / 2;
			return 0;
		}
	}
	return value ? wrong("-st: \"%s\" is not valid; accepted: true, false", value) : 0;
}

static int set_check(struct options *options, const char *value)
{
	(void)value;
	options->check = true;
	return 0;
}

static int set_health(struct options *options, const char *value)
{
	(void)value;
	options->health = true;
	return 0;
}

static int set_top(struct options *options, const char *value)
{
	(void)value;
	options->top = true;
	return 0;
}

static int set_control(struct options *options, const char *value)
{
	return set_path(&options->control_path, "--control", value);
}

static int set_probe(struct options *options, const char *value)
{
	(void)value;
	options->probe = true;
	return 0;
}

static int set_reload(struct options *options, const char *value)
{
	if (number_parse_whole(value, 1, PID_MOST, &options->reload_pid))
		return wrong(
			"--reload: \"%s\" is not valid; accepted: the process id of a bpf-metro",
			value);
	return 0;
}

static int set_verbose(struct options *options, const char *value)
{
	(void)value;
	options->verbose = true;
	return 0;
}

/* A row without a function ends the run: --help and --version. */
struct option_row {
	int code; /* the letter, or LONG_ONLY and up */
	const char *name;
	const char *argument; /* NULL: takes none */
	set_fn *set;
	const char *help;
};

static const struct option_row rows[] = {
	{'c', "config", "FILE", set_config, "configuration (" CONFIG_DEFAULT_PATH ")"},
	{'i', "interface", "IFACE", set_interface, "measure the PEERs on this interface"},
	{'Q', "direction", "WAY", set_direction, "data that goes out, in or both (out)"},
	{'r', "read", "FILE", set_read, "measure a capture file or pipe; - means stdin"},
	{LONG_ONLY, "local", "ADDR", set_local, "with -r: only data sent by these addresses"},
	{LONG_ONLY + 10, "port", "LIST", set_port, "only connections with an end on these ports"},
	{LONG_ONLY + 1, "backend", "NAME", set_backend, "auto, bpf or pcap (auto)"},
	{LONG_ONLY + 2, "hook", "NAME", set_hook, "auto, tc, clsact or xdp (auto)"},
	{LONG_ONLY + 3, "output", "NAME", set_output, "statsd, text, json, summary, html or top"},
	{LONG_ONLY + 14, "user", "NAME", set_user,
	 "started as root, become this user (" PRIVILEGES_USER ")"},
	{LONG_ONLY + 4, "interval", "SECONDS", set_interval, "time between reports, 0.1 to 3600"},
	{LONG_ONLY + 16, "delay", "SECONDS", set_delay,
	 "print samples at most this late, 0 to 10 (0.1)"},
	{LONG_ONLY + 5, "marks", "N", set_marks, "segments remembered per flow, a power of two"},
	{LONG_ONLY + 6, "log", "FILE", set_log, "log to this file"},
	{LONG_ONLY + 7, "filter", "EXPR", set_filter, "measure packets that match; uses libpcap"},
	{LONG_ONLY + 8, "soften", NULL, set_soften,
	 "smooth avg and jitter (RFC 6298); StatsD only"},
	{LONG_ONLY + 9, "check", NULL, set_check, "check the configuration and exit"},
	{LONG_ONLY + 11, "health", NULL, set_health, "ask a running daemon whether it is well"},
	{LONG_ONLY + 15, "top", NULL, set_top, "show what a running daemon measures, live"},
	{LONG_ONLY + 12, "control", "PATH", set_control,
	 "with --health, --top: the daemon's socket"},
	{LONG_ONLY + 13, "probe", NULL, set_probe, "print what this host lets it do, and exit"},
	{LONG_ONLY + 20, "reload", "PID", set_reload,
	 "have this bpf-metro reload, and say how it went"},
	{'v', "verbose", NULL, set_verbose, "log more"},
	{'V', "version", NULL, NULL, "print versions, also of libraries, and exit"},
	{'h', "help", NULL, NULL, "print this and exit"},
};

static const struct option_row *find_row(int code)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].code == code)
			return &rows[i];
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
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct option_row *row = &rows[i];
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

/* go-metro's options, in the manner of Go's flag package: one dash or two, -x V or -x=V. */
static const struct go_option {
	const char *name;
	bool takes_value;
	set_fn *set;
} go_options[] = {
	{"cfg", true, set_config},
	{"log", true, set_log},
	{"f", true, set_filter},
	{"st", false, set_soften},
};

/* The row that an argument asks for, or NULL; *value becomes what follows a '=', or NULL. */
static const struct go_option *find_go_option(const char *argument, const char **value)
{
	const char *name = argument + strspn(argument, "-");
	size_t dashes = (size_t)(name - argument), length = strcspn(name, "=");

	if (dashes < 1 || dashes > 2)
		return NULL;
	*value = name[length] ? name + length + 1 : NULL;
	for (size_t i = 0; i < ARRAY_SIZE(go_options); i++)
		if (strlen(go_options[i].name) == length &&
		    strncmp(go_options[i].name, name, length) == 0)
			return &go_options[i];
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
				return wrong("option -%s needs a value", option->name);
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
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		longs[i] = (struct option){rows[i].name,
					   rows[i].argument ? required_argument : no_argument, NULL,
					   rows[i].code};
		if (rows[i].code >= LONG_ONLY)
			continue;
		*letters++ = (char)rows[i].code;
		if (rows[i].argument)
			*letters++ = ':';
	}
	longs[ARRAY_SIZE(rows)] = (struct option){0};
	*letters = '\0';
}

/* Says what getopt_long found wrong with an argument; code is its '?' or ':'. */
static int report_getopt(int code, char *argv[])
{
	const struct option_row *row = find_row(optopt);

	if (code == ':')
		return wrong("option --%s needs a value: %s", row->name, row->argument);
	if (row)
		return wrong("option --%s takes no value", row->name);
	if (optopt)
		return wrong("option -%c is unknown", optopt);
	return wrong("option %s is unknown or ambiguous", argv[optind - 1]);
}

static enum options_result read_options(int argc, char *argv[], struct options *options)
{
	struct option longs[ARRAY_SIZE(rows) + 1];
	char letters[2 * ARRAY_SIZE(rows) + 2];
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

	return broken ? wrong("%s", broken) : 0;
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
