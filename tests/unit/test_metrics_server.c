/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The server, over real sockets: what it answers, and clients that mean no good. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "array.h"
#include "clock.h"
#include "metrics_clients.h"
#include "metrics_server.h"
#include "metrics_socket.h"

#define ANSWER (64 << 20)

static struct metrics_server *server;
static struct sockaddr_in place;
static char *answer; /* the last one's, whole */

/* ---- the loop, which answers questions about health ---- */

static pthread_t loop;
static volatile bool loop_ends, loop_answers, well;
static volatile unsigned int questions;

static void *answer_questions(void *arg)
{
	struct pollfd question = {.fd = metrics_server_question(server), .events = POLLIN};

	while (!loop_ends) {
		if (poll(&question, 1, 10) <= 0 || !loop_answers)
			continue;
		questions++;
		metrics_server_answer(server, well, !well, strdup("{\"summary\":\"so so\"}"));
	}
	return arg;
}

/* ---- a client ---- */

static int connect_to(void)
{
	const struct timeval patience = {.tv_sec = 15};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&place, sizeof(place)), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

static void send_text(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* All that comes until the end, which must come in time. */
static const char *read_all(int fd)
{
	size_t length = 0;
	ssize_t n;

	while (length < ANSWER && (n = recv(fd, answer + length, ANSWER - length, 0)) > 0)
		length += (size_t)n;
	answer[length] = '\0';
	close(fd);
	return answer;
}

static const char *ask(const char *request)
{
	int fd = connect_to();

	send_text(fd, request);
	return read_all(fd);
}

static const char *get(const char *path)
{
	char request[256];

	snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path);
	return ask(request);
}

static bool begins(const char *text, const char *beginning)
{
	return !strncmp(text, beginning, strlen(beginning));
}

/* ---- a server ---- */

static struct snapshot *make_snapshot(unsigned int series)
{
	static const struct bucket_bounds bounds = {.count = 20, .ns = {1000, 2000}};
	struct snapshot *s = snapshot_new(&bounds, series, 64 * (size_t)series);
	char labels[64];

	assert_non_null(s);
	for (unsigned int i = 0; i < series; i++)
		snapshot_add(s, labels,
			     (unsigned int)snprintf(labels, sizeof(labels), "dst=\"%u\"", i));
	return s;
}

static int setup(void **state)
{
	static const struct address loopback = {
		.bytes = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1}};
	socklen_t length = sizeof(place);
	int fd = -1;

	(void)state;
	for (unsigned int port = 20000 + (unsigned int)getpid() % 10000; fd < 0; port++)
		fd = metrics_socket_listen(&loopback, port);
	getsockname(fd, (struct sockaddr *)&place, &length);
	if (metrics_server_start(&server, fd))
		return -1;
	answer = malloc(ANSWER + 1);
	loop_ends = false;
	loop_answers = well = true;
	questions = 0;
	return pthread_create(&loop, NULL, answer_questions, NULL);
}

static int teardown(void **state)
{
	(void)state;
	loop_ends = true;
	pthread_join(loop, NULL);
	metrics_server_stop(server);
	free(answer);
	return 0;
}

/* ---- answers ---- */

static void test_metrics(void **state)
{
	(void)state;
	assert_true(begins(get("/metrics"), "HTTP/1.1 503 "));
	metrics_server_publish(server, make_snapshot(0));
	metrics_server_publish(server, make_snapshot(2));
	get("/metrics");
	assert_true(begins(answer, "HTTP/1.1 200 "));
	assert_non_null(strstr(answer, "Content-Type: text/plain; version=0.0.4; charset=utf-8"));
	assert_non_null(strstr(answer, "Vary: Accept, Accept-Encoding"));
	assert_non_null(strstr(answer, "_total{dst=\"1\"} 0\n"));
	metrics_server_publish(server, make_snapshot(3));
	assert_non_null(strstr(get("/metrics"), "_total{dst=\"2\"} 0\n"));
	assert_non_null(strstr(get("/metrics?a=b"), "_total{dst=\"2\"} 0\n"));
}

