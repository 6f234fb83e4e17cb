/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A StatsD client with a server on loopback, and a clock that reports move on. After cmocka.h. */
#ifndef METRO_TEST_CLIENTS_H
#define METRO_TEST_CLIENTS_H

#include <errno.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>

#include "capture.h"
#include "statsd_client.h"

#define AGAIN    "takes metrics again"
#define LOST     "metrics are lost"
#define QUIET_S  4  /* without an error before an outage is over */
#define FIRST    16 /* datagrams that leave at once */
#define PATIENCE 5  /* s */

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
	struct config config;
	struct statsd_client *client;
	struct capture log;
	char text[1 << 20];
};

static struct fixture fixture;

/* Without the client: how it is opened is the test's. */
static inline int setup_server(void **state)
{
	struct fixture *f = &fixture;

	unsetenv("DD_DOGSTATSD_URL");
	unsetenv("DD_AGENT_HOST");
	unsetenv("DD_DOGSTATSD_PORT");
	interval_s = 10;
	f->client = NULL;
	f->server = server_open("127.0.0.1", 0);
	if (f->server < 0)
		return -1;
	f->port = server_port(f->server);
	f->config = (struct config){
		.statsd_ip = "127.0.0.1", .statsd_port = f->port, .report_interval_s = interval_s};
	log_capture(&f->log);
	*state = f;
	return 0;
}

static inline int setup(void **state)
{
	return setup_server(state) || statsd_client_open(&fixture.client, &fixture.config);
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	statsd_client_close(f->client);
	f->client = NULL;
	log_release(&f->log);
	if (f->server >= 0)
		close(f->server);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static inline const char *log_text(struct fixture *f)
{
	return capture_read(&f->log);
}

static inline void stop_server(struct fixture *f)
{
	close(f->server);
	f->server = -1;
}

static inline void start_server(struct fixture *f)
{
	f->server = server_open("127.0.0.1", f->port);
	assert_true(f->server >= 0);
}

static inline void add_line(struct statsd_client *client, const char *line)
{
	statsd_client_line(client, line, strlen(line));
}

/* Text, then letters up to this length. */
static inline void line_of_length(struct fixture *f, const char *text, unsigned int length)
{
	static char line[10000];

	memset(line, 'x', length);
	memcpy(line, text, strlen(text));
	statsd_client_line(f->client, line, length);
}

/* Datagrams of one line each, of which no two fit into one; they are numbered from first on. */
static inline void numbered_report(struct fixture *f, int first, int datagrams)
{
	unsigned int most = (unsigned int)statsd_client_line_max(f->client);
	char text[20];

	clock_ahead_s += interval_s;
	statsd_client_begin(f->client);
	for (int i = first; i < first + datagrams; i++) {
		snprintf(text, sizeof(text), "%d:", i);
		line_of_length(f, text, most - 400);
	}
	statsd_client_end(f->client);
}

static inline void report(struct fixture *f, int datagrams)
{
	numbered_report(f, 1, datagrams);
}

/* Does what the event loop does, for at most this long. Returns how often resume was called. */
static inline int pump(struct fixture *f, int ms)
{
	struct pollfd waiting = {.fd = statsd_client_fd(f->client), .events = POLLIN};
	struct timespec now;
	long long end;
	int calls = 0;

	syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
	end = now.tv_sec * 1000LL + now.tv_nsec / 1000000 + ms;
	while (now.tv_sec * 1000LL + now.tv_nsec / 1000000 < end) {
		if (poll(&waiting, 1, 100) <= 0)
			break; /* the timer is off: nothing waits any more */
		statsd_client_resume(f->client);
		calls++;
		syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
	}
	return calls;
}

static inline void assert_counted(struct fixture *f, unsigned int sent, unsigned int refused)
{
	const struct statsd_counters *counters = statsd_client_counters(f->client);

	assert_int_equal(counters->sent, sent);
	assert_int_equal(counters->refused, refused);
}

#endif
