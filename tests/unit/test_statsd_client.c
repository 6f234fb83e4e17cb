/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Over UDP, against real sockets on loopback, where a closed port answers at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "clients.h"
#include "failing_send.h"

/* connect() of the C library, except that the next fail_connects calls fail. */
static int fail_connects;

int connect(int fd, const struct sockaddr *addr, socklen_t length)
{
	if (fail_connects) {
		fail_connects--;
		errno = ENETUNREACH;
		return -1;
	}
	return syscall(SYS_connect, fd, addr, length);
}

static void test_bytes(void **state)
{
	struct fixture *f = *state;

	statsd_client_begin(f->client);
	add_line(f->client, "a.b:20.402799|g|#src:10.98.0.1,iface:eth0");
	statsd_client_line(f->client, "c:0|c and more", 5);
	add_line(f->client, "d:1:2:3|d|#u:v|c:in-7");
	statsd_client_end(f->client);
	server_receive(f->server, f->text, sizeof(f->text));
	assert_string_equal(f->text, "a.b:20.402799|g|#src:10.98.0.1,iface:eth0\n"
				     "c:0|c\n"
				     "d:1:2:3|d|#u:v|c:in-7");
	assert_int_equal(server_receive_all(f->server, f->text, sizeof(f->text)), 0);
	assert_int_equal(statsd_client_counters(f->client)->lines, 3);
}

static void test_empty_report_sends_nothing(void **state)
{
	struct fixture *f = *state;

	report(f, 0);
	assert_int_equal(server_receive_all(f->server, f->text, sizeof(f->text)), 0);
	report(f, 0);
	assert_counted(f, 0, 0);
}

static void one_line_to(const char *bind_to, char *host)
{
	struct config config = {.statsd_ip = host};
	int server = server_open(bind_to, 0);
	struct statsd_client *client;
	char text[100];

	if (server < 0)
		skip();
	config.statsd_port = server_port(server);
	assert_int_equal(statsd_client_open(&client, &config), 0);
	statsd_client_begin(client);
	add_line(client, "a:1|g|#t");
	statsd_client_end(client);
	server_receive(server, text, sizeof(text));
	assert_string_equal(text, "a:1|g|#t");
	statsd_client_close(client);
	close(server);
}

static void test_localhost(void **state)
{
	(void)state;
	one_line_to("127.0.0.1", "localhost");
}

static void test_ipv6(void **state)
{
	(void)state;
	one_line_to("::1", "::1");
}

static void test_wrong_hosts_are_refused(void **state)
{
	struct fixture *f = *state;
	struct statsd_client *client = NULL;

	f->config.statsd_ip = "192.0.2.1.5";
	assert_int_equal(statsd_client_open(&client, &f->config), -EINVAL);
	assert_null(client);
	assert_non_null(strstr(log_text(f), "statsd_ip: \"192.0.2.1.5\" is not valid"));
}

/* Line i, of a length all its own. */
static void make_line(char line[600], int i)
{
	int length = snprintf(line, 600, "metric.name:%d|g|#", i);

	memset(line + length, 'a' + i % 26, i * 37 % 450);
	line[length + i * 37 % 450] = '\0';
}

static void test_packing(void **state)
{
	const int lines = 200;
	struct fixture *f = *state;
	char line[600], *next, *rest;
	int i = 0, datagrams = 0, length, before = STATSD_DATAGRAM_MAX;

	statsd_client_begin(f->client);
	for (int n = 0; n < lines; n++) {
		make_line(line, n);
		add_line(f->client, line);
	}
	statsd_client_end(f->client);
	pump(f, 1000);
	while (i < lines) {
		length = server_receive(f->server, f->text, sizeof(f->text));
		assert_in_range(length, 1, STATSD_DATAGRAM_MAX);
		assert_int_not_equal(f->text[length - 1], '\n');
		datagrams++;
		rest = f->text;
		for (int first = 1; (next = strsep(&rest, "\n")); first = 0, i++) {
			make_line(line, i);
			assert_string_equal(next, line);
			if (first) /* it had no room in the one before */
				assert_true(before + 1 + strlen(line) > STATSD_DATAGRAM_MAX);
		}
		before = length;
	}
	assert_int_equal(server_receive_all(f->server, f->text, sizeof(f->text)), 0);
	statsd_client_begin(f->client);
	assert_counted(f, datagrams, 0);
	assert_int_equal(statsd_client_counters(f->client)->lines, lines);
}

static void test_longest_line(void **state)
{
	struct fixture *f = *state;

	statsd_client_begin(f->client);
	line_of_length(f, "", STATSD_DATAGRAM_MAX);
	statsd_client_end(f->client);
	assert_int_equal(server_receive(f->server, f->text, sizeof(f->text)), STATSD_DATAGRAM_MAX);
	assert_int_equal(statsd_client_counters(f->client)->overlong, 0);
}

