/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The command line: ours, go-metro's, and what is refused with which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <bpf/libbpf.h>
#include <cmocka.h>
#include <yaml.h>
#include <zlib.h>

#include "array.h"
#include "capture.h"
#include "config.h"
#include "options.h"

#define ARGUMENTS_MAX 40
#define HINT          "\ntry bpf-metro --help\n"

static char line[2048];
static char *arguments[ARGUMENTS_MAX + 1];
static struct options options;

/* Parses a command line of words with single spaces between; '' is an empty word. */
static enum options_result parse(const char *words)
{
	char *rest = line, *word;
	int count = 0;

	snprintf(line, sizeof(line), "bpf-metro%s%s", *words ? " " : "", words);
	while ((word = strsep(&rest, " ")) && count < ARGUMENTS_MAX)
		arguments[count++] = strcmp(word, "''") ? word : word + 2;
	arguments[count] = NULL;
	return options_parse(count, arguments, &options);
}

/* The same, with standard error caught in text. */
static enum options_result parse_caught(const char *words, char *text, size_t size)
{
	FILE *file = tmpfile();
	int saved = dup(STDERR_FILENO);
	enum options_result result;

	fflush(stderr);
	dup2(fileno(file), STDERR_FILENO);
	result = parse(words);
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(file);
	text[fread(text, 1, size - 1, file)] = '\0';
	fclose(file);
	return result;
}

static void assert_text(const char *found, const char *expected)
{
	if (!expected)
		assert_null(found);
	else
		assert_string_equal(found, expected);
}

static void test_defaults(void **state)
{
	(void)state;
	assert_int_equal(parse(""), OPTIONS_RUN);
	assert_string_equal(options.config_path, CONFIG_DEFAULT_PATH);
	assert_null(options.log_path);
	assert_null(options.interface);
	assert_null(options.read_path);
	assert_int_equal(options.peers_count, 0);
	assert_int_equal(options.backend, BACKEND_AUTO);
	assert_int_equal(options.hook, HOOK_AUTO);
	assert_int_equal(options.output, OUTPUT_STATSD);
	assert_true(options.interval_s == 0);
	assert_true(options.delay_s == 0.1);
	assert_int_equal(options.marks, 0);
	assert_false(options.check || options.verbose || options.soften || options.health);
	assert_false(options.configured);
	assert_null(options.control_path);
	assert_null(options.filter);
	assert_int_equal(options.ports.count, 0);
}

