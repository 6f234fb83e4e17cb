/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Over Unix sockets for datagrams, against real ones: bytes, full sockets, servers that go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unique.h"
#include "unix_servers.h"

static void test_datagram_bytes(void **state)
{
	struct fixture *f = *state;
	int server = listen_as(SOCK_DGRAM);

	open_client(f, "unixgram");
	assert_int_equal(statsd_client_line_max(f->client), 8192);
	statsd_client_begin(f->client);
	line_of_length(f, "a:1|g", 5);
	line_of_length(f, "b", 4000);
	line_of_length(f, "c", 4185); /* 5 + 1 + 4000 + 1 + 4185 = 8192 */
	line_of_length(f, "d:2|g", 5);
	line_of_length(f, "too long", 8193);
	line_of_length(f, "whole", 8192);
	statsd_client_end(f->client);
	assert_int_equal(server_receive(server, f->text, sizeof(f->text)), 8192);
	assert_memory_equal(f->text, "a:1|g\nbxxx", 10);
	assert_int_equal(server_receive(server, f->text, sizeof(f->text)), 5);
	assert_string_equal(f->text, "d:2|g");
	assert_int_equal(server_receive(server, f->text, sizeof(f->text)), 8192);
	assert_memory_equal(f->text, "wholexxx", 8);
	assert_int_equal(statsd_client_counters(f->client)->overlong, 1);
	assert_non_null(strstr(log_text(f), "longer than 8192 bytes"));
	report(f, 0);
	assert_counted(f, 3, 0);
	close(server);
}

static void test_abstract_socket(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int server = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int length = snprintf(address.sun_path + 1, 100, "metro-test-%llx", unique_number());

	assert_int_equal(bind(server, (struct sockaddr *)&address,
			      offsetof(struct sockaddr_un, sun_path) + 1 + length),
			 0);
	snprintf(url, sizeof(url), "unix://@%s", address.sun_path + 1);
	f->config.statsd_socket = url;
	assert_int_equal(statsd_client_open(&f->client, &f->config), 0);
	report(f, 1);
	assert_true(server_receive(server, f->text, sizeof(f->text)) > 0);
	close(server);
}

/* The server ends, with or without leaving its socket behind, and another one comes: only what was
 * reported in between is lost. */
static void server_restarts(struct fixture *f, bool file_stays)
{
	int server = listen_as(SOCK_DGRAM);

	open_client(f, "unix");
	report(f, 1);
	close(server);
	if (!file_stays)
		unlink(path);
	report(f, 3);
	assert_counted(f, 1, 3);
	assert_int_equal(count_of(log_text(f), LOST), 1);
	assert_non_null(strstr(log_text(f), file_stays ? "Connection refused" : "no such socket"));
	report(f, 1);
	assert_int_equal(count_of(log_text(f), LOST), 1);

	server = listen_as(SOCK_DGRAM);
	report(f, 2);
	assert_int_equal(server_receive_all(server, f->text, sizeof(f->text)), 2);
	report(f, 1);
	assert_counted(f, 3, 4);
	assert_int_equal(count_of(log_text(f), AGAIN), 1);
	assert_non_null(strstr(log_text(f), "4 datagrams were lost"));

	/* Between two reports nobody notices. */
	close(server);
	server = listen_as(SOCK_DGRAM);
	report(f, 2);
	assert_int_equal(server_receive_all(server, f->text, sizeof(f->text)), 2);
	report(f, 0);
	assert_counted(f, 6, 4);
	assert_int_equal(count_of(log_text(f), LOST), 1);
	close(server);
}

static void test_server_removes_its_socket(void **state)
{
	server_restarts(*state, false);
}

static void test_server_leaves_its_socket(void **state)
{
	server_restarts(*state, true);
}

