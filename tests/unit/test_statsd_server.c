/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which server: the configuration, the environment, and what is wrong with either. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>

#include <cmocka.h>

#include "array.h"
#include "capture.h"
#include "statsd_choice.h"

static struct capture log_file;

static void clear_environment(void)
{
	unsetenv("DD_DOGSTATSD_URL");
	unsetenv("DD_AGENT_HOST");
	unsetenv("DD_DOGSTATSD_PORT");
}

static int setup(void **state)
{
	(void)state;
	log_capture(&log_file);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	clear_environment();
	log_release(&log_file);
	return 0;
}

struct given {
	char *ip;
	unsigned int port;
	char *socket;
	const char *url, *host, *env_port;
};

static int choose(struct statsd_server *server, const struct given *given)
{
	struct config config = {
		.statsd_ip = given->ip,
		.statsd_port = given->port,
		.statsd_socket = given->socket,
	};

	clear_environment();
	if (given->url)
		setenv("DD_DOGSTATSD_URL", given->url, 1);
	if (given->host)
		setenv("DD_AGENT_HOST", given->host, 1);
	if (given->env_port)
		setenv("DD_DOGSTATSD_PORT", given->env_port, 1);
	return statsd_server_choose(server, &config);
}

static void test_choice(void **state)
{
	static const struct {
		struct given given;
		const char *server;
	} cases[] = {
		{{0}, "127.0.0.1:8125"},
		/* the configuration */
		{{.ip = "192.0.2.1"}, "192.0.2.1:8125"},
		{{.ip = "192.0.2.1", .port = 9}, "192.0.2.1:9"},
		{{.ip = "2001:db8::1", .port = 65535}, "[2001:db8::1]:65535"},
		{{.ip = "LocalHost"}, "127.0.0.1:8125"},
		{{.ip = "statsd.example.org"}, "statsd.example.org:8125"},
		{{.ip = "7up.example.4you."}, "7up.example.4you.:8125"},
		{{.port = 9}, "127.0.0.1:9"},
		{{.socket = "unix:///run/x"}, "unix:///run/x"},
		{{.socket = "unixgram:///run/x"}, "unixgram:///run/x"},
		{{.socket = "unixstream:///run/x"}, "unixstream:///run/x"},
		{{.socket = "UNIX://@x"}, "unix://@x"},
		{{.ip = "192.0.2.1", .port = 9, .socket = "unix:///run/x"}, "unix:///run/x"},
		/* the environment */
		{{.url = "udp://192.0.2.2"}, "192.0.2.2:8125"},
		{{.url = "udp://192.0.2.2/"}, "192.0.2.2:8125"},
		{{.url = "udp://192.0.2.2:7"}, "192.0.2.2:7"},
		{{.url = "udp://[2001:db8::2]:7/"}, "[2001:db8::2]:7"},
		{{.url = "udp://[2001:db8::2]"}, "[2001:db8::2]:8125"},
		{{.url = "udp://2001:db8::2"}, "[2001:db8::2]:8125"},
		{{.url = "udp://agent:7"}, "agent:7"},
		{{.url = "udp://localhost:7"}, "127.0.0.1:7"},
		{{.url = "unix:///run/y"}, "unix:///run/y"},
		{{.url = "unixgram:///run/y"}, "unixgram:///run/y"},
		{{.url = "unixstream:///run/y"}, "unixstream:///run/y"},
		{{.host = "192.0.2.3"}, "192.0.2.3:8125"},
		{{.host = "2001:db8::3"}, "[2001:db8::3]:8125"},
		{{.host = "fd00:10::1:5"}, "[fd00:10::1:5]:8125"}, /* as Kubernetes knows it */
		{{.host = "[::1:8125]"}, "[::0.1.129.37]:8125"},
		{{.url = "udp://[fd00::1:8125]"}, "[fd00::1:8125]:8125"},
		{{.ip = "fd00::1:5"}, "[fd00::1:5]:8125"},
		{{.ip = "fd00:0:0:0:0:0:1:8125"}, "[fd00::1:8125]:8125"},
		{{.host = "agent.svc"}, "agent.svc:8125"},
		{{.host = "agent.svc:5"}, "agent.svc:5"},
		{{.host = "unix:///run/z"}, "unix:///run/z"},
		{{.host = "192.0.2.3", .env_port = "5"}, "192.0.2.3:5"},
		{{.host = "agent:6", .env_port = "5"}, "agent:6"},
		{{.env_port = "5"}, "127.0.0.1:5"},
		{{.url = "", .host = "", .env_port = ""}, "127.0.0.1:8125"},
		/* which of them */
		{{.url = "udp://a", .host = "b", .env_port = "5"}, "a:8125"},
		{{.url = "", .host = "b", .env_port = "5"}, "b:5"},
		{{.ip = "c", .url = "udp://a", .host = "b", .env_port = "5"}, "c:8125"},
		{{.port = 9, .url = "udp://a:1", .host = "b", .env_port = "5"}, "b:9"},
		{{.ip = "c", .port = 9, .url = "unix:///run/y"}, "c:9"},
		{{.socket = "unix:///run/x", .url = "udp://a", .host = "b"}, "unix:///run/x"},
		/* wrong, but not used */
		{{.ip = "c", .url = "nonsense", .host = "?", .env_port = "?"}, "c:8125"},
		{{.url = "udp://a", .host = "?", .env_port = "?"}, "a:8125"},
		{{.port = 9, .env_port = "?"}, "127.0.0.1:9"},
	};
	struct statsd_server server;
	char text[STATSD_SERVER_TEXT];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(choose(&server, &cases[i].given), 0);
		assert_string_equal(statsd_server_text(&server, text), cases[i].server);
	}
	assert_string_equal(capture_read(&log_file), "");
}

