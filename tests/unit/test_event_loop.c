/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Descriptors that come and go while events wait, timers and signals, with real pipes and sockets.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "event_loop.h"

#define PIPES 12 /* more than the loop takes from the kernel at a time */

static struct world {
	struct event_loop *loop;
	int calls[PIPES];
	int reader[PIPES], writer[PIPES];
} world;

static int set_up(void **state)
{
	(void)state;
	world = (struct world){0};
	assert_int_equal(event_loop_new(&world.loop), 0);
	for (int i = 0; i < PIPES; i++) {
		int ends[2];

		assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
		world.reader[i] = ends[0];
		world.writer[i] = ends[1];
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	event_loop_free(world.loop);
	for (int i = 0; i < PIPES; i++) {
		close(world.reader[i]);
		close(world.writer[i]);
	}
	return 0;
}

static void poke(int i)
{
	assert_int_equal(write(world.writer[i], "x", 1), 1);
}

static void on_writable(void *arg, int fd)
{
	(void)arg;
	(void)fd;
	world.calls[0]++;
}

static void on_readable(void *arg, int fd)
{
	int i = (int)(intptr_t)arg;
	char c;

	assert_int_equal(fd, world.reader[i]);
	assert_int_equal(read(fd, &c, 1), 1);
	world.calls[i]++;
}

static void add(int i, event_handler handler)
{
	assert_int_equal(event_loop_add(world.loop, world.reader[i], handler, (void *)(intptr_t)i),
			 0);
}

static int total(void)
{
	int n = 0;

	for (int i = 0; i < PIPES; i++)
		n += world.calls[i];
	return n;
}

static void test_nothing(void **state)
{
	(void)state;
	assert_int_equal(event_loop_once(world.loop, false), 0);
	add(0, on_readable);
	assert_int_equal(event_loop_once(world.loop, false), 0);
	assert_int_equal(total(), 0);
	event_loop_free(NULL);
}

static void test_readable(void **state)
{
	(void)state;
	add(0, on_readable);
	add(1, on_readable);
	poke(1);
	assert_int_equal(event_loop_once(world.loop, true), 0);
	assert_int_equal(world.calls[0], 0);
	assert_int_equal(world.calls[1], 1);
	assert_int_equal(event_loop_once(world.loop, false), 0);
	assert_int_equal(total(), 1);
}

static void test_many(void **state)
{
	(void)state;
	for (int i = 0; i < PIPES; i++) {
		add(i, on_readable);
		poke(i);
	}
	for (int i = 0; i < PIPES; i++)
		event_loop_once(world.loop, false);
	for (int i = 0; i < PIPES; i++)
		assert_int_equal(world.calls[i], 1);
}

static void test_add_fails(void **state)
{
	(void)state;
	assert_int_equal(event_loop_add(world.loop, -1, on_readable, NULL), -EBADF);
	add(0, on_readable);
	assert_int_equal(event_loop_add(world.loop, world.reader[0], on_readable, NULL), -EEXIST);
	poke(0);
	event_loop_once(world.loop, true);
	assert_int_equal(total(), 1);
}

static void test_removed(void **state)
{
	(void)state;
	add(0, on_readable);
	add(1, on_readable);
	event_loop_remove(world.loop, world.reader[0]);
	event_loop_remove(world.loop, world.reader[0]); /* again: nothing */
	event_loop_remove(world.loop, 12345);
	poke(0);
	poke(1);
	event_loop_once(world.loop, true);
	assert_int_equal(world.calls[0], 0);
	assert_int_equal(world.calls[1], 1);
}

static void remove_all(void *arg, int fd)
{
	on_readable(arg, fd);
	for (int i = 0; i < PIPES; i++)
		event_loop_remove(world.loop, world.reader[i]);
}

/* Whichever comes first removes all others, and itself, while their events are at hand. */
static void test_removed_in_a_handler(void **state)
{
	(void)state;
	for (int i = 0; i < PIPES; i++) {
		add(i, remove_all);
		poke(i);
	}
	event_loop_once(world.loop, true);
	assert_int_equal(total(), 1);
	event_loop_once(world.loop, false);
	assert_int_equal(total(), 1);
}

static void replace_all(void *arg, int fd)
{
	remove_all(arg, fd);
	for (int i = 0; i < PIPES; i++)
		add(i, on_readable);
}

/* .. and adds the same descriptors again: their new handlers run, in the next turn. */
static void test_replaced_in_a_handler(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		add(i, replace_all);
		poke(i);
	}
	event_loop_once(world.loop, true);
	assert_int_equal(total(), 1);
	event_loop_once(world.loop, false);
	assert_int_equal(total(), 4);
}

static void close_and_replace(void *arg, int fd)
{
	int ends[2];

	on_readable(arg, fd);
	event_loop_remove(world.loop, world.reader[1]);
	close(world.reader[1]);
	close(world.writer[1]);
	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0); /* mostly the same numbers */
	world.reader[1] = ends[0];
	world.writer[1] = ends[1];
	add(1, on_readable);
}