/* 1, 2, 4 .. 30 s apart, however often there is a report. */
static void test_backoff(void **state)
{
	struct fixture *f = *state;
	int server;

	interval_s = 1;
	open_client(f, "unixgram");
	assert_non_null(strstr(log_text(f), "no such socket"));
	for (int i = 0; i < 20; i++) /* tried after 1, 3, 7 and 15 s; the next time is after 31 s */
		report(f, 1);
	server = listen_as(SOCK_DGRAM);
	for (int i = 0; i < 8; i++)
		report(f, 1);
	assert_int_equal(server_receive_all(server, f->text, sizeof(f->text)), 0);
	for (int i = 0; i < 6; i++)
		report(f, 1);
	assert_int_not_equal(server_receive_all(server, f->text, sizeof(f->text)), 0);

	/* Which resets it. */
	close(server);
	unlink(path);
	report(f, 1); /* finds it gone, and tries at once */
	server = listen_as(SOCK_DGRAM);
	report(f, 1);
	report(f, 1);
	assert_in_range(server_receive_all(server, f->text, sizeof(f->text)), 1, 2);
	close(server);
}

static int read_all(struct fixture *f, int server, int *next)
{
	int got = 0;

	while (recv(server, f->text, sizeof(f->text), MSG_DONTWAIT) > 0) {
		assert_int_equal(atoi(f->text), (*next)++);
		got++;
	}
	return got;
}

/* A server that does not read for a while gets all of it later, in order. */
static void test_full_socket_and_recovery(void **state)
{
	struct fixture *f = *state;
	int server = listen_as(SOCK_DGRAM), next = 1;

	open_client(f, "unixgram");
	report(f, 500);
	assert_true(pump(f, 100) > 0);
	assert_string_equal(log_text(f), "");
	while (read_all(f, server, &next))
		pump(f, 20);
	assert_int_equal(next, 501);
	report(f, 0);
	assert_counted(f, 500, 0);
	assert_string_equal(log_text(f), "");
	close(server);
}

static void test_full_socket_is_given_up(void **state)
{
	struct fixture *f = *state;
	int server = listen_as(SOCK_DGRAM), next = 1, taken;

	open_client(f, "unixgram");
	report(f, 500);
	pump(f, 50);
	clock_ahead_s += PATIENCE;
	pump(f, 1000);
	taken = 500 - (int)statsd_client_counters(f->client)->refused;
	assert_in_range(taken, 1, 499);
	assert_int_equal(count_of(log_text(f), LOST), 1);
	assert_non_null(strstr(log_text(f), "the socket to it is full"));
	assert_int_equal(read_all(f, server, &next), taken);

	numbered_report(f, next, 3);
	assert_int_equal(read_all(f, server, &next), 3);
	report(f, 0);
	assert_counted(f, taken + 3, 500 - taken);
	assert_int_equal(count_of(log_text(f), AGAIN), 1);
	close(server);
}

/* ---- changing the server ---- */

static void test_redirect_between_udp_and_unix(void **state)
{
	struct fixture *f = *state;
	int server = listen_as(SOCK_DGRAM);

	assert_int_equal(statsd_client_open(&f->client, &f->config), 0);
	assert_int_equal(statsd_client_line_max(f->client), 1432);
	snprintf(url, sizeof(url), "unix://%s", path);
	f->config.statsd_socket = url;
	assert_int_equal(statsd_client_redirect(f->client, &f->config), 0);
	assert_int_equal(statsd_client_line_max(f->client), 8192);
	assert_non_null(strstr(log_text(f), "StatsD server is now unix:///tmp/metro-statsd-"));
	report(f, 500); /* which does not fit */
	f->config.statsd_socket = NULL;
	assert_int_equal(statsd_client_redirect(f->client, &f->config), 0);
	pump(f, 1000);
	assert_int_equal(server_receive_all(f->server, f->text, sizeof(f->text)), 0);
	report(f, 1);
	assert_int_equal(server_receive(f->server, f->text, sizeof(f->text)), 1032);
	report(f, 0);
	assert_int_equal(statsd_client_counters(f->client)->sent +
				 statsd_client_counters(f->client)->refused,
			 501);
	close(server);
}

int main(void)
{
#define UNIX(name) cmocka_unit_test_setup_teardown(name, setup_path, teardown_path)
	const struct CMUnitTest tests[] = {
		UNIX(test_datagram_bytes),
		UNIX(test_abstract_socket),
		UNIX(test_server_removes_its_socket),
		UNIX(test_server_leaves_its_socket),
		UNIX(test_backoff),
		UNIX(test_full_socket_and_recovery),
		UNIX(test_full_socket_is_given_up),
		UNIX(test_redirect_between_udp_and_unix),
	};

	return cmocka_run_group_tests_name("statsd_unix", tests, NULL, NULL);
}