#define SEVENTY "0123456789012345678901234567890123456789012345678901234567890123456789"

static void test_mistakes(void **state)
{
	static const struct {
		struct given given;
		const char *message;
	} cases[] = {
		{{.ip = ""},
		 "statsd_ip: \"\" is not valid; accepted: an IPv4 or IPv6 address, "
		 "localhost, or a host name"},
		{{.ip = "192.0.2"}, "statsd_ip: \"192.0.2\" is not valid"},
		{{.ip = "192.0.2.256"}, "\"192.0.2.256\" is not valid"},
		{{.ip = "two words"}, "\"two words\" is not valid"},
		{{.ip = "a..b"}, "\"a..b\" is not valid"},
		{{.ip = "-a"}, "\"-a\" is not valid"},
		{{.ip = "x-.y"}, "\"x-.y\" is not valid"},
		{{.ip = "fe80::1%lo"}, "\"fe80::1%lo\" is not valid"},
		{{.ip = SEVENTY SEVENTY SEVENTY SEVENTY ".a"}, "is not valid"},
		{{.ip = "::1:8125"},
		 "statsd_ip: \"::1:8125\" has a port after the address; accepted: ::1, with "
		 "statsd_port: 8125, or"},
		{{.ip = "::1:18125"}, "accepted: ::1, with statsd_port: 18125, or"},
		{{.ip = "192.0.2.1:8126"},
		 "statsd_ip: \"192.0.2.1:8126\" has a port after the host; accepted: 192.0.2.1, "
		 "with statsd_port: 8126"},
		{{.ip = "h:8125"}, "accepted: h, with statsd_port: 8125"},
		{{.ip = "localhost:1"}, "accepted: localhost, with statsd_port: 1"},
		{{.ip = "[::1]:8125"}, "after the host; accepted: ::1, with statsd_port: 8125"},
		{{.ip = "[]:8125"}, "\"[]:8125\" is not valid"},
		{{.ip = "[:8125"}, "\"[:8125\" is not valid"},
		{{.ip = "]:8125"}, "\"]:8125\" is not valid"},
		{{.ip = ":8125"}, "\":8125\" is not valid"},
		{{.ip = "h:0"}, "\"h:0\" is not valid"},
		{{.ip = "m\xc3\xbcnchen.example"},
		 "\"m\xc3\xbcnchen.example\" is not valid; accepted: an IPv4 or IPv6 address, "
		 "localhost, or a host name; write the name in ASCII, xn--..., as `idn2 NAME` "
		 "prints it"},
		{{.ip = "\xc2\x9b"}, "localhost, or a host name\n"},
		{{.ip = "\x80\xff"}, "localhost, or a host name\n"},
		{{.socket = "/run/x"}, "statsd_socket: \"/run/x\" is not valid; accepted: unix://"},
		{{.socket = "udp://a"}, "statsd_socket: \"udp://a\" is not valid"},
		{{.socket = "unix://run/x"}, "statsd_socket: \"unix://run/x\" is not valid"},
		{{.socket = "unix://"}, "statsd_socket: \"unix://\" is not valid"},
		{{.socket = "unix://@"}, "statsd_socket: \"unix://@\" is not valid"},
		{{.socket = "unix:///" SEVENTY SEVENTY},
		 "has a path of 141 bytes, too long for a socket; accepted: up to 107"},
		{{.url = "agent:8125"},
		 "environment variable DD_DOGSTATSD_URL: \"agent:8125\" is not the URL of a StatsD "
		 "server on "
		 "Linux"},
		{{.url = "http://agent:8125"},
		 "\"http://agent:8125\" is not the URL of a StatsD server"},
		{{.url = "\\\\.\\pipe\\dsd"},
		 "DD_DOGSTATSD_URL: \"\\\\.\\pipe\\dsd\" is not the URL of a StatsD server"},
		{{.url = "udp://"}, "DD_DOGSTATSD_URL: \"\" is not a server"},
		{{.url = "udp://:8125"}, "DD_DOGSTATSD_URL: \":8125\" is not a server"},
		{{.url = "udp://[::1"}, "\"[::1\" is not a server"},
		{{.url = "udp://[::1]8125"}, "\"[::1]8125\" is not a server"},
		{{.url = "udp://a:"}, "DD_DOGSTATSD_URL: \"\" is not a port"},
		{{.url = "udp://a:0"}, "DD_DOGSTATSD_URL: \"0\" is not a port"},
		{{.url = "udp://a:65536"}, "\"65536\" is not a port; accepted: 1 to 65535"},
		{{.url = "udp://a/b"}, "\"a/b\" is not valid; accepted: an IPv4"},
		{{.url = "udp://x-.y"}, "\"x-.y\" is not valid"},
		{{.url = "unix://" SEVENTY}, "DD_DOGSTATSD_URL: \"unix://0123"},
		{{.host = "a b"}, "environment variable DD_AGENT_HOST: \"a b\" is not valid"},
		{{.host = "x-.y"}, "DD_AGENT_HOST: \"x-.y\" is not valid"},
		{{.host = "\xc2\x9b"
			  "31m"},
		 "DD_AGENT_HOST: \"?31m\" is not valid"},
		{{.host = "pipe://x"},
		 "DD_AGENT_HOST: \"pipe://x\" is not the URL of a StatsD server"},
		{{.host = "a", .env_port = "x"},
		 "environment variable DD_DOGSTATSD_PORT: \"x\" is not a port"},
		{{.env_port = "-1"},
		 "environment variable DD_DOGSTATSD_PORT: \"-1\" is not a port"},
		/* an IPv6 address and a port without brackets between */
		{{.url = "udp://::1:8125"},
		 "DD_DOGSTATSD_URL: \"::1:8125\" does not show where the address ends; accepted: "
		 "[::1]:8125, or, if 8125 belongs to the address, [::1:8125]"},
		{{.url = "udp://fd00::1:5/"}, "accepted: [fd00::1]:5, or"},
		{{.url = "udp://::1:18125"},
		 "DD_DOGSTATSD_URL: \"::1:18125\" lacks brackets; accepted: [::1]:18125\n"},
		{{.host = "::1:8125"}, "DD_AGENT_HOST: \"::1:8125\" does not show"},
		{{.host = "fd00::1:18125"}, "lacks brackets; accepted: [fd00::1]:18125\n"},
	};
	struct statsd_server server = {.port = 1};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *log;

		assert_int_equal(truncate(log_file.path, 0), 0);
		assert_int_equal(choose(&server, &cases[i].given), -EINVAL);
		log = capture_read(&log_file);
		if (!strstr(log, cases[i].message) || count_of(log, "\n") != 1)
			fail_msg("case %zu: %s", i, log);
		assert_int_equal(server.port, 1);
	}
}