/* An old event under a number that means something else now must not reach the new handler. */
static void test_number_used_again(void **state)
{
	(void)state;
	add(1, on_readable); /* in the kernel's list in order of readiness */
	add(0, close_and_replace);
	poke(0);
	poke(1);
	event_loop_once(world.loop, true);
	assert_int_equal(world.calls[0], 1);
	assert_int_equal(world.calls[1], 0);
	poke(1);
	event_loop_once(world.loop, false);
	assert_int_equal(world.calls[1], 1);
}

static void test_hang_up(void **state)
{
	(void)state;
	add(0, remove_all);
	poke(0);
	close(world.writer[0]);
	event_loop_once(world.loop, true);
	assert_int_equal(total(), 1);
	world.writer[0] = -1;
}

/* Called when there is room, and then no more. */
static void test_room(void **state)
{
	const char filling[4096] = {};

	(void)state;
	assert_int_equal(event_loop_add(world.loop, world.writer[0], on_writable, NULL), 0);
	event_loop_once(world.loop, false);
	assert_int_equal(world.calls[0], 0);
	while (write(world.writer[0], filling, sizeof(filling)) > 0)
		;
	event_loop_await_room(world.loop, world.writer[0], true);
	event_loop_once(world.loop, false);
	assert_int_equal(world.calls[0], 0);
	for (int i = 0; i < 16; i++)
		assert_int_equal(read(world.reader[0], (char[4096]){}, 4096), 4096);
	event_loop_once(world.loop, false);
	assert_int_equal(world.calls[0], 1);
	event_loop_await_room(world.loop, world.writer[0], false);
	event_loop_once(world.loop, false);
	assert_int_equal(world.calls[0], 1);
	event_loop_await_room(world.loop, world.writer[1], true); /* not in the loop: nothing */
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int ticks;

static void on_timer(void *arg, int fd)
{
	(void)arg;
	event_timer_take(fd);
	ticks++;
}

static void test_timer(void **state)
{
	double start = seconds();
	int fd = event_timer(0.02);

	(void)state;
	ticks = 0;
	assert_true(fd >= 0);
	assert_int_equal(event_loop_add(world.loop, fd, on_timer, NULL), 0);
	while (ticks < 3)
		assert_int_equal(event_loop_once(world.loop, true), 0);
	assert_true(seconds() - start >= 0.06);
	assert_true(seconds() - start < 2);
	event_loop_remove(world.loop, fd);
	close(fd);
}

static void test_timer_missed_and_set(void **state)
{
	int fd = event_timer(0.001);

	(void)state;
	ticks = 0;
	assert_int_equal(event_loop_add(world.loop, fd, on_timer, NULL), 0);
	usleep(20000);
	assert_int_equal(event_timer_set(fd, 3600), 0);
	event_loop_once(world.loop, false);
	assert_int_equal(ticks, 0); /* what had come was of the old interval */
	assert_int_equal(event_timer_set(fd, 0.005), 0);
	usleep(50000);
	event_loop_once(world.loop, false);
	event_loop_once(world.loop, false);
	assert_in_range(ticks, 1, 2); /* ten intervals are one */
	event_timer_take(fd);         /* nothing there: does not wait */
	event_loop_remove(world.loop, fd);
	close(fd);
}

static int last_signal;

static void on_signal(void *arg, int fd)
{
	(void)arg;
	last_signal = event_signal_take(fd, NULL);
}

static void test_signals(void **state)
{
	sigset_t set;
	int fd, value;

	(void)state;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGHUP);
	fd = event_signals(&set);
	assert_true(fd >= 0);
	assert_int_equal(event_signal_take(fd, NULL), 0);
	assert_int_equal(event_loop_add(world.loop, fd, on_signal, NULL), 0);
	raise(SIGUSR1);
	event_loop_once(world.loop, true);
	assert_int_equal(last_signal, SIGUSR1);
	raise(SIGHUP);
	event_loop_once(world.loop, true);
	assert_int_equal(last_signal, SIGHUP);
	assert_int_equal(event_signal_take(fd, NULL), 0);
	assert_int_equal(sigqueue(getpid(), SIGHUP, (union sigval){.sival_int = 42}), 0);
	assert_int_equal(event_signal_take(fd, &value), SIGHUP);
	assert_int_equal(value, 42);
	kill(getpid(), SIGHUP);
	assert_int_equal(event_signal_take(fd, &value), SIGHUP);
	assert_int_equal(value, 0);
	event_loop_remove(world.loop, fd);
	close(fd);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void on_alarm(int signal)
{
	(void)signal;
}

/* A signal that is nobody's business does not end the loop. */
static void test_interrupted(void **state)
{
	struct sigaction action = {.sa_handler = on_alarm};

	(void)state;
	sigaction(SIGALRM, &action, NULL);
	ualarm(10000, 0);
	assert_int_equal(event_loop_once(world.loop, true), 0);
	ualarm(0, 0);
}

#define S(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		S(nothing),
		S(readable),
		S(many),
		S(add_fails),
		S(removed),
		S(removed_in_a_handler),
		S(replaced_in_a_handler),
		S(number_used_again),
		S(hang_up),
		S(room),
		S(timer),
		S(timer_missed_and_set),
		S(signals),
		S(interrupted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
