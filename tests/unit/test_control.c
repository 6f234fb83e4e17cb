/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The control socket's requests and answers, and clients that mean no good. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/resource.h>

#include "clock.h"
#include "control_fixture.h"

static void test_requests(void **state)
{
	int fd = connect_client();

	(void)state;
	say(fd, "small\n");
	turns(1);
	assert_string_equal(hear(fd), "1\n");
	say(fd, "sma");
	turns(2);
	assert_null(hear(fd));
	say(fd, "ll\r\n");
	turns(1);
	assert_string_equal(hear(fd), "2\n");
	say(fd, "small\nsmall\nsmall\nsm");
	turns(1);
	assert_string_equal(hear(fd), "3\n4\n5\n");
	close(fd);
	turns(1);
	assert_int_equal(world.answered, 5);
}

static void test_unknown(void **state)
{
	static const char answer[] =
		"{\"error\":\"unknown verb\",\"verbs\":[\"small\",\"large\",\"echo\"]}\n";
	int fd = connect_client();

	(void)state;
	say(fd, "smal\n");
	turns(1);
	assert_string_equal(hear(fd), answer);
	say(fd, "\n");
	turns(1);
	assert_string_equal(hear(fd), answer);
	say(fd, "small talk\n"); /* it is about nothing */
	turns(1);
	assert_string_equal(hear(fd), answer);
	assert_int_equal(send(fd, "small\0x\n", 8, MSG_NOSIGNAL),
			 8); /* the name ends with the zero */
	turns(1);
	assert_string_equal(hear(fd), "1\n");
	close(fd);
}

static void test_about(void **state)
{
	int fd = connect_client();

	(void)state;
	say(fd, "echo 1 2\n");
	turns(1);
	assert_string_equal(hear(fd), "\"1 2\"\n");
	say(fd, "echo\n");
	turns(1);
	assert_string_equal(hear(fd), "\"\"\n");
	close(fd);
}

/* As `echo small | socat - UNIX:..` does. */
static void test_half_closed(void **state)
{
	int fd = connect_client();

	(void)state;
	say(fd, "small\n");
	shutdown(fd, SHUT_WR);
	turns(2);
	assert_string_equal(hear(fd), "1\n");
	assert_string_equal(hear(fd), "");
	close(fd);
}

static void test_too_long(void **state)
{
	char text[CONTROL_REQUEST + 1];
	int fd = connect_client();

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	say(fd, text);
	turns(2);
	assert_string_equal(hear(fd), "");
	close(fd);
}

/* Who takes an answer in small bites holds up nobody. */
static void test_large(void **state)
{
	int slow = connect_client(), other = connect_client();
	size_t length = 0;
	char bite[30000], last = 0;
	ssize_t n;

	(void)state;
	say(slow, "large\nsmall\n");
	turns(2);
	while (length < LARGE) {
		__u64 begin = monotonic_ms();

		say(other, "small\n");
		turns(1);
		assert_non_null(hear(other));
		assert_in_range(monotonic_ms() - begin, 0, 1000);
		n = recv(slow, bite, sizeof(bite), MSG_DONTWAIT);
		if (n <= 0)
			continue;
		length += (size_t)n;
		last = bite[n - 1];
	}
	while (last != '\n' || length < LARGE + 4) { /* and then the next one's */
		turns(1);
		n = recv(slow, bite, sizeof(bite), MSG_DONTWAIT);
		if (n <= 0)
			continue;
		length += (size_t)n;
		last = bite[n - 1];
	}
	close(slow);
	close(other);
}

/* A client that goes with its answer half taken. */
static void test_gone(void **state)
{
	int fd = connect_client(), other;

	(void)state;
	say(fd, "large\n");
	turns(2);
	close(fd);
	turns(2);
	other = connect_client();
	say(other, "small\n");
	turns(1);
	assert_string_equal(hear(other), "1\n");
	close(other);
}

/* However many there are, the next one is served. */
static void test_many(void **state)
{
	int silent[4 * CONTROL_CLIENTS], fd;

	(void)state;
	for (int i = 0; i < 4 * CONTROL_CLIENTS; i++) {
		silent[i] = connect_client();
		turns(1);
	}
	fd = connect_client();
	say(fd, "small\n");
	turns(2);
	assert_string_equal(hear(fd), "1\n");
	assert_string_equal(hear(silent[0]), "");           /* made room */
	assert_null(hear(silent[4 * CONTROL_CLIENTS - 1])); /* has not */
	for (int i = 0; i < 4 * CONTROL_CLIENTS; i++)
		close(silent[i]);
	close(fd);
	turns(4);
}

/* Takes its time: more than CONTROL_PATIENCE_MS. */
static void test_silent(void **state)
{
	int silent = connect_client(), lazy = connect_client();
	__u64 begin = monotonic_ms();
	const char *heard = NULL;

	(void)state;
	say(lazy, "large\n"); /* and does not take it */
	while (!heard && monotonic_ms() < begin + 3 * CONTROL_PATIENCE_MS) {
		assert_int_equal(event_loop_once(world.loop, true), 0);
		heard = hear(silent);
	}
	assert_string_equal(heard, "");
	assert_in_range(monotonic_ms() - begin, CONTROL_PATIENCE_MS, 2 * CONTROL_PATIENCE_MS);
	while (send(lazy, "x", 1, MSG_NOSIGNAL) == 1 &&
	       monotonic_ms() < begin + 3 * CONTROL_PATIENCE_MS)
		assert_int_equal(event_loop_once(world.loop, true), 0);
	assert_int_equal(send(lazy, "x", 1, MSG_NOSIGNAL), -1);
	close(silent);
	close(lazy);
}

/* Without a descriptor for who knocks, the loop does not turn in vain, and goes on later. */
static void test_no_descriptor(void **state)
{
	int fd = connect_client(); /* the lowest that was free */
	__u64 begin = monotonic_ms();
	struct rlimit limit, low;
	const char *heard = NULL;

	(void)state;
	say(fd, "small\n");
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	low = (struct rlimit){.rlim_cur = (rlim_t)fd + 1, .rlim_max = limit.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	assert_int_equal(event_loop_once(world.loop, true), 0); /* the connection */
	assert_int_equal(event_loop_once(world.loop, true), 0); /* not again: the timer */
	assert_in_range(monotonic_ms() - begin, 500, 5000);
	assert_null(hear(fd));
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	while (!heard && monotonic_ms() < begin + 10000) {
		event_loop_once(world.loop, true);
		heard = hear(fd);
	}
	assert_string_equal(heard, "1\n");
	close(fd);
}

/* What a hostile client sends is so much noise. */
static void test_noise(void **state)
{
	unsigned int seed = 1;
	char noise[3000];
	int fd;

	(void)state;
	for (int round = 0; round < 300; round++) {
		for (size_t i = 0; i < sizeof(noise); i++)
			noise[i] = (char)(rand_r(&seed) >> 8);
		fd = connect_client();
		send(fd, noise, 1 + (size_t)rand_r(&seed) % sizeof(noise), MSG_NOSIGNAL);
		turns(rand_r(&seed) % 4);
		close(fd);
	}
	turns(CONTROL_CLIENTS);
	fd = connect_client();
	say(fd, "small\n");
	turns(2);
	assert_string_equal(hear(fd), "1\n");
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(requests), T(unknown), T(about),  T(half_closed),   T(too_long), T(large),
		T(gone),     T(many),    T(silent), T(no_descriptor), T(noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