static void test_negotiated(void **state)
{
	const char *body;

	(void)state;
	metrics_server_publish(server, make_snapshot(1));
	ask("GET /metrics HTTP/1.1\r\nHost: a\r\nAccept: application/openmetrics-text\r\n\r\n");
	assert_non_null(strstr(answer, "application/openmetrics-text; version=1.0.0"));
	assert_non_null(strstr(answer, "# EOF\n"));
	ask("GET /metrics HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n");
	assert_non_null(strstr(answer, "Content-Encoding: gzip"));
	body = strstr(answer, "\r\n\r\n") + 4;
	assert_memory_equal(body, "\x1f\x8b", 2);
	ask("HEAD /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_true(begins(answer, "HTTP/1.1 200 "));
	assert_string_equal(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
}

static void test_other_requests(void **state)
{
	(void)state;
	assert_true(begins(get("/"), "HTTP/1.1 404 "));
	assert_true(begins(get("/metrics/"), "HTTP/1.1 404 "));
	ask("POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
	assert_true(begins(answer, "HTTP/1.1 405 "));
	assert_non_null(strstr(answer, "Allow: GET, HEAD"));
	assert_true(begins(ask("GET /readyz HTTP/1.0\r\n\r\n"), "HTTP/1.0 503 ") ||
		    begins(answer, "HTTP/1.1 503 "));
}

static void test_health(void **state)
{
	(void)state;
	get("/healthz");
	assert_true(begins(answer, "HTTP/1.1 200 "));
	assert_non_null(strstr(answer, "application/json"));
	assert_non_null(strstr(answer, "{\"summary\":\"so so\"}"));
	assert_true(begins(get("/readyz"), "HTTP/1.1 503 "));
	well = false;
	usleep(150 * 1000);
	assert_true(begins(get("/healthz"), "HTTP/1.1 503 "));
	assert_true(begins(get("/readyz"), "HTTP/1.1 200 "));
}

static void test_health_is_kept(void **state)
{
	__u64 begin = monotonic_ms();
	unsigned int requests = 0, most;

	(void)state;
	for (; monotonic_ms() - begin < 500; requests++)
		assert_true(begins(get("/healthz"), "HTTP/1.1 200 "));
	most = (unsigned int)((monotonic_ms() - begin) / 100) + 2;
	assert_true(requests > most);
	assert_in_range(questions, 2, most);
}

static void test_loop_is_stuck(void **state)
{
	__u64 begin;

	(void)state;
	metrics_server_publish(server, make_snapshot(1));
	loop_answers = false;
	begin = monotonic_ms();
	assert_true(begins(get("/healthz"), "HTTP/1.1 503 "));
	assert_in_range(monotonic_ms() - begin, 900, 3000);
	begin = monotonic_ms();
	assert_true(begins(get("/readyz"), "HTTP/1.1 503 ")); /* not waited for again */
	assert_true(begins(get("/metrics"), "HTTP/1.1 200 "));
	assert_in_range(monotonic_ms() - begin, 0, 900);
	loop_answers = true;
	usleep(1100 * 1000);
	assert_true(begins(get("/healthz"), "HTTP/1.1 200 "));
}

/* ---- clients that mean no good ---- */

static bool is_closed(int fd)
{
	struct pollfd closed = {.fd = fd, .events = POLLIN};
	char byte;

	return poll(&closed, 1, 0) == 1 && recv(fd, &byte, 1, MSG_DONTWAIT) <= 0;
}

/* Connections that are held, and newcomers. */
static void test_many_connections(void **state)
{
	int held[200];
	unsigned int closed = 0;

	(void)state;
	metrics_server_publish(server, make_snapshot(1));
	for (int i = 0; i < 200; i++) {
		held[i] = connect_to();
		send_text(held[i], "GET /metr");
		if (i % 20 == 19)
			assert_true(begins(get("/metrics"), "HTTP/1.1 200 "));
	}
	assert_true(begins(get("/metrics"), "HTTP/1.1 200 "));
	usleep(100 * 1000);
	for (int i = 0; i < 200; i++) {
		closed += is_closed(held[i]);
		close(held[i]);
	}
	assert_in_range(closed, 200 - METRICS_CLIENTS_MAX, 200);
}

/* A byte now and then, for ever; and somebody who reads nothing of a long answer. */
static void test_slow_clients(void **state)
{
	__u64 begin = monotonic_ms(), ended_ms = 0;
	int slow, deaf, small = 4096;

	(void)state;
	metrics_server_publish(server, make_snapshot(20000));
	slow = connect_to();
	deaf = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(deaf, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	assert_int_equal(connect(deaf, (struct sockaddr *)&place, sizeof(place)), 0);
	send_text(deaf, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
	while (!ended_ms && monotonic_ms() - begin < METRICS_CLIENT_MS + 5000) {
		if (send(slow, "G", 1, MSG_NOSIGNAL) < 0 || is_closed(slow))
			ended_ms = monotonic_ms() - begin;
		assert_true(begins(get("/readyz"), "HTTP/1.1 503 "));
		usleep(200 * 1000);
	}
	assert_in_range(ended_ms, METRICS_CLIENT_MS - 500, METRICS_CLIENT_MS + 3000);
	read_all(deaf);
	assert_true(strlen(answer) < 40000000); /* it was cut */
	assert_null(strstr(answer, "_total{dst=\"19999\"}"));
	close(slow);
}

static void test_long_head(void **state)
{
	int fd = connect_to();
	char kilobyte[1025];

	(void)state;
	memset(kilobyte, 'a', sizeof(kilobyte) - 1);
	kilobyte[1024] = '\0';
	send_text(fd, "GET /metrics HTTP/1.1\r\nX: ");
	for (int i = 0; i < 100; i++)
		if (send(fd, kilobyte, 1024, MSG_NOSIGNAL) < 0)
			break;
	read_all(fd);
	assert_false(begins(answer, "HTTP/1.1 200 "));
	assert_true(begins(get("/readyz"), "HTTP/1.1 503 "));
}

/* ---- requests that nobody would write, always the same ones ---- */

static __u32 seed;

static unsigned int draw(unsigned int below)
{
	seed = seed * 1664525 + 1013904223;
	return (unsigned int)(((__u64)seed * below) >> 32);
}

#define CHUNKED "Transfer-Encoding: chunked\r\n"

static size_t mutate(char *request, size_t length, size_t room)
{
	static const char *const pieces[] = {"\r\n",
					     "\r\n\r\n",
					     ";q=",
					     "Content-Length: -1\r\n",
					     "%00",
					     "HTTP/1.1",
					     "Accept: ",
					     CHUNKED,
					     "\n",
					     "/../",
					     "*",
					     "Expect: 100-continue\r\n",
					     "Accept-Encoding: gzip\r\n",
					     "HTTP/9.9"};

	for (unsigned int n = 1 + draw(8); n; n--) {
		const char *piece = pieces[draw(sizeof(pieces) / sizeof(pieces[0]))];
		size_t at = draw((unsigned int)length + 1), more = strlen(piece);

		if (draw(2) && length) {
			request[at % length] = (char)draw(256);
		} else if (length + more < room) {
			memmove(request + at + more, request + at, length - at);
			memcpy(request + at, piece, more);
			length += more;
		}
	}
	return draw(4) ? length : draw((unsigned int)length + 1);
}

static void test_noise(void **state)
{
	static const char good[] = "GET /metrics HTTP/1.1\r\nHost: a\r\nAccept: application/"
				   "openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1\r\n"
				   "Accept-Encoding: gzip\r\nConnection: keep-alive\r\n\r\n";
	char request[2048];
	size_t length;
	int fd;

	(void)state;
	metrics_server_publish(server, make_snapshot(3));
	seed = 1;
	for (int i = 0; i < 1000; i++) {
		fd = connect_to();
		memcpy(request, good, sizeof(good));
		length = mutate(request, sizeof(good) - 1, sizeof(request));
		(void)!send(fd, request, length, MSG_NOSIGNAL);
		if (draw(2))
			shutdown(fd, SHUT_WR);
		if (!draw(4))
			(void)!recv(fd, answer, ANSWER, MSG_DONTWAIT);
		if (draw(8)) /* the others are held */
			close(fd);
	}
	assert_true(begins(get("/metrics"), "HTTP/1.1 200 "));
	assert_non_null(strstr(answer, "_total{dst=\"2\"} 0\n"));
}

/* As many as libmicrohttpd takes come while the thread waits for the loop, and all go at once: it
 * does not listen then until it runs again. */
static void test_crowd(void **state)
{
	int waits, fds[2 * METRICS_CLIENTS_MAX];

	(void)state;
	metrics_server_publish(server, make_snapshot(3));
	for (int round = 0; round < 3; round++) {
		loop_answers = false;
		waits = connect_to();
		send_text(waits, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
		for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
			fds[i] = connect_to();
			send_text(fds[i], "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
		}
		for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
			close(fds[i]);
		read_all(waits);
		loop_answers = true;
		assert_true(begins(get("/metrics"), "HTTP/1.1 200 "));
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_metrics),
		TEST(test_negotiated),
		TEST(test_other_requests),
		TEST(test_health),
		TEST(test_health_is_kept),
		TEST(test_loop_is_stuck),
		TEST(test_many_connections),
		TEST(test_slow_clients),
		TEST(test_long_head),
		TEST(test_noise),
		TEST(test_crowd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
