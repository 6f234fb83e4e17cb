/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The keys that came after go-metro's plain ones: what each accepts, refuses, and becomes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "array.h"
#include "capture.h"
#include "config.h"

#define FIFTY      "12345678901234567890123456789012345678901234567890"
#define SOCKET_100 "/2345678901234567890123456789012345678901234567890" FIFTY

static struct capture capture;

/* Loads a file that has these lines under init_config, or under the only instance. */
static int load(const char *init, const char *instance, struct config **config)
{
	struct capture file;
	FILE *out = fdopen(capture_file(&file), "w");
	int err;

	fprintf(out, "init_config: {%s}\ninstances:\n- %s\n", init, instance);
	fclose(out);
	err = config_load(file.path, config);
	capture_free(&file);
	return err;
}

static struct config *load_init(const char *init)
{
	struct config *config;

	assert_int_equal(load(init, "{interface: lo, ips: [127.0.0.1]}", &config), 0);
	return config;
}

/* The messages of the last load, from behind the file's name and line, one a line. */
static const char *messages(void)
{
	static char out[4096];
	const char *at = capture_read(&capture);
	size_t length = 0;

	out[0] = '\0';
	while ((at = strstr(at, " ERROR "))) {
		const char *message = strstr(strchr(at, ':') + 1, ": ") + 2;

		length += (size_t)snprintf(out + length, sizeof(out) - length, "%.*s\n",
					   (int)strcspn(message, "\n"), message);
		at = message;
	}
	return out;
}

static void assert_refused(const char *init, const char *instance, const char *message)
{
	struct config *config = NULL;
	char expected[2048];

	log_capture(&capture);
	assert_int_equal(load(init, instance, &config), -EINVAL);
	snprintf(expected, sizeof(expected), "%s\n", message);
	assert_string_equal(messages(), expected);
	assert_null(config);
	log_release(&capture);
}

static void test_server_names(void **state)
{
	static const char *const names[] = {"192.0.2.1", "2001:db8::1", "localhost",
					    "statsd.example.", "a_b"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct config *config;
		char init[64];

		snprintf(init, sizeof(init), "statsd_ip: '%s', statsd_port: 65535", names[i]);
		config = load_init(init);
		assert_string_equal(config->statsd_ip, names[i]);
		assert_int_equal(config->statsd_port, 65535);
		config_free(config);
	}
}

static void test_sockets(void **state)
{
	static const char *const urls[] = {
		"unix:///var/run/datadog/dsd.socket",
		"unixgram:///a",
		"unixstream://@name",
		"unix://" SOCKET_100 "1234567",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
		struct config *config;
		char init[256];

		snprintf(init, sizeof(init), "statsd_socket: '%s', statsd_port: , dialect: statsd",
			 urls[i]);
		config = load_init(init);
		assert_string_equal(config->statsd_socket, urls[i]);
		assert_null(config->statsd_ip);
		config_free(config);
	}
}

static void test_dialects(void **state)
{
	static const char *const names[] = {[DIALECT_DOGSTATSD] = "dogstatsd",
					    [DIALECT_STATSD] = "statsd",
					    [DIALECT_GRAPHITE] = "graphite",
					    [DIALECT_INFLUX] = "influx"};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
		struct config *config;
		char init[64];

		snprintf(init, sizeof(init), "dialect: %s, distribution: %s", names[i],
			 i == DIALECT_DOGSTATSD ? "true" : "false");
		config = load_init(init);
		assert_int_equal(config->dialect, i);
		assert_int_equal(config->distribution, i == DIALECT_DOGSTATSD);
		config_free(config);
	}
}

static void test_prefixes(void **state)
{
	static const struct {
		const char *text, *prefix;
	} cases[] = {
		{"a", "a."},
		{"team.net.", "team.net."},
		{"Host-1_x.y2", "Host-1_x.y2."},
		{"a123456789012345678901234567890123456789012345678901234567890123",
		 "a123456789012345678901234567890123456789012345678901234567890123."},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct config *config;
		char init[128];

		snprintf(init, sizeof(init), "prefix: %s", cases[i].text);
		config = load_init(init);
		assert_string_equal(config->prefix, cases[i].prefix);
		config_free(config);
	}
}