static void test_paths(void **state)
{
	static const struct {
		const char *words;
		const char *config, *log;
	} cases[] = {
		{"-c a", "a", NULL},
		{"-ca", "a", NULL},
		{"--config a", "a", NULL},
		{"--config=a", "a", NULL},
		{"--conf=a", "a", NULL},
		{"-cfg a", "a", NULL},
		{"-cfg=a", "a", NULL},
		{"--cfg a", "a", NULL},
		{"--cfg=a=b", "a=b", NULL},
		{"-cfg=/etc/dd-agent/conf.d/go-metro.yaml", "/etc/dd-agent/conf.d/go-metro.yaml",
		 NULL},
		{"-cfg a -log b", "a", "b"},
		{"-log=b -cfg=a", "a", "b"},
		{"--log b -v", CONFIG_DEFAULT_PATH, "b"},
		{"-v --log=b", CONFIG_DEFAULT_PATH, "b"},
		{"-st=false -cfg a", "a", NULL},
		{"-st=0 -c a", "a", NULL},
		{"-cfoo", "foo", NULL},
		{"-cfgx", "fgx", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(parse(cases[i].words), OPTIONS_RUN);
		assert_text(options.config_path, cases[i].config);
		assert_text(options.log_path, cases[i].log);
	}
}

static void test_go_metro(void **state)
{
	static const struct {
		const char *words, *filter;
		bool soften;
	} cases[] = {
		{"-f tcp", NULL, false},
		{"-f=tcp --backend bpf --hook xdp", NULL, false},
		{"-f ''", NULL, false},
		{"-f ip", "ip", false},
		{"-f=ip6", "ip6", false},
		{"--f=ip6", "ip6", false},
		{"--filter ip", "ip", false},
		{"-f ip -r file --local ::1", "ip", false},
		{"-f ip -i eth0 ::1", "ip", false},
		{"-st", NULL, true},
		{"--st -v", NULL, true},
		{"-st=true", NULL, true},
		{"-st=T", NULL, true},
		{"-st=1", NULL, true},
		{"-st=false", NULL, false},
		{"-st -st=F", NULL, false},
		{"--soften", NULL, true},
		{"-st -i eth0 ::1 --output statsd", NULL, true},
		{"-cfg=/etc/dd-agent/conf.d/go-metro.yaml -log=/var/log/x -f=ip -st", "ip", true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(parse(cases[i].words), OPTIONS_RUN);
		assert_text(options.filter, cases[i].filter);
		assert_int_equal(options.soften, cases[i].soften);
	}
}

static void test_measuring(void **state)
{
	(void)state;
	assert_int_equal(parse("10.0.0.1 -i eth0 ::/0 --hook xdp -v name --backend=bpf"),
			 OPTIONS_RUN);
	assert_string_equal(options.interface, "eth0");
	assert_int_equal(options.peers_count, 3);
	assert_string_equal(options.peers[0], "10.0.0.1");
	assert_string_equal(options.peers[1], "::/0");
	assert_string_equal(options.peers[2], "name");
	assert_int_equal(options.hook, HOOK_XDP);
	assert_int_equal(options.backend, BACKEND_BPF);
	assert_true(options.verbose);

	assert_int_equal(parse("-ieth0 ::1 --delay 0"), OPTIONS_RUN);
	assert_true(options.delayed && options.delay_s == 0);

	assert_int_equal(parse("-ieth0 --interval 0.5 --marks 64 --output statsd -- -log"),
			 OPTIONS_RUN);
	assert_true(options.interval_s == 0.5);
	assert_int_equal(options.marks, 64);
	assert_int_equal(options.output, OUTPUT_STATSD);
	assert_int_equal(options.peers_count, 1);
	assert_string_equal(options.peers[0], "-log");

	assert_int_equal(parse("--hook clsact --check --output text"), OPTIONS_RUN);
	assert_int_equal(options.hook, HOOK_CLSACT);
	assert_int_equal(options.output, OUTPUT_TEXT);
	assert_true(options.check);
}

static void test_reading(void **state)
{
	char text[ADDRESS_TEXT];

	(void)state;
	assert_int_equal(parse("-r - --local 10.0.0.1,::1 --local=10.0.0.2 --backend pcap "
			       "--output json"),
			 OPTIONS_RUN);
	assert_string_equal(options.read_path, "-");
	assert_int_equal(options.local_count, 3);
	assert_string_equal(address_format(&options.local[0], text), "10.0.0.1");
	assert_string_equal(address_format(&options.local[1], text), "::1");
	assert_string_equal(address_format(&options.local[2], text), "10.0.0.2");
	assert_int_equal(options.output, OUTPUT_JSON);

	assert_int_equal(parse("-r f --local "
			       "::1,::2,::3,::4,::5,::6,::7,::8,::9,::a,::b,::c,::d,::e,::f,::10"),
			 OPTIONS_RUN);
	assert_int_equal(options.local_count, 16);
}

#define FILTER(text, reason)                                                                       \
	"--filter: \"" text "\" is not valid: " reason                                             \
	"; accepted: an expression as in pcap-filter(7)"

#define PORT(text, reason)                                                                         \
	"--port: \"" text "\" " reason                                                             \
	"; accepted: ports from 1 to 65535 and ranges such as 8000-8999, separated by commas"

#define HEALTH_ALONE "--health asks a daemon that runs; leave -i, -r, --check and PEERs out"

static const struct {
	const char *words, *message;
} wrong[] = {
	{"--nonsense", "option --nonsense is unknown or ambiguous"},
	{"--in 1", "option --in is unknown or ambiguous"},
	{"-x", "option -x is unknown"},
	{"-vx", "option -x is unknown"},
	{"-c", "option --config needs a value: FILE"},
	{"--config", "option --config needs a value: FILE"},
	{"-cfg", "option -cfg needs a value"},
	{"-cfg=", "--config needs the name of a file"},
	{"--config=", "--config needs the name of a file"},
	{"-r ''", "--read needs the name of a file"},
	{"--check=yes", "option --check takes no value"},
	{"-f", "option -f needs a value"},
	{"-f=foo", FILTER("foo", "can't parse filter expression: syntax error")},
	{"-f port", FILTER("port", "can't parse filter expression: syntax error")},
	{"--filter=port~~", FILTER("port~~", "can't parse filter expression: syntax error")},
	{"-f port,80 --backend bpf", FILTER("port,80", "can't parse filter expression: syntax "
						       "error")},
	{"-f ip --backend bpf", "--filter needs libpcap; leave --backend bpf out"},
	{"-f=ip --hook tc", "--filter needs libpcap; leave --hook out"},
	{"-st=maybe", "-st: \"maybe\" is not valid; accepted: true, false"},
	{"-st=", "-st: \"\" is not valid; accepted: true, false"},
	{"-st -r f", "--soften works with StatsD output only"},
	{"--soften -i eth0 ::1", "--soften works with StatsD output only"},
	{"-st --output json", "--soften works with StatsD output only"},
	{"-r f -i eth0", "-r and -i cannot be combined"},
	{"-r f 10.0.0.1", "-r takes no PEER; to choose senders, use --local ADDR"},
	{"-r f --hook tc", "--hook is for live traffic; leave it out with -r"},
	{"-r f --backend bpf", "-r reads with libpcap; leave --backend bpf out"},
	{"--output top", "--output top goes with -i IFACE PEER... or -r FILE"},
	{"-r - --output top",
	 "--output top takes keys from standard input; give -r a file or a named pipe"},
	{"--top -i eth0 1.2.3.4",
	 "--top shows what a daemon measures; leave -i, -r, --check and PEERs out"},
	{"--top --output top", "--top has an output of its own; leave --output out"},
	{"-r f --output statsd",
	 "-r has text, json, summary, html and top; leave --output statsd out"},
	{"--health -i lo 10.0.0.1", HEALTH_ALONE},
	{"--health -r f", HEALTH_ALONE},
	{"--health --check", HEALTH_ALONE},
	{"--output html", "--output html needs -r FILE"},
	{"-i eth0 ::1 --output html", "--output html needs -r FILE"},
	{"--health --output statsd", "--health prints text or json; leave other outputs out"},
	{"--health --control ''", "--control needs the name of a file"},
	{"--control /a",
	 "--control goes with --health or --top; a daemon has control_socket in its "
	 "configuration"},
	{"--health --control /a -c b", "--control and -c cannot be combined: the configuration "
				       "says where the socket is"},
	{"--reload 1 --health", "of --health, --top, --probe and --reload, one at a time"},
	{"--probe --health", "of --health, --top, --probe and --reload, one at a time"},
	{"--probe --user root",
	 "--user is for measuring; leave it out with --health, --top, --probe and --reload"},
	{"--reload 0", "--reload: \"0\" is not valid; accepted: the process id of a bpf-metro"},
	{"--reload 1x", "--reload: \"1x\" is not valid; accepted: the process id of a bpf-metro"},
	{"--reload", "option --reload needs a value: PID"},
	{"--reload 1 --check",
	 "--reload is for a bpf-metro with a configuration; leave -i, -r and --check out"},
	{"-i lo ::1 --reload 1",
	 "--reload is for a bpf-metro with a configuration; leave -i, -r and --check out"},
	{"-r f --check", "--check is for a configuration; leave -r out"},
	{"-r f --interval 1", "-r reports once; leave --interval out"},
	{"--local ::1", "--local needs -r FILE"},
	{"-Q in", "-Q goes with -i IFACE or -r FILE; a configuration has direction: in an "
		  "instance"},
	{"-r f -Q in --local ::1", "-Q and --local cannot be combined"},
	{"-i eth0 -Q inout ::1", "--direction: \"inout\" is unknown; accepted: out, in, both"},
	{"--port 80", "--port goes with -i IFACE or -r FILE; a configuration has ports: in an "
		      "instance"},
	{"-r f --port 0", PORT("0", "is no port")},
	{"-r f --port 80,65536", PORT("65536", "is no port")},
	{"-r f --port 9000-8000", PORT("9000-8000", "ends before it begins")},
	{"-r f --port 80,", PORT("", "is not valid")},
	{"-r f --port ''", PORT("", "is not valid")},
	{"-r f --port http", PORT("http", "is not valid")},
	{"10.0.0.1", "a PEER needs -i IFACE before it"},
	{"-i eth0",
	 "-i needs a PEER: an address, a network or a name; 0.0.0.0/0 means every IPv4 address"},
	{"-i eth0 ::1 -cfg f", "-i and -c cannot be combined: with -i, no configuration is read"},
	{"--backend pcap --hook xdp", "--hook is for BPF; leave it out with --backend pcap"},
	{"--backend ebpf", "--backend: \"ebpf\" is unknown; accepted: auto, bpf, pcap"},
	{"--hook tcx", "--hook: \"tcx\" is unknown; accepted: auto, tc, clsact, xdp"},
	{"--output xml",
	 "--output: \"xml\" is unknown; accepted: statsd, text, json, summary, html, top"},
	{"--delay -1", "--delay: \"-1\" is not valid; accepted: seconds from 0 to 10"},
	{"--delay 10.1", "--delay: \"10.1\" is not valid; accepted: seconds from 0 to 10"},
	{"--delay 100ms", "--delay: \"100ms\" is not valid; accepted: seconds from 0 to 10"},
	{"--delay 1 --output statsd",
	 "--delay goes with --output text or json, which print each sample"},
	{"-ieth0 ::1 --delay 1 --output top",
	 "--delay goes with --output text or json, which print each sample"},
	{"-r f --delay 0", "--delay is for measuring live traffic; leave it out with -r, --health, "
			   "--probe and --reload"},
	{"--interval 0", "--interval: \"0\" is not valid; accepted: seconds from 0.1 to 3600"},
	{"--interval 0.01",
	 "--interval: \"0.01\" is not valid; accepted: seconds from 0.1 to 3600"},
	{"--interval 3601",
	 "--interval: \"3601\" is not valid; accepted: seconds from 0.1 to 3600"},
	{"--interval 10s", "--interval: \"10s\" is not valid; accepted: seconds from 0.1 to 3600"},
	{"--interval inf", "--interval: \"inf\" is not valid; accepted: seconds from 0.1 to 3600"},
	{"--interval ''", "--interval: \"\" is not valid; accepted: seconds from 0.1 to 3600"},
	{"--interval .", "--interval: \".\" is not valid; accepted: seconds from 0.1 to 3600"},
	{"--interval -", "--interval: \"-\" is not valid; accepted: seconds from 0.1 to 3600"},
	{"--marks 24", "--marks: \"24\" is not valid; accepted: a power of two from 8 to 32768"},
	{"--marks 4", "--marks: \"4\" is not valid; accepted: a power of two from 8 to 32768"},
	{"--marks 131072", "--marks: \"131072\" is not valid; accepted: a power of two from 8 to "
			   "32768"},
	{"-r f --local 10.0.0.0/8", "--local: \"10.0.0.0/8\" is not an address; accepted: IPv4 and "
				    "IPv6 addresses, separated by commas"},
	{"-r f --local ::1,",
	 "--local: \"\" is not an address; accepted: IPv4 and IPv6 addresses, separated by commas"},
	{"-r f --local ::1,::2,::3,::4,::5,::6,::7,::8,::9,::a,::b,::c,::d,::e,::f,::10,::11",
	 "--local: too many addresses; accepted: up to 16"},
};

static void test_ports(void **state)
{
	static const struct ports expected = {3, {{80, 80}, {443, 443}, {8000, 9000}}};

	(void)state;
	assert_int_equal(parse("-r f --port 443,8000-8999,80"), OPTIONS_RUN);
	assert_int_equal(parse("-r f --local ::1 --port 8500-9000,80 --port=443,8000-8499"),
			 OPTIONS_RUN);
	assert_true(ports_equal(&options.ports, &expected));
	assert_int_equal(parse("-i lo ::1 --port 443"), OPTIONS_RUN);
	assert_int_equal(options.ports.count, 1);
}

/* 257 ports with gaps between them, in one list. */
static void test_too_many_ports(void **state)
{
	char words[4096] = "-r f --port 2", text[512];
	size_t length = strlen(words);

	(void)state;
	for (unsigned int i = 2; i <= PORTS_MAX; i++)
		length += (size_t)sprintf(words + length, ",%u", 2 * i);
	assert_int_equal(parse(words), OPTIONS_RUN);
	assert_int_equal(options.ports.count, PORTS_MAX);
	strcat(words, ",9999");
	assert_int_equal(parse_caught(words, text, sizeof(text)), OPTIONS_WRONG);
	assert_string_equal(text, "bpf-metro: --port: too many ports; accepted: up to 256 ports "
				  "and ranges" HINT);
}

static void test_wrong_usage(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		char text[512], expected[512];

		assert_int_equal(parse_caught(wrong[i].words, text, sizeof(text)), OPTIONS_WRONG);
		snprintf(expected, sizeof(expected), "bpf-metro: %s" HINT, wrong[i].message);
		assert_string_equal(text, expected);
	}
}

static void test_health(void **state)
{
	(void)state;
	assert_int_equal(parse("--health"), OPTIONS_RUN);
	assert_true(options.health);
	assert_int_equal(options.output, OUTPUT_TEXT);
	assert_string_equal(options.config_path, CONFIG_DEFAULT_PATH);
	assert_false(options.configured);
	assert_int_equal(parse("--health --control /a --output json"), OPTIONS_RUN);
	assert_string_equal(options.control_path, "/a");
	assert_int_equal(options.output, OUTPUT_JSON);
	assert_int_equal(parse("-c b --health"), OPTIONS_RUN);
	assert_string_equal(options.config_path, "b");
	assert_true(options.configured);
}

static void test_help_and_version(void **state)
{
	static const char *const names[] = {"--config",  "--interface", "--read",   "--local",
					    "--backend", "--hook",      "--output", "--interval",
					    "--delay",   "--marks",     "--log",    "--check",
					    "--verbose", "--filter",    "--soften", "--version",
					    "--help",    "--port",      "--health", "--control"};
	struct capture capture;
	enum options_result help, version;
	const char *text;

	(void)state;
	stdout_capture(&capture);
	help = parse("--help");
	version = parse("--version");
	stdout_restore(&capture);
	assert_int_equal(help, OPTIONS_DONE);
	assert_int_equal(version, OPTIONS_DONE);
	text = capture_read(&capture);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_non_null(strstr(text, names[i]));
	assert_non_null(strstr(text, "\nbpf-metro " METRO_VERSION "\n"));
	for (const char *at = text; at; at = strchr(at + 1, '\n'))
		assert_true(strcspn(at + 1, "\n") < 80);
	capture_free(&capture);
}

static void test_user(void **state)
{
	char text[512];

	(void)state;
	assert_int_equal(parse("--user root"), OPTIONS_RUN);
	assert_string_equal(options.user, "root");
	assert_int_equal(parse_caught("--user nobody-of-that-name", text, sizeof(text)),
			 OPTIONS_WRONG);
	assert_non_null(strstr(text, "--user: there is no user \"nobody-of-that-name\""));
}

/* What the libraries say of themselves, each in its own way, as one list. */
static void test_versions_of_libraries(void **state)
{
	struct capture capture;
	char expected[256];
	const char *text;

	(void)state;
	snprintf(expected, sizeof(expected),
		 "bpf-metro " METRO_VERSION "\nlibraries: libbpf %u.%u, libpcap 1.",
		 libbpf_major_version(), libbpf_minor_version());
	stdout_capture(&capture);
	parse("--version");
	stdout_restore(&capture);
	text = capture_read(&capture);
	assert_memory_equal(text, expected, strlen(expected));
	snprintf(expected, sizeof(expected), ", libyaml %s, zlib %s\n", yaml_get_version_string(),
		 zlibVersion());
	assert_non_null(strstr(text, " libseccomp "));
	assert_non_null(strstr(text, expected));
	assert_non_null(strstr(text, "instruction set " METRO_BPF_CPU ","));
	assert_null(strstr(text, "unknown"));
	capture_free(&capture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_too_many_ports),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_go_metro),
		cmocka_unit_test(test_measuring),
		cmocka_unit_test(test_reading),
		cmocka_unit_test(test_user),
		cmocka_unit_test(test_wrong_usage),
		cmocka_unit_test(test_health),
		cmocka_unit_test(test_help_and_version),
		cmocka_unit_test(test_versions_of_libraries),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