static void test_overlong_lines_are_left_out(void **state)
{
	struct fixture *f = *state;

	statsd_client_begin(f->client);
	add_line(f->client, "before");
	line_of_length(f, "", STATSD_DATAGRAM_MAX + 1);
	line_of_length(f, "", STATSD_DATAGRAM_MAX + 50);
	add_line(f->client, "after");
	statsd_client_end(f->client);
	assert_int_equal(server_receive_all(f->server, f->text, sizeof(f->text)), 1);
	assert_string_equal(f->text, "before\nafter");
	assert_int_equal(statsd_client_counters(f->client)->overlong, 2);
	assert_int_equal(statsd_client_counters(f->client)->lines, 2);
	assert_int_equal(count_of(log_text(f), "longer than 1432 bytes"), 1);
}

static void test_lines_of_half_a_datagram(void **state)
{
	struct fixture *f = *state;

	statsd_client_begin(f->client);
	line_of_length(f, "", 715);
	line_of_length(f, "", 716); /* 715 + newline + 716 */
	line_of_length(f, "", 716);
	line_of_length(f, "", 716);
	statsd_client_end(f->client);
	assert_int_equal(server_receive(f->server, f->text, sizeof(f->text)), 1432);
	assert_int_equal(server_receive(f->server, f->text, sizeof(f->text)), 716);
	assert_int_equal(server_receive(f->server, f->text, sizeof(f->text)), 716);
}

/* An outage from beginning to end: what is counted, and what is logged when. */
static void test_server_stops_and_starts_again(void **state)
{
	struct fixture *f = *state;

	report(f, 2);
	assert_int_equal(server_receive_all(f->server, f->text, sizeof(f->text)), 2);
	assert_counted(f, 0, 0); /* no verdict yet */

	stop_server(f);
	report(f, 3);
	assert_counted(f, 2, 3);
	assert_int_equal(count_of(log_text(f), LOST), 1);
	assert_non_null(strstr(log_text(f), "Connection refused"));
	assert_non_null(strstr(log_text(f), "127.0.0.1"));
	report(f, 1);
	report(f, 0);
	assert_counted(f, 2, 4);
	assert_int_equal(count_of(log_text(f), LOST), 1);

	start_server(f);
	report(f, 4);
	assert_int_equal(server_receive_all(f->server, f->text, sizeof(f->text)), 4);
	assert_int_equal(count_of(log_text(f), AGAIN), 0);
	report(f, 1);
	assert_int_equal(server_receive_all(f->server, f->text, sizeof(f->text)), 1);
	assert_int_equal(count_of(log_text(f), AGAIN), 1);
	assert_non_null(strstr(log_text(f), "4 datagrams were lost"));
	assert_counted(f, 6, 4);

	/* The second outage is counted from nothing. */
	stop_server(f);
	report(f, 2);
	start_server(f);
	report(f, 1);
	report(f, 0);
	assert_int_equal(count_of(log_text(f), LOST), 2);
	assert_int_equal(count_of(log_text(f), AGAIN), 2);
	assert_non_null(strstr(log_text(f), "; 2 datagrams were lost"));
	assert_counted(f, 8, 6);
}

/* Where an error takes longer than an interval, one report without does not end the outage. */
static void test_short_intervals(void **state)
{
	struct fixture *f = *state;

	interval_s = 1;
	stop_server(f);
	report(f, 1);
	start_server(f);
	for (int i = 0; i < QUIET_S - 2; i++)
		report(f, 1);
	stop_server(f);
	report(f, 1);
	start_server(f);
	assert_int_equal(count_of(log_text(f), AGAIN), 0);
	for (int i = 0; i < QUIET_S + 1; i++)
		report(f, 1);
	assert_int_equal(count_of(log_text(f), LOST), 1);
	assert_int_equal(count_of(log_text(f), AGAIN), 1);
	assert_non_null(strstr(log_text(f), "2 datagrams were lost"));
}

static void test_missing_server_is_told_once(void **state)
{
	struct fixture *f = *state;
	int datagrams = 0;

	stop_server(f);
	for (int i = 0; i < 20; i++) {
		report(f, i % 4);
		datagrams += i % 4;
		assert_counted(f, 0, datagrams);
	}
	assert_int_equal(count_of(log_text(f), LOST), 1);
	assert_int_equal(count_of(log_text(f), AGAIN), 0);
}

/* The error that send() returns belongs to an earlier datagram: this one still goes out. */
static void test_error_of_an_earlier_datagram(void **state)
{
	struct fixture *f = *state;

	stop_server(f);
	report(f, FIRST + 1); /* the last one has to wait for the timer */
	assert_int_equal(count_of(log_text(f), LOST), 1);
	start_server(f);
	pump(f, 1000);
	assert_int_equal(server_receive_all(f->server, f->text, sizeof(f->text)), 1);
	assert_counted(f, 0, FIRST + 1); /* nobody says which of them was refused */
	report(f, 1);
	report(f, 0);
	assert_counted(f, 1, FIRST + 1);
	assert_int_equal(count_of(log_text(f), AGAIN), 1);
}