static void test_metrics(void **state)
{
	struct config *config = load_init("metrics: [retransmissions, rtt]");

	(void)state;
	assert_int_equal(config->metrics,
			 METRIC_BIT(METRIC_LAST) | METRIC_BIT(METRIC_RETRANSMISSIONS));
	config_free(config);
	config = load_init("metrics: [avg, jitter, rtt, min, max, p50, p95, p99, samples, "
			   "handshake, retransmissions]");
	assert_int_equal(config->metrics, METRIC_BIT(METRICS) - 1);
	config_free(config);
	config = load_init("metrics: ");
	assert_int_equal(config->metrics, METRICS_DEFAULT);
	config_free(config);
}

static void test_aggregates(void **state)
{
	static const struct {
		const char *text;
		struct aggregate aggregate;
	} cases[] = {
		{"address", {AGGREGATE_ADDRESS, 0, 0}},
		{"configured", {AGGREGATE_CONFIGURED, 0, 0}},
		{"network/24", {AGGREGATE_NETWORK, 24, 64}},
		{"network/0", {AGGREGATE_NETWORK, 0, 64}},
		{"network/32,128", {AGGREGATE_NETWORK, 32, 128}},
		{"network/16,0", {AGGREGATE_NETWORK, 16, 0}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct config *config;
		char init[64];

		snprintf(init, sizeof(init), "aggregate: '%s'", cases[i].text);
		config = load_init(init);
		assert_int_equal(config->aggregate.by, cases[i].aggregate.by);
		assert_int_equal(config->aggregate.bits_v4, cases[i].aggregate.bits_v4);
		assert_int_equal(config->aggregate.bits_v6, cases[i].aggregate.bits_v6);
		config_free(config);
	}
}

static void test_others(void **state)
{
	struct config *config = load_init("telemetry: yes, max_series: 1000000, resolve_interval: "
					  "1, reverse_names: off");

	(void)state;
	assert_true(config->telemetry);
	assert_int_equal(config->max_series, 1000000);
	assert_int_equal(config->resolve_interval_s, 1);
	assert_false(config->reverse_names);
	config_free(config);
}

static void test_control_socket(void **state)
{
	static const struct {
		const char *init, *path;
	} cases[] = {
		{"marks: 8", NULL},
		{"control_socket: ", NULL},
		{"control_socket: none", ""},
		{"control_socket: /run/a b.sock", "/run/a b.sock"},
		{"control_socket: '" SOCKET_100 "1234567'", SOCKET_100 "1234567"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct config *config = load_init(cases[i].init);

		if (cases[i].path)
			assert_string_equal(config->control_socket, cases[i].path);
		else
			assert_null(config->control_socket);
		config_free(config);
	}
}

static void test_instances(void **state)
{
	struct config *config;

	(void)state;
	assert_int_equal(load("",
			      "{interface: lo, hosts: [a], sample: true, sample_duration: 1, "
			      "sample_interval: 86400}",
			      &config),
			 0);
	assert_true(config->instances[0].sample);
	assert_int_equal(config->instances[0].sample_duration_s, 1);
	assert_int_equal(config->instances[0].sample_interval_s, 86400);
	assert_null(config->instances[0].pcap);
	config_free(config);

	assert_int_equal(
		load("", "{interface: lo, hosts: [a], sample: no, sample_interval: 2}", &config),
		0);
	assert_false(config->instances[0].sample);
	config_free(config);

	assert_int_equal(
		load("", "{pcap: a b.pcap, hosts: [a], interface: file, sample: false}", &config),
		0);
	assert_string_equal(config->instances[0].interface, "file");
	assert_string_equal(config->instances[0].pcap, "a b.pcap");
	config_free(config);
}

#define SOCKETS                                                                                    \
	"accepted: unix://PATH, unixgram://PATH or unixstream://PATH, PATH from the root or @NAME"
#define PLACES   "accepted: a path that begins with /, or none"
#define PREFIXES "accepted: letters, digits, _ and -, with dots between, a letter first"
#define AGGREGATES                                                                                 \
	"accepted: address, configured, network/BITS with 0 to 32 bits, or network/BITS,BITS "     \
	"with 0 to 128 for IPv6 after the comma"
#define PAIR                                                                                       \
	"cannot be combined with statsd_ip and statsd_port; accepted: a socket, or an address "    \
	"and a port"
#define NO_OTHER "only Datadog's servers have distributions; accepted: true with "
#define DIALECTS "dialect dogstatsd, or false"

static void test_wrong_settings(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{"statsd_socket: 'unix://'", "statsd_socket: \"unix://\" is not valid; " SOCKETS},
		{"statsd_socket: 'unix:///'", "statsd_socket: \"unix:///\" is not valid; " SOCKETS},
		{"statsd_socket: 'unix://@'", "statsd_socket: \"unix://@\" is not valid; " SOCKETS},
		{"statsd_socket: 'unix://a/b'",
		 "statsd_socket: \"unix://a/b\" is not valid; " SOCKETS},
		{"statsd_socket: 'udp:///a'", "statsd_socket: \"udp:///a\" is not valid; " SOCKETS},
		{"statsd_socket: [a]",
		 "statsd_socket: is a list; accepted: one socket, as unix://PATH"},
		{"statsd_ip: '::1:8125'",
		 "statsd_ip: \"::1:8125\" has a port after the address; accepted: ::1, with "
		 "statsd_port: 8125, or, if all of it is the address, all eight groups written "
		 "out"},
		{"statsd_ip: '127.0.0.1:8125'",
		 "statsd_ip: \"127.0.0.1:8125\" has a port after the host; accepted: 127.0.0.1, "
		 "with statsd_port: 8125"},
		{"statsd_ip: x-.y", "statsd_ip: \"x-.y\" is not valid; accepted: an IPv4 or IPv6 "
				    "address, localhost, or a host name"},
		{"statsd_socket: 'unix://" SOCKET_100 "12345678'",
		 "statsd_socket: "
		 "\"unix:///2345678901234567890123456789012345678901234567890123456789...\" has a "
		 "path of 108 bytes, too long for a socket; accepted: up to 107"},
		{"statsd_socket: 'unix:///a', statsd_ip: 127.0.0.1", "statsd_socket: " PAIR},
		{"statsd_port: 1, statsd_socket: 'unix:///a'", "statsd_socket: " PAIR},
		{"control_socket: run/a", "control_socket: \"run/a\" is not valid; " PLACES},
		{"control_socket: /run/", "control_socket: \"/run/\" is not valid; " PLACES},
		{"control_socket: ''", "control_socket: \"\" is not valid; " PLACES},
		{"control_socket: 'unix:///a'",
		 "control_socket: \"unix:///a\" is not valid; " PLACES},
		{"control_socket: '" SOCKET_100 "12345678'",
		 "control_socket: "
		 "\"/23456789012345678901234567890123456789012345678901234567890123456...\" is too "
		 "long for a socket; accepted: a path of up to 107 bytes"},
		{"dialect: DogStatsD", "dialect: \"DogStatsD\" is not a dialect; accepted: "
				       "dogstatsd, statsd, graphite, influx"},
		{"distribution: true, dialect: statsd", "distribution: " NO_OTHER DIALECTS},
		{"dialect: influx, distribution: true", "distribution: " NO_OTHER DIALECTS},
		{"prefix: ''", "prefix: \"\" is not valid; " PREFIXES},
		{"prefix: .a", "prefix: \".a\" is not valid; " PREFIXES},
		{"prefix: a..b", "prefix: \"a..b\" is not valid; " PREFIXES},
		{"prefix: a.b..", "prefix: \"a.b..\" is not valid; " PREFIXES},
		{"prefix: 'a:b'", "prefix: \"a:b\" is not valid; " PREFIXES},
		{"prefix: a b", "prefix: \"a b\" is not valid; " PREFIXES},
		{"prefix: 9a", "prefix: \"9a\" is not valid; " PREFIXES},
		{"prefix: a1234567890123456789012345678901234567890123456789012345678901234",
		 "prefix: \"a1234567890123456789012345678901234567890123456789012345678901234\" is "
		 "too long; accepted: up to 64 characters"},
		{"metrics: []", "metrics: is empty, so nothing would be reported; accepted: one "
				"metric or more, or no metrics key (then rtt, avg and jitter)"},
		{"metrics: rtt",
		 "metrics: is a single value; accepted: a list, each item after \"- \""},
		{"metrics: [p50, p50]", "metrics[1]: p50 is in the list already; accepted: each "
					"once"},
		{"metrics: [last]",
		 "metrics[0]: \"last\" is not a metric; accepted: rtt, avg, jitter, min, max, p50, "
		 "p95, p99, samples, handshake, retransmissions"},
		{"aggregate: network", "aggregate: \"network\" is not valid; " AGGREGATES},
		{"aggregate: network/", "aggregate: \"network/\" is not valid; " AGGREGATES},
		{"aggregate: network/33", "aggregate: \"network/33\" is not valid; " AGGREGATES},
		{"aggregate: network/0024",
		 "aggregate: \"network/0024\" is not valid; " AGGREGATES},
		{"aggregate: 'network/24,'",
		 "aggregate: \"network/24,\" is not valid; " AGGREGATES},
		{"aggregate: 'network/,64'",
		 "aggregate: \"network/,64\" is not valid; " AGGREGATES},
		{"aggregate: 'network/24,129'",
		 "aggregate: \"network/24,129\" is not valid; " AGGREGATES},
		{"aggregate: 'network/24,64,1'",
		 "aggregate: \"network/24,64,1\" is not valid; " AGGREGATES},
		{"max_series: -1", "max_series: \"-1\" is out of range; accepted: a whole number "
				   "from 0 to 1000000"},
		{"resolve_interval: 86401", "resolve_interval: \"86401\" is out of range; "
					    "accepted: a whole number from 1 to 86400"},
		{"telemetry: 1", "telemetry: \"1\" is neither true nor false; accepted: true or "
				 "false"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct config *config = NULL;
		char expected[512];

		log_capture(&capture);
		assert_int_equal(load(cases[i].text, "{interface: lo, ips: ['::1']}", &config),
				 -EINVAL);
		snprintf(expected, sizeof(expected), "init_config.%s\n", cases[i].message);
		assert_string_equal(messages(), expected);
		log_release(&capture);
	}
}

static void test_wrong_instances(void **state)
{
	(void)state;
	assert_refused("", "{interface: lo, hosts: [a], sample: true}",
		       "instances[0]: sample: true needs sample_duration and sample_interval; "
		       "accepted: both, whole numbers of seconds from 1 to 86400");
	assert_refused("", "{interface: lo, hosts: [a], sample: true, sample_duration: 1}",
		       "instances[0]: sample: true needs sample_duration and sample_interval; "
		       "accepted: both, whole numbers of seconds from 1 to 86400");
	assert_refused("", "{interface: lo, hosts: [a], sample: false, sample_interval: 0}",
		       "instances[0].sample_interval: \"0\" is out of range; accepted: a whole "
		       "number from 1 to 86400");
	assert_refused("", "{interface: file, hosts: [a]}",
		       "instances[0]: interface: file needs a capture file; accepted: pcap: PATH "
		       "beside it");
	assert_refused("", "{interface: lo, pcap: a, hosts: [a]}",
		       "instances[0]: pcap only goes with interface: file; accepted: interface: "
		       "file, or no pcap");
	assert_refused("", "{interface: file, pcap: '', hosts: [a]}",
		       "instances[0].pcap: is empty; accepted: the path of a capture file");
}

static void assert_direction(const char *instance, enum direction_choice direction,
			     unsigned int ways)
{
	struct config *config;

	assert_int_equal(load("", instance, &config), 0);
	assert_int_equal(config->instances[0].direction, direction);
	assert_int_equal(direction_ways(direction), ways);
	config_free(config);
}

static void test_direction(void **state)
{
	(void)state;
	assert_direction("{interface: lo, hosts: [a]}", DIRECTION_OUT, WAY_OUT);
	assert_direction("{interface: lo, hosts: [a], direction: out}", DIRECTION_OUT, WAY_OUT);
	assert_direction("{interface: lo, hosts: [a], direction: in}", DIRECTION_IN, WAY_IN);
	assert_direction("{interface: lo, hosts: [a], direction: both}", DIRECTION_BOTH,
			 WAY_IN | WAY_OUT);
	assert_refused("", "{interface: lo, hosts: [a], direction: inout}",
		       "instances[0].direction: \"inout\" is not a direction; accepted: out, in, "
		       "both");
	assert_refused("", "{interface: file, pcap: a, hosts: [a], direction: in}",
		       "instances[0]: direction goes with a network interface; for a capture file "
		       "run bpf-metro -r FILE -Q DIRECTION");
}

static void test_pasted(void **state)
{
	(void)state;
	assert_refused("", "{interface: \"eth0,veth*\", hosts: [a]}",
		       "instances[0].interface: \"eth0,veth*\" has a comma; accepted: one name or "
		       "pattern, or a list of them, such as [eth0, \"veth*\"]");
	assert_refused("", "{interface: ve0@if5, hosts: [a]}",
		       "instances[0].interface: \"ve0@if5\" has more than the interface's name, as "
		       "`ip link` shows it; accepted: ve0");
	assert_refused("", "{interface: 'eth0.100@eth0-and-more:', hosts: [a]}",
		       "instances[0].interface: \"eth0.100@eth0-and-more:\" has more than the "
		       "interface's name, as `ip link` shows it; accepted: eth0.100");
	assert_refused("", "{interface: 'lo:', hosts: [a]}",
		       "instances[0].interface: \"lo:\" has more than the interface's name, as `ip "
		       "link` shows it; accepted: lo");
	assert_refused(
		"", "{interface: lo, hosts: [m\xc3\xbcnchen.example]}",
		"instances[0].hosts[0]: \"m\xc3\xbcnchen.example\" is not valid; accepted: a "
		"host name or an address; write the name in ASCII, xn--..., as `idn2 NAME` "
		"prints it");
}

static bool containers_of(const char *instance)
{
	struct config *config;
	bool containers;

	assert_int_equal(load("", instance, &config), 0);
	containers = config->instances[0].containers;
	config_free(config);
	return containers;
}

/* Their tags take room from the others', whichever of the two keys comes first. */
static void test_containers(void **state)
{
	char text[1000];

	(void)state;
	assert_false(containers_of("{interface: lo, hosts: [a]}"));
	assert_true(containers_of("{interface: lo, hosts: [a], containers: true}"));
	log_capture(&capture);
	assert_false(containers_of("{interface: file, pcap: a, hosts: [a], containers: true}"));
	assert_non_null(strstr(capture_read(&capture), "WARNING"));
	assert_non_null(strstr(capture_read(&capture), "containers: true is ignored"));
	log_release(&capture);
	assert_refused("", "{interface: lo, hosts: [a], containers: 1}",
		       "instances[0].containers: \"1\" is neither true nor false; accepted: true "
		       "or false");
	snprintf(text, sizeof(text),
		 "{interface: lo, hosts: [a], containers: true, tags: ['%0599d']}", 1);
	assert_true(containers_of(text));
	snprintf(text, sizeof(text),
		 "{interface: lo, hosts: [a], tags: ['%0600d'], containers: true}", 1);
	assert_refused("", text,
		       "instances[0].tags: are 601 bytes long together, too many for a StatsD "
		       "datagram that has those of containers, too; accepted: up to 600, "
		       "counting a comma for each");
}

static void test_file_as_argument(void **state)
{
	struct config *config = NULL;

	(void)state;
	log_capture(&capture);
	assert_int_equal(config_from_arguments("file", (char *[]){"::1"}, 1, &config), -EINVAL);
	assert_non_null(strstr(capture_read(&capture), "bpf-metro -r FILE"));
	log_release(&capture);
}

#define PORT_WRONG(place, text, reason)                                                            \
	"instances[0].ports" place ": \"" text "\" " reason                                        \
	"; accepted: a port from 1 to 65535, or a range such as 8000-8999"

static void assert_ports_refused(const char *ports, const char *message)
{
	char instance[4096];

	snprintf(instance, sizeof(instance), "{interface: lo, ips: [127.0.0.1], %s}", ports);
	assert_refused("", instance, message);
}

static void test_ports(void **state)
{
	static const struct ports expected = {3, {{80, 80}, {443, 443}, {8000, 9000}}};
	struct config *config;

	(void)state;
	assert_int_equal(load("",
			      "{interface: lo, ips: [127.0.0.1], tag_port: yes, "
			      "ports: [8500-9000, 443, '80', \"8000-8500\", 8001, 443]}",
			      &config),
			 0);
	assert_true(ports_equal(config->instances[0].ports, &expected));
	assert_true(config->instances[0].tag_port);
	config_free(config);
	assert_int_equal(
		load("", "{interface: lo, ips: [127.0.0.1], ports: , tag_port: no}", &config), 0);
	assert_null(config->instances[0].ports);
	config_free(config);
}

static void test_wrong_ports(void **state)
{
	(void)state;
	assert_ports_refused("ports: [443, 0]", PORT_WRONG("[1]", "0", "is no port"));
	assert_ports_refused("ports: [65536]", PORT_WRONG("[0]", "65536", "is no port"));
	assert_ports_refused("ports: [9000-8000]",
			     PORT_WRONG("[0]", "9000-8000", "ends before it begins"));
	assert_ports_refused("ports: [https]", PORT_WRONG("[0]", "https", "is not valid"));
	assert_ports_refused("ports: ['80,443']", PORT_WRONG("[0]", "80,443", "is not valid"));
	assert_ports_refused("ports: []", "instances[0].ports: is an empty list; accepted: ports "
					  "in it, or no ports: for all of them");
	assert_ports_refused("ports: 443", "instances[0].ports: is a single value; accepted: a "
					   "list, each item after \"- \"");
	assert_ports_refused("tag_port: true",
			     "instances[0]: tag_port: true needs ports; accepted: a list of ports "
			     "beside it");
	assert_ports_refused(
		"port: [443]",
		"instances[0]: \"port\" is not a known key (did you mean ports?); "
		"accepted: interface, ips, hosts, tags, direction, ports, tag_port, sample, "
		"sample_duration, sample_interval, pcap, containers");
}

/* 257 that do not touch; and lists that differ, of which one less is accepted. */
static void test_too_many_ports(void **state)
{
	static char many[16384];
	struct config *config;
	size_t length = 0;

	(void)state;
	length = (size_t)sprintf(many, "ports: [2");
	for (unsigned int i = 2; i <= PORTS_MAX + 1; i++)
		length += (size_t)sprintf(many + length, ", %u", 2 * i);
	strcpy(many + length, "]");
	assert_ports_refused(many, "instances[0].ports[256]: \"514\" is one too many; accepted: up "
				   "to 256 ports and ranges, those that touch counted once");
	length = (size_t)sprintf(many, "{interface: lo, ips: ['::1'], ports: [1]}");
	for (unsigned int i = 2; i <= PORT_LISTS_MAX; i++)
		length += (size_t)sprintf(many + length,
					  "\n- {interface: lo, ips: ['::1'], ports: [%u]}", i);
	length += (size_t)sprintf(many + length, "\n- {interface: lo, ips: ['::1'], ports: [7]}");
	assert_int_equal(load("", many, &config), 0);
	assert_int_equal(config->instances[63].ports_list, 63);
	assert_int_equal(config->instances[64].ports_list, 6);
	config_free(config);
	strcpy(many + length, "\n- {interface: lo, ips: ['::1'], ports: [1, 2]}");
	assert_refused("", many,
		       "instances[65].ports: are one list too many; accepted: up to 64 lists that "
		       "differ, over all instances");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_server_names),    cmocka_unit_test(test_sockets),
		cmocka_unit_test(test_dialects),        cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_metrics),         cmocka_unit_test(test_aggregates),
		cmocka_unit_test(test_others),          cmocka_unit_test(test_control_socket),
		cmocka_unit_test(test_instances),       cmocka_unit_test(test_wrong_settings),
		cmocka_unit_test(test_wrong_instances), cmocka_unit_test(test_direction),
		cmocka_unit_test(test_pasted),          cmocka_unit_test(test_file_as_argument),
		cmocka_unit_test(test_containers),      cmocka_unit_test(test_ports),
		cmocka_unit_test(test_wrong_ports),     cmocka_unit_test(test_too_many_ports),
	};

	return cmocka_run_group_tests_name("config keys", tests, NULL, NULL);
}
