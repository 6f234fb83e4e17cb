/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The keys of init_config that came after go-metro's plain ones: what each accepts, refuses, and
 * becomes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config_keys.h"

#define FIFTY      "12345678901234567890123456789012345678901234567890"
#define SOCKET_100 "/2345678901234567890123456789012345678901234567890" FIFTY

static struct config *load_init(const char *init)
{
	struct config *config;

	assert_int_equal(load(init, "{interface: lo, ips: [127.0.0.1]}", &config), 0);
	return config;
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_server_names),   cmocka_unit_test(test_sockets),
		cmocka_unit_test(test_dialects),       cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_metrics),        cmocka_unit_test(test_aggregates),
		cmocka_unit_test(test_others),         cmocka_unit_test(test_control_socket),
		cmocka_unit_test(test_wrong_settings),
	};

	return cmocka_run_group_tests_name("config keys", tests, NULL, NULL);
}
