/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Over Unix sockets for streams, against real ones: frames, whole and cut, and servers that go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <endian.h>

#include "unix_servers.h"

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

static int setup_stream(void **state)
{
	at_once = 0;
	return setup_path(state);
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

int main(void)
{
#define STREAM(name) cmocka_unit_test_setup_teardown(name, setup_stream, teardown_path)
	const struct CMUnitTest tests[] = {
		STREAM(test_stream_bytes),
		STREAM(test_type_is_found_out),
		STREAM(test_wrong_type),
		STREAM(test_full_stream_and_recovery),
		STREAM(test_short_writes),
		STREAM(test_cut_packet_is_given_up),
		STREAM(test_stream_server_restarts),
	};

	return cmocka_run_group_tests_name("statsd_stream", tests, NULL, NULL);
}
