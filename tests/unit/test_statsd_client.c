/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Against real sockets on loopback, where a closed port answers at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <sys/syscall.h>
#include <time.h>

#include <cmocka.h>

#include "capture.h"
#include "statsd_client.h"

#define AGAIN   "takes metrics again"
#define LOST    "metrics are lost"
#define QUIET_S 4 /* without an error before an outage is over */

/* send() of the C library, except that the next fail_sends calls fail. */
static int fail_sends;
static int fail_errno;

ssize_t send(int fd, const void *buffer, size_t length, int flags)
{
	if (fail_sends) {
		fail_sends--;
		errno = fail_errno;
		return -1;
	}
	return sendto(fd, buffer, length, flags, NULL, 0);
}

/* So for connect(). */
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

/* The clock, which a report moves on by an interval. */
static unsigned int interval_s;
static time_t clock_ahead_s;

int clock_gettime(clockid_t clock, struct timespec *now)
{
	if (syscall(SYS_clock_gettime, clock, now))
		return -1;
	if (clock == CLOCK_MONOTONIC)
		now->tv_sec += clock_ahead_s;
	return 0;
}

struct fixture {
	int server;
	unsigned int port;
	struct statsd_client *client;
	struct capture log;
	char text[65536];
};

static struct fixture fixture;

static int setup(void **state)
{
	struct fixture *f = &fixture;

	fail_sends = 0;
	fail_connects = 0;
	interval_s = 10;
	f->server = server_open("127.0.0.1", 0);
	if (f->server < 0)
		return -1;
	f->port = server_port(f->server);
	log_capture(&f->log);
	*state = f;
	return statsd_client_open(&f->client, "127.0.0.1", f->port);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	statsd_client_close(f->client);
	f->client = NULL;
	log_release(&f->log);
	if (f->server >= 0)
		close(f->server);
	return 0;
}

static const char *log_text(struct fixture *f)
{
	return capture_read(&f->log);
}

static void stop_server(struct fixture *f)
{
	close(f->server);
	f->server = -1;
}

static void start_server(struct fixture *f)
{
	f->server = server_open("127.0.0.1", f->port);
	assert_true(f->server >= 0);
}

/* A gauge of which only one fits into a datagram. */
static void big_gauge(struct fixture *f)
{
	char tags[1000];

	memset(tags, 'x', sizeof(tags) - 1);
	tags[sizeof(tags) - 1] = '\0';
	statsd_client_gauge(f->client, "big", 1, tags);
}

static void report(struct fixture *f, int datagrams)
{
	clock_ahead_s += interval_s;
	statsd_client_begin(f->client);
	while (datagrams--)
		big_gauge(f);
	statsd_client_end(f->client);
}

static void assert_counted(struct fixture *f, unsigned int sent, unsigned int refused)
{
	const struct statsd_counters *counters = statsd_client_counters(f->client);

	assert_int_equal(counters->sent, sent);
	assert_int_equal(counters->refused, refused);
}

