/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Large reports: in bursts that a server with the default receive buffer can take, and bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>

#include "clients.h"
#include "failing_send.h"
#include "statsd_queue.h"

static void test_first_burst_leaves_at_once(void **state)
{
	struct fixture *f = *state;

	report(f, FIRST);
	assert_int_equal(server_receive_all(f->server, f->text, sizeof(f->text)), FIRST);
	assert_int_equal(pump(f, 1000), 0); /* and the timer is off */
	report(f, 0);
	assert_counted(f, FIRST, 0);
}

static void test_rest_follows_in_small_bursts(void **state)
{
	struct fixture *f = *state;
	struct pollfd waiting = {.fd = statsd_client_fd(f->client), .events = POLLIN};
	int got = 0, burst;

	report(f, 60);
	assert_int_equal(server_receive_all(f->server, f->text, sizeof(f->text)), FIRST);
	for (got = FIRST; got < 60; got += burst) {
		assert_int_equal(poll(&waiting, 1, 1000), 1);
		statsd_client_resume(f->client);
		burst = server_receive_all(f->server, f->text, sizeof(f->text));
		assert_in_range(burst, 1, 8);
	}
	assert_int_equal(poll(&waiting, 1, 100), 0);
	report(f, 0);
	assert_counted(f, 60, 0);
}

/* A reader with the default buffer, which has room for 90 datagrams at most, and that is away for
 * 50 ms now and then. */
struct reader {
	int fd, most;
	int got, in_order;
};

static void *read_slowly(void *arg)
{
	struct reader *reader = arg;
	char text[2000];
	struct timespec away = {.tv_nsec = 50000000};

	while (server_receive(reader->fd, text, sizeof(text)) > 0) {
		reader->in_order += atoi(text) == ++reader->got;
		if (reader->got % 100 == 0)
			nanosleep(&away, NULL);
		if (reader->got == reader->most)
			break;
	}
	return NULL;
}

static void test_five_hundred_datagrams_and_none_lost(void **state)
{
	struct fixture *f = *state;
	struct reader reader = {.fd = f->server, .most = 500};
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, read_slowly, &reader), 0);
	report(f, 500);
	pump(f, 10000);
	pthread_join(thread, NULL);
	assert_int_equal(reader.got, 500);
	assert_int_equal(reader.in_order, 500);
	report(f, 0);
	assert_counted(f, 500, 0);
}

/* The pace grows where half an interval is too short for it. */
static void test_short_interval(void **state)
{
	struct fixture *f = *state;
	int calls;

	interval_s = 0;
	numbered_report(f, 1, 1); /* the first interval is the configured one */
	report(f, 0);             /* one short interval may be a reload's */
	numbered_report(f, 2, 80);
	calls = pump(f, 3000);
	assert_in_range(calls, 1, 2);
	report(f, 0);
	assert_counted(f, 81, 0);
}

/* A reload, or the end, soon after a large report: what waits keeps its turn, and its pace. */
static void test_next_report_follows_the_rest(void **state)
{
	struct fixture *f = *state;

	interval_s = 1;
	report(f, 200);
	numbered_report(f, 201, 1);
	assert_int_equal(server_receive_all(f->server, f->text, sizeof(f->text)), 2 * FIRST);
	for (int got = 2 * FIRST, burst; got < 201; got += burst) {
		pump(f, 1);
		burst = server_receive_all(f->server, f->text, sizeof(f->text));
		assert_in_range(burst, 1, 64);
	}
	assert_int_equal(atoi(f->text + strlen(f->text) - 1032), 201);
	report(f, 0);
	assert_counted(f, 201, 0);
}

static void test_full_socket_is_tried_again(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 2; i++) {
		fail_errno = i ? ENOBUFS : EAGAIN;
		fail_sends = 3;
		numbered_report(f, 1, 3);
		assert_int_equal(fail_sends, 2); /* not twice in a row */
		pump(f, 2000);
		assert_int_equal(server_receive_all(f->server, f->text, sizeof(f->text)), 3);
		assert_true(atoi(f->text) == 1);
	}
	report(f, 0);
	assert_counted(f, 6, 0);
	assert_string_equal(log_text(f), "");
}

static void test_full_socket_is_given_up(void **state)
{
	struct fixture *f = *state;

	fail_errno = EAGAIN;
	fail_sends = 1 << 30;
	report(f, 3);
	assert_in_range(pump(f, 200), 1, 100);
	assert_counted(f, 0, 0);
	clock_ahead_s += PATIENCE;
	assert_int_equal(pump(f, 1000), 1); /* and the timer is off */
	assert_counted(f, 0, 3);
	assert_int_equal(count_of(log_text(f), LOST), 1);
	assert_non_null(strstr(log_text(f), "the socket to it is full"));

	/* The next report finds another three. */
	interval_s = 1;
	report(f, 3);
	fail_sends = 0;
	clock_ahead_s += QUIET_S;
	numbered_report(f, 10, 1);
	assert_counted(f, 0, 6);
	assert_int_equal(server_receive_all(f->server, f->text, sizeof(f->text)), 1);
	assert_int_equal(atoi(f->text), 10);
	interval_s = 10;
	report(f, 1);
	assert_int_equal(count_of(log_text(f), AGAIN), 1);
	assert_non_null(strstr(log_text(f), "6 datagrams were lost"));
	assert_counted(f, 1, 6);
}