static void test_send_fails(void **state)
{
	struct fixture *f = *state;

	fail_errno = EPERM; /* as a firewall on this host has it */
	fail_sends = 2;
	report(f, 3);
	assert_int_equal(server_receive_all(f->server, f->text, sizeof(f->text)), 2);
	assert_int_equal(count_of(log_text(f), LOST), 1);
	assert_non_null(strstr(log_text(f), strerror(EPERM)));
	report(f, 1);
	assert_counted(f, 2, 1);
	assert_int_equal(count_of(log_text(f), AGAIN), 0);
	report(f, 0);
	assert_counted(f, 3, 1);
	assert_int_equal(count_of(log_text(f), AGAIN), 1);
}

/* connect() refuses a broadcast address, as it does any address without a route. */
static void test_unreachable_from_the_start(void **state)
{
	struct fixture *f = *state;
	struct config nowhere = {.statsd_ip = "255.255.255.255"};
	struct statsd_client *client;

	assert_int_equal(statsd_client_open(&client, &nowhere), 0);
	assert_int_equal(count_of(log_text(f), LOST), 1);
	for (int i = 0; i < 3; i++) {
		statsd_client_begin(client);
		add_line(client, "a:1|g|#t");
		statsd_client_end(client);
	}
	assert_int_equal(statsd_client_counters(client)->refused, 3);
	assert_int_equal(count_of(log_text(f), LOST), 1);

	assert_int_equal(statsd_client_redirect(client, &f->config), 0);
	statsd_client_begin(client);
	add_line(client, "a:1|g|#t");
	statsd_client_end(client);
	server_receive(f->server, f->text, sizeof(f->text));
	assert_string_equal(f->text, "a:1|g|#t");
	statsd_client_close(client);
	assert_non_null(strstr(log_text(f), "1 datagrams sent, 3 refused; 0 lines were too long"));
}

/* No network yet when we start; it comes up later. */
static void test_network_comes_up(void **state)
{
	struct fixture *f = *state;

	statsd_client_close(f->client);
	fail_connects = 3;
	assert_int_equal(statsd_client_open(&f->client, &f->config), 0);
	assert_non_null(strstr(log_text(f), strerror(ENETUNREACH)));
	report(f, 1);
	report(f, 2);
	assert_counted(f, 0, 3);
	report(f, 1);
	assert_int_equal(server_receive_all(f->server, f->text, sizeof(f->text)), 1);
	report(f, 0);
	assert_counted(f, 1, 3);
	assert_int_equal(count_of(log_text(f), LOST), 1);
	assert_int_equal(count_of(log_text(f), AGAIN), 1);
}

static void test_redirect(void **state)
{
	struct fixture *f = *state;
	int other = server_open("127.0.0.1", 0);

	report(f, 1);
	assert_int_equal(statsd_client_redirect(f->client, &f->config), 0);
	assert_int_equal(count_of(log_text(f), "is now"), 0);
	f->config.statsd_ip = "no address";
	assert_int_equal(statsd_client_redirect(f->client, &f->config), -EINVAL);
	report(f, 1);
	assert_int_equal(server_receive_all(f->server, f->text, sizeof(f->text)), 2);

	f->config.statsd_ip = "127.0.0.1";
	f->config.statsd_port = server_port(other);
	assert_int_equal(statsd_client_redirect(f->client, &f->config), 0);
	assert_int_equal(count_of(log_text(f), "is now"), 1);
	report(f, 1);
	assert_int_equal(server_receive_all(other, f->text, sizeof(f->text)), 1);
	assert_int_equal(server_receive_all(f->server, f->text, sizeof(f->text)), 0);
	report(f, 0);
	assert_counted(f, 3, 0);
	close(other);
}

static void test_close_tells_the_counters(void **state)
{
	struct fixture *f = *state;

	report(f, 5);
	stop_server(f);
	report(f, 2);
	statsd_client_close(f->client);
	f->client = NULL;
	assert_non_null(strstr(log_text(f), "5 datagrams sent, 2 refused"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_bytes),
		TEST(test_empty_report_sends_nothing),
		TEST(test_localhost),
		TEST(test_ipv6),
		TEST(test_wrong_hosts_are_refused),
		TEST(test_packing),
		TEST(test_longest_line),
		TEST(test_overlong_lines_are_left_out),
		TEST(test_lines_of_half_a_datagram),
		TEST(test_server_stops_and_starts_again),
		TEST(test_short_intervals),
		TEST(test_missing_server_is_told_once),
		TEST(test_error_of_an_earlier_datagram),
		TEST(test_send_fails),
		TEST(test_unreachable_from_the_start),
		TEST(test_network_comes_up),
		TEST(test_redirect),
		TEST(test_close_tells_the_counters),
	};

	return cmocka_run_group_tests_name("statsd_client", tests, NULL, NULL);
}