static void test_bytes(void **state)
{
	struct fixture *f = *state;

	statsd_client_begin(f->client);
	statsd_client_gauge(f->client, "a.b", 20.402799, "src:10.98.0.1,iface:eth0");
	statsd_client_gauge(f->client, "c", 0, "t");
	statsd_client_gauge(f->client, "d", 60000.0000004, "u:v");
	statsd_client_end(f->client);
	server_receive(f->server, f->text, sizeof(f->text));
	assert_string_equal(f->text, "a.b:20.402799|g|#src:10.98.0.1,iface:eth0\n"
				     "c:0.000000|g|#t\n"
				     "d:60000.000000|g|#u:v");
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

static void one_gauge_to(const char *bind_to, const char *host)
{
	int server = server_open(bind_to, 0);
	struct statsd_client *client;
	char text[100];

	if (server < 0)
		skip();
	assert_int_equal(statsd_client_open(&client, host, server_port(server)), 0);
	statsd_client_begin(client);
	statsd_client_gauge(client, "a", 1, "t");
	statsd_client_end(client);
	server_receive(server, text, sizeof(text));
	assert_string_equal(text, "a:1.000000|g|#t");
	statsd_client_close(client);
	close(server);
}

static void test_localhost(void **state)
{
	(void)state;
	one_gauge_to("127.0.0.1", "localhost");
}

static void test_ipv6(void **state)
{
	(void)state;
	one_gauge_to("::1", "::1");
}

static void test_host_names_are_refused(void **state)
{
	struct fixture *f = *state;
	struct statsd_client *client = NULL;

	assert_int_equal(statsd_client_open(&client, "statsd.example.org", 8125), -EINVAL);
	assert_null(client);
	assert_non_null(strstr(log_text(f), "statsd.example.org is no address"));
	assert_int_equal(statsd_client_open(&client, "", 8125), -EINVAL);
}

/* Line i as it should arrive, with tags of very different lengths. */
static void make_line(char line[600], char tags[500], int i)
{
	int length = snprintf(tags, 500, "n:%d,", i);

	memset(tags + length, 'a' + i % 26, i * 37 % 450);
	tags[length + i * 37 % 450] = '\0';
	snprintf(line, 600, "metric.name:%f|g|#%s", i / 7.0, tags);
}

static void test_packing(void **state)
{
	const int lines = 200;
	struct fixture *f = *state;
	char line[600], tags[500], *next, *rest;
	int i = 0, datagrams = 0, length, before = STATSD_DATAGRAM_MAX;

	statsd_client_begin(f->client);
	for (int n = 0; n < lines; n++) {
		make_line(line, tags, n);
		statsd_client_gauge(f->client, "metric.name", n / 7.0, tags);
	}
	statsd_client_end(f->client);
	while (i < lines) {
		length = server_receive(f->server, f->text, sizeof(f->text));
		assert_in_range(length, 1, STATSD_DATAGRAM_MAX);
		assert_int_not_equal(f->text[length - 1], '\n');
		datagrams++;
		rest = f->text;
		for (int first = 1; (next = strsep(&rest, "\n")); first = 0, i++) {
			make_line(line, tags, i);
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

static void gauge_of_length(struct fixture *f, unsigned int length)
{
	char tags[STATSD_DATAGRAM_MAX + 100];
	unsigned int tags_length = length - strlen("n:1.000000|g|#");

	memset(tags, 'x', tags_length);
	tags[tags_length] = '\0';
	statsd_client_gauge(f->client, "n", 1, tags);
}

static void test_longest_line(void **state)
{
	struct fixture *f = *state;

	statsd_client_begin(f->client);
	gauge_of_length(f, STATSD_DATAGRAM_MAX);
	statsd_client_end(f->client);
	assert_int_equal(server_receive(f->server, f->text, sizeof(f->text)), STATSD_DATAGRAM_MAX);
	assert_int_equal(statsd_client_counters(f->client)->overlong, 0);
}

static void test_overlong_lines_are_left_out(void **state)
{
	struct fixture *f = *state;

	statsd_client_begin(f->client);
	statsd_client_gauge(f->client, "before", 1, "t");
	gauge_of_length(f, STATSD_DATAGRAM_MAX + 1);
	gauge_of_length(f, STATSD_DATAGRAM_MAX + 50);
	statsd_client_gauge(f->client, "after", 1, "t");
	statsd_client_end(f->client);
	assert_int_equal(server_receive_all(f->server, f->text, sizeof(f->text)), 2);
	assert_string_equal(f->text, "before:1.000000|g|#t\n--\nafter:1.000000|g|#t");
	assert_int_equal(statsd_client_counters(f->client)->overlong, 2);
	assert_int_equal(statsd_client_counters(f->client)->lines, 2);
	assert_int_equal(count_of(log_text(f), "longer than 1432 bytes"), 1);
}

static void test_lines_of_half_a_datagram(void **state)
{
	struct fixture *f = *state;

	statsd_client_begin(f->client);
	gauge_of_length(f, 715);
	gauge_of_length(f, 716); /* 715 + newline + 716 */
	gauge_of_length(f, 716);
	gauge_of_length(f, 716);
	statsd_client_end(f->client);
	assert_int_equal(server_receive(f->server, f->text, sizeof(f->text)), 1432);
	assert_int_equal(server_receive(f->server, f->text, sizeof(f->text)), 716);
	assert_int_equal(server_receive(f->server, f->text, sizeof(f->text)), 716);
}

/* The whole story of an outage: what is counted, and what is said when. */
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

/* The error that send() returns belongs to the datagram before: this one still goes out. */
static void test_error_of_an_earlier_datagram(void **state)
{
	struct fixture *f = *state;

	stop_server(f);
	statsd_client_begin(f->client);
	big_gauge(f);
	big_gauge(f); /* pushes the first one out */
	start_server(f);
	statsd_client_end(f->client);
	assert_int_equal(server_receive_all(f->server, f->text, sizeof(f->text)), 1);
	assert_counted(f, 0, 2); /* nobody says which of them was refused */
	report(f, 1);
	report(f, 0);
	assert_counted(f, 1, 2);
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

static void test_full_socket_is_not_tried_twice(void **state)
{
	struct fixture *f = *state;

	fail_errno = EAGAIN;
	fail_sends = 2;
	report(f, 3);
	assert_int_equal(fail_sends, 0);
	assert_int_equal(server_receive_all(f->server, f->text, sizeof(f->text)), 1);
	report(f, 0);
	assert_counted(f, 1, 2);
	assert_int_equal(count_of(log_text(f), LOST), 1);
}

/* connect() refuses a broadcast address, as it does any address without a route. */
static void test_unreachable_from_the_start(void **state)
{
	struct fixture *f = *state;
	struct statsd_client *client;

	assert_int_equal(statsd_client_open(&client, "255.255.255.255", 8125), 0);
	assert_int_equal(count_of(log_text(f), LOST), 1);
	for (int i = 0; i < 3; i++) {
		statsd_client_begin(client);
		statsd_client_gauge(client, "a", 1, "t");
		statsd_client_end(client);
	}
	assert_int_equal(statsd_client_counters(client)->refused, 3);
	assert_int_equal(count_of(log_text(f), LOST), 1);

	assert_int_equal(statsd_client_redirect(client, "127.0.0.1", f->port), 0);
	statsd_client_begin(client);
	statsd_client_gauge(client, "a", 1, "t");
	statsd_client_end(client);
	server_receive(f->server, f->text, sizeof(f->text));
	assert_string_equal(f->text, "a:1.000000|g|#t");
	statsd_client_close(client);
	assert_non_null(strstr(log_text(f), "1 datagrams sent, 3 refused"));
}

/* No network yet when we start; it comes up later. */
static void test_network_comes_up(void **state)
{
	struct fixture *f = *state;

	statsd_client_close(f->client);
	fail_connects = 3;
	assert_int_equal(statsd_client_open(&f->client, "127.0.0.1", f->port), 0);
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
	assert_int_equal(statsd_client_redirect(f->client, "127.0.0.1", f->port), 0);
	assert_int_equal(count_of(log_text(f), "is now"), 0);
	assert_int_equal(statsd_client_redirect(f->client, "no.address", f->port), -EINVAL);
	report(f, 1);
	assert_int_equal(server_receive_all(f->server, f->text, sizeof(f->text)), 2);

	assert_int_equal(statsd_client_redirect(f->client, "127.0.0.1", server_port(other)), 0);
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
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_bytes),
		TEST(test_empty_report_sends_nothing),
		TEST(test_localhost),
		TEST(test_ipv6),
		TEST(test_host_names_are_refused),
		TEST(test_packing),
		TEST(test_longest_line),
		TEST(test_overlong_lines_are_left_out),
		TEST(test_lines_of_half_a_datagram),
		TEST(test_server_stops_and_starts_again),
		TEST(test_short_intervals),
		TEST(test_missing_server_is_told_once),
		TEST(test_error_of_an_earlier_datagram),
		TEST(test_send_fails),
		TEST(test_full_socket_is_not_tried_twice),
		TEST(test_unreachable_from_the_start),
		TEST(test_network_comes_up),
		TEST(test_redirect),
		TEST(test_close_tells_the_counters),
	};

	return cmocka_run_group_tests_name("statsd_client", tests, NULL, NULL);
}