static void test_longest(void **state)
{
	struct statsd_server server;
	char text[STATSD_SERVER_TEXT], socket[200], ip[300];
	struct given given = {.socket = socket};

	(void)state;
	snprintf(socket, sizeof(socket), "unixstream:///%s%.36s", SEVENTY, SEVENTY);
	assert_int_equal(strlen(socket), strlen("unixstream://") + 107);
	assert_int_equal(choose(&server, &given), 0);
	assert_string_equal(statsd_server_text(&server, text), socket);

	given = (struct given){.ip = ip};
	snprintf(ip, sizeof(ip), "%.63s.%.62s.%.63s.%.58s.ab", SEVENTY, SEVENTY, SEVENTY, SEVENTY);
	assert_int_equal(strlen(ip), 252);
	strcat(ip, "c");
	assert_int_equal(choose(&server, &given), 0);
	assert_int_equal(address_parse("2001:db8:1111:2222:3333:4444:5555:6666", &server.addr), 0);
	server.known = true;
	statsd_server_text(&server, text);
	assert_non_null(strstr(text, ".abc:8125 (2001:db8:1111:2222:3333:4444:5555:6666)"));
	strcat(ip, "d");
	assert_int_equal(choose(&server, &given), -EINVAL);
}

static void test_same(void **state)
{
	static const struct {
		struct given a, b;
		bool same;
	} cases[] = {
		{{0}, {.ip = "localhost"}, true},
		{{.ip = "192.0.2.1"}, {.ip = "192.0.2.2"}, false},
		{{.ip = "192.0.2.1"}, {.ip = "192.0.2.1", .port = 1}, false},
		{{.ip = "a"}, {.ip = "A"}, true},
		{{.ip = "a"}, {.ip = "b"}, false},
		{{.socket = "unix:///a"}, {.socket = "unix:///a"}, true},
		{{.socket = "unix:///a"}, {.socket = "unix:///b"}, false},
		{{.socket = "unix:///a"}, {.socket = "unixgram:///a"}, false},
		{{.socket = "unix:///a"}, {0}, false},
	};
	struct statsd_server a, b;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(choose(&a, &cases[i].a) || choose(&b, &cases[i].b), 0);
		assert_int_equal(statsd_server_same(&a, &b), cases[i].same);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_choice),
		TEST(test_mistakes),
		TEST(test_longest),
		TEST(test_same),
	};

	return cmocka_run_group_tests_name("statsd_server", tests, NULL, NULL);
}
