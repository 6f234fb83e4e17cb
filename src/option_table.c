/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What each option does with its value, and the tables of options. */
#include "option_table.h"
#include "flow.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "array.h"
#include "config.h"
#include "expression.h"
#include "identity.h"
#include "instance_ports.h"
#include "log.h"
#include "number.h"
#include "printable.h"
#include "privileges.h"

#define INTERVAL_MIN_S 0.1
#define INTERVAL_MAX_S 3600
#define DELAY_MAX_S    10
#define PID_MOST       (1 << 22) /* Linux has no higher ones */

int option_wrong(const char *format, ...)
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

static int set_path(const char **path, const char *option, const char *value)
{
	if (!*value)
		return option_wrong("%s needs the name of a file", option);
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
		return option_wrong("--user: there is no user \"%s\"", value);
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
		return option_wrong("--local: too many addresses; accepted: up to %zu",
				    ARRAY_SIZE(options->local));
	snprintf(word, sizeof(word), "%.*s", (int)length, text);
	if (length >= sizeof(word) || address_parse(word, addr))
		return option_wrong("--local: \"%.*s\" is not an address; accepted: IPv4 and IPv6 "
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
		return option_wrong("--port: too many ports; accepted: up to %d ports and ranges",
				    PORTS_MAX);
	if (err)
		return option_wrong(
			"--port: \"%.*s\" %s; accepted: ports from 1 to 65535 and ranges "
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
	return option_wrong("%s: \"%s\" is unknown; accepted: %s", option, value, accepted);
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
		return option_wrong(
			"--interval: \"%s\" is not valid; accepted: seconds from %g to %d", value,
			INTERVAL_MIN_S, INTERVAL_MAX_S);
	return 0;
}

static int set_delay(struct options *options, const char *value)
{
	options->delayed = true;
	if (number_parse_decimal(value, 0, DELAY_MAX_S, &options->delay_s))
		return option_wrong("--delay: \"%s\" is not valid; accepted: seconds from 0 to %d",
				    value, DELAY_MAX_S);
	return 0;
}

static int set_marks(struct options *options, const char *value)
{
	unsigned int marks;

	if (number_parse_whole(value, MARKS_MIN, MARKS_MAX, &marks) || (marks & (marks - 1)))
		return option_wrong(
			"--marks: \"%s\" is not valid; accepted: a power of two from %d to %d",
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
		return option_wrong(
			"--filter: \"%s\" is not valid: %s; accepted: an expression as in "
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
	return value ? option_wrong("-st: \"%s\" is not valid; accepted: true, false", value) : 0;
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
		return option_wrong(
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

const struct option_row option_rows[] = {
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
	{0},
};
_Static_assert(ARRAY_SIZE(option_rows) <= OPTION_ROWS_MAX + 1, "OPTION_ROWS_MAX");

const struct go_option go_options[] = {
	{"cfg", true, set_config},
	{"log", true, set_log},
	{"f", true, set_filter},
	{"st", false, set_soften},
	{0},
};