/* 16 MB hold 11650 datagrams of 1432 bytes and their lengths of 8. */
static void test_report_without_end(void **state)
{
	struct fixture *f = *state;
	const unsigned int room = STATSD_QUEUE_BYTES / (STATSD_DATAGRAM_MAX + sizeof(size_t));
	unsigned int before;

	statsd_client_begin(f->client);
	for (unsigned int i = 0; i < room + 88; i++)
		line_of_length(f, "", STATSD_DATAGRAM_MAX);
	statsd_client_end(f->client);
	assert_counted(f, 0, 88);
	assert_int_equal(count_of(log_text(f), LOST), 1);
	assert_non_null(strstr(log_text(f), "larger than the 16 MB"));
	while (pump(f, 100))
		while (recv(f->server, f->text, sizeof(f->text), MSG_DONTWAIT) > 0)
			;
	before = statsd_client_counters(f->client)->refused;
	report(f, 1);
	assert_counted(f, room, before);
}

/* What is sent between two reports gives no extra time to what waits longer. */
static void test_patience_is_with_the_oldest(void **state)
{
	struct fixture *f = *state;

	fail_sends = 1000;
	fail_errno = EAGAIN;
	report(f, 1);
	for (int i = 0; i < 2; i++) {
		clock_ahead_s += PATIENCE / 2 + 1;
		add_line(f->client, "between");
		statsd_client_end(f->client);
	}
	pump(f, 1000);
	fail_sends = 0;
	assert_counted(f, 0, 3);
}

/* A queue that never runs empty goes on in the room of what has left. */
static void test_queue_without_end(void **state)
{
	static char packet[STATSD_DATAGRAM_MAX];
	struct statsd_queue queue = {0};
	const char *first;
	size_t length;
	int number;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		memcpy(packet, &i, sizeof(i));
		assert_int_equal(statsd_queue_push(&queue, packet, sizeof(packet)), 0);
		if (i < 100)
			continue;
		first = statsd_queue_first(&queue, &length);
		assert_int_equal(length, sizeof(packet));
		memcpy(&number, first, sizeof(number));
		assert_int_equal(number, i - 100);
		statsd_queue_pop(&queue);
	}
	assert_int_equal(queue.count, 100);
	assert_in_range(queue.size, 1, 1 << 20);
	statsd_queue_free(&queue);
}

static void test_close_sends_the_rest(void **state)
{
	struct fixture *f = *state;
	struct reader reader = {.fd = f->server, .most = 300};
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, read_slowly, &reader), 0);
	report(f, 300);
	statsd_client_close(f->client);
	f->client = NULL;
	pthread_join(thread, NULL);
	assert_int_equal(reader.got, 300);
	assert_non_null(strstr(log_text(f), "300 datagrams sent, 0 refused"));
}

static void test_close_waits_for_half_a_second_at_most(void **state)
{
	struct fixture *f = *state;
	struct timespec start, end;
	double took;

	fail_errno = EAGAIN;
	fail_sends = 1 << 30;
	report(f, 3);
	clock_gettime(CLOCK_MONOTONIC, &start);
	statsd_client_close(f->client);
	clock_gettime(CLOCK_MONOTONIC, &end);
	f->client = NULL;
	fail_sends = 0;
	took = end.tv_sec - start.tv_sec + (end.tv_nsec - start.tv_nsec) / 1e9;
	assert_true(took > 0.4 && took < 1.5);
	assert_non_null(strstr(log_text(f), "0 datagrams sent, 3 refused"));
}

static void test_queue(void **state)
{
	struct statsd_queue queue = {0};
	size_t length;

	(void)state;
	assert_null(statsd_queue_first(&queue, &length));
	assert_int_equal(statsd_queue_push(&queue, "one", 3), 0);
	assert_int_equal(statsd_queue_push(&queue, "", 0), 0);
	assert_int_equal(statsd_queue_push(&queue, "three", 5), 0);
	assert_memory_equal(statsd_queue_first(&queue, &length), "one", 3);
	assert_int_equal(length, 3);
	statsd_queue_pop(&queue);
	assert_non_null(statsd_queue_first(&queue, &length));
	assert_int_equal(length, 0);
	statsd_queue_pop(&queue);
	assert_memory_equal(statsd_queue_first(&queue, &length), "three", 5);
	assert_int_equal(statsd_queue_clear(&queue), 1);
	assert_null(statsd_queue_first(&queue, &length));
	assert_int_equal(statsd_queue_clear(&queue), 0);
	statsd_queue_free(&queue);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_first_burst_leaves_at_once),
		TEST(test_rest_follows_in_small_bursts),
		TEST(test_five_hundred_datagrams_and_none_lost),
		TEST(test_short_interval),
		TEST(test_next_report_follows_the_rest),
		TEST(test_full_socket_is_tried_again),
		TEST(test_full_socket_is_given_up),
		TEST(test_report_without_end),
		TEST(test_patience_is_with_the_oldest),
		TEST(test_queue_without_end),
		TEST(test_close_sends_the_rest),
		TEST(test_close_waits_for_half_a_second_at_most),
		cmocka_unit_test(test_queue),
	};

	return cmocka_run_group_tests_name("statsd_pace", tests, NULL, NULL);
}
