/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Over Unix sockets of both types, against real ones: bytes, full sockets, servers that go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <endian.h>

#include "clients.h"
#include "unique.h"

/* sendmsg() of the C library, except that it takes this many bytes at most; 0: any number. Linux
 * cuts a write only where the socket's buffer is smaller than two packets. */
static size_t at_once;

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	struct msghdr part = *message;
	struct iovec parts[2] = {message->msg_iov[0], message->msg_iov[1]};

	assert_int_equal(message->msg_iovlen, 2);
	part.msg_iov = parts;
	if (at_once && parts[0].iov_len > at_once)
		parts[0].iov_len = at_once;
	if (at_once && parts[0].iov_len + parts[1].iov_len > at_once)
		parts[1].iov_len = at_once - parts[0].iov_len;
	return syscall(SYS_sendmsg, fd, &part, flags);
}

static char path[] = "/tmp/metro-statsd-XXXXXX/dsd.socket";
static char url[150];

static void *directory_end(void)
{
	return strrchr(path, '/');
}

static int setup_path(void **state)
{
	at_once = 0;
	*(char *)directory_end() = '\0';
	strcpy(strrchr(path, '-') + 1, "XXXXXX");
	if (!mkdtemp(path))
		return -1;
	path[strlen(path)] = '/';
	return setup_server(state);
}

static int teardown_path(void **state)
{
	teardown(state);
	unlink(path);
	*(char *)directory_end() = '\0';
	rmdir(path);
	path[strlen(path)] = '/';
	return 0;
}

/* A server at the path, in place of what is there. It does not get more than a few datagrams at a
 * time: net.unix.max_dgram_qlen, or what its buffer and the sender's hold. */
static int listen_as(int type)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	unlink(path);
	strcpy(address.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static int accept_one(int listening)
{
	struct pollfd waiting = {.fd = listening, .events = POLLIN};
	struct timeval patience = {.tv_sec = 2};
	int fd;

	assert_int_equal(poll(&waiting, 1, 2000), 1);
	fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

static void open_client(struct fixture *f, const char *scheme)
{
	snprintf(url, sizeof(url), "%s://%s", scheme, path);
	f->config.statsd_socket = url;
	assert_int_equal(statsd_client_open(&f->client, &f->config), 0);
}

/* One packet of a stream as a string: its length, or -1 if none came, or a part. */
static int receive_packet(int fd, char *text, size_t size)
{
	__u32 length;

	if (recv(fd, &length, sizeof(length), MSG_WAITALL) != sizeof(length))
		return -1;
	length = le32toh(length);
	assert_true(length < size);
	if (recv(fd, text, length, MSG_WAITALL) != (ssize_t)length)
		return -1;
	text[length] = '\0';
	return (int)length;
}

/* ---- datagrams ---- */

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

/* ---- streams ---- */

static void test_stream_bytes(void **state)
{
	struct fixture *f = *state;
	int listening = listen_as(SOCK_STREAM), server, length;
	/* 5 + 1 + 5, then 8192 = 0x2000 */
	static const char expected[] = "\x0b\0\0\0a:1|g\nb:2|c\0\x20\0\0wholexx";

	open_client(f, "unixstream");
	assert_int_equal(statsd_client_line_max(f->client), 8192);
	statsd_client_begin(f->client);
	add_line(f->client, "a:1|g");
	add_line(f->client, "b:2|c");
	line_of_length(f, "whole", 8192);
	statsd_client_end(f->client);
	server = accept_one(listening);
	length = 4 + 11 + 4 + 8192;
	assert_int_equal(recv(server, f->text, length, MSG_WAITALL), length);
	assert_memory_equal(f->text, expected, sizeof(expected) - 1);
	assert_int_equal(recv(server, f->text, 1, MSG_DONTWAIT), -1);
	report(f, 0);
	assert_counted(f, 2, 0);
	close(server);
	close(listening);
}

/* unix:// takes what there is, also when that changes. */
static void test_type_is_found_out(void **state)
{
	struct fixture *f = *state;
	int listening = listen_as(SOCK_STREAM), server;

	open_client(f, "unix");
	report(f, 1);
	server = accept_one(listening);
	assert_true(receive_packet(server, f->text, sizeof(f->text)) > 0);
	close(server);
	close(listening);

	server = listen_as(SOCK_DGRAM);
	report(f, 1);
	assert_true(server_receive(server, f->text, sizeof(f->text)) > 0);
	report(f, 0);
	assert_counted(f, 2, 0);
	close(server);
}

/* unixstream:// and unixgram:// do not take the other one. */
static void test_wrong_type(void **state)
{
	struct fixture *f = *state;
	int server = listen_as(SOCK_DGRAM);

	open_client(f, "unixstream");
	report(f, 1);
	assert_counted(f, 0, 1);
	assert_non_null(strstr(log_text(f), strerror(EPROTOTYPE)));
	close(server);
}

static void test_full_stream_and_recovery(void **state)
{
	struct fixture *f = *state;
	int listening = listen_as(SOCK_STREAM), server;

	open_client(f, "unixstream");
	report(f, 300);
	server = accept_one(listening);
	pump(f, 50);
	assert_string_equal(log_text(f), "");
	for (int next = 1; next <= 300; next++) {
		assert_int_equal(receive_packet(server, f->text, sizeof(f->text)), 8192 - 400);
		assert_int_equal(atoi(f->text), next);
		if (next % 10 == 0)
			pump(f, 30);
	}
	report(f, 0);
	assert_counted(f, 300, 0);
	close(server);
	close(listening);
}

/* Wherever a packet is cut, within its length, too, the rest of it comes before anything else. */
static void test_short_writes(void **state)
{
	struct fixture *f = *state;
	int listening = listen_as(SOCK_STREAM), server, frames = 0;

	open_client(f, "unixstream");
	server = accept_one(listening);
	for (at_once = 1; at_once < 12; at_once++) {
		statsd_client_begin(f->client);
		add_line(f->client, "abcd:1|g");
		statsd_client_end(f->client);
		pump(f, 2000);
		assert_int_equal(receive_packet(server, f->text, sizeof(f->text)), 8);
		assert_string_equal(f->text, "abcd:1|g");
		frames++;
	}
	at_once = 5000;
	numbered_report(f, 1, 20);
	pump(f, 2000);
	for (int i = 1; i <= 20; i++) {
		assert_int_equal(receive_packet(server, f->text, sizeof(f->text)), 8192 - 400);
		assert_int_equal(atoi(f->text), i);
	}
	report(f, 0);
	assert_counted(f, frames + 20, 0);
	close(server);
	close(listening);
}

/* A packet that was partly sent cannot be taken back: only a new connection has no broken frame. */
static void test_cut_packet_is_given_up(void **state)
{
	struct fixture *f = *state;
	int listening = listen_as(SOCK_STREAM), server, taken = 0;

	open_client(f, "unixstream");
	server = accept_one(listening);
	at_once = 5000;
	report(f, 100);
	pump(f, 50);
	clock_ahead_s += PATIENCE;
	pump(f, 1000);
	at_once = 0;
	numbered_report(f, 1000, 2);

	while (receive_packet(server, f->text, 8192) > 0 && ++taken)
		assert_int_equal(atoi(f->text), taken);
	assert_in_range(taken, 1, 99);
	close(server);
	server = accept_one(listening);
	for (int i = 1000; i < 1002; i++) {
		assert_int_equal(receive_packet(server, f->text, sizeof(f->text)), 8192 - 400);
		assert_int_equal(atoi(f->text), i);
	}
	report(f, 0);
	assert_counted(f, taken + 2, 100 - taken);
	assert_int_equal(count_of(log_text(f), LOST), 1);
	assert_int_equal(count_of(log_text(f), AGAIN), 1);
	close(server);
	close(listening);
}

static void test_stream_server_restarts(void **state)
{
	struct fixture *f = *state;
	int listening = listen_as(SOCK_STREAM), server;

	open_client(f, "unixstream");
	report(f, 1);
	server = accept_one(listening);
	assert_true(receive_packet(server, f->text, sizeof(f->text)) > 0);

	/* It has read everything, ends, and another takes its place: nothing is lost. */
	close(server);
	close(listening);
	listening = listen_as(SOCK_STREAM);
	report(f, 2);
	server = accept_one(listening);
	assert_true(receive_packet(server, f->text, sizeof(f->text)) > 0);
	assert_int_equal(atoi(f->text), 1);
	assert_true(receive_packet(server, f->text, sizeof(f->text)) > 0);
	report(f, 0);
	assert_counted(f, 3, 0);
	assert_string_equal(log_text(f), "");

	/* It ends with something unread: that report counts as refused. */
	report(f, 2);
	close(server);
	close(listening);
	report(f, 1);
	assert_counted(f, 3, 3);
	assert_int_equal(count_of(log_text(f), LOST), 1);
	listening = listen_as(SOCK_STREAM);
	report(f, 1);
	report(f, 0);
	assert_counted(f, 4, 3);
	assert_int_equal(count_of(log_text(f), AGAIN), 1);
	close(listening);
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
		UNIX(test_stream_bytes),
		UNIX(test_type_is_found_out),
		UNIX(test_wrong_type),
		UNIX(test_full_stream_and_recovery),
		UNIX(test_short_writes),
		UNIX(test_cut_packet_is_given_up),
		UNIX(test_stream_server_restarts),
		UNIX(test_redirect_between_udp_and_unix),
	};

	return cmocka_run_group_tests_name("statsd_unix", tests, NULL, NULL);
}
