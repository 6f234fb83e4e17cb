/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Asking for a reload: a daemon that answers, one that cannot, one that ends, and a liar. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <sys/wait.h>

#include "capture.h"
#include "event_loop.h"
#include "request_reload.h"
#include "supervisor.h"

static struct capture capture;

static int setup(void **state)
{
	(void)state;
	log_capture(&capture);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	log_close();
	capture_free(&capture);
	return 0;
}

enum behaviour { SUCCEEDS, FAILS, ENDS };

/* Answers one request by pid's own hand; liar: another process has answered before. */
static void serve(int signals, enum behaviour behaviour, bool liar)
{
	struct supervisor supervisor;
	struct pollfd in = {.fd = signals, .events = POLLIN};
	int value;

	supervisor_start(&supervisor, NULL);
	poll(&in, 1, 10000);
	if (event_signal_take(signals, &value) != SIGHUP || behaviour == ENDS)
		_exit(0);
	if (liar && fork() == 0) {
		supervisor_reply(&supervisor, value, -EPERM);
		_exit(0);
	}
	if (liar)
		wait(NULL);
	usleep(100000);
	supervisor_reply(&supervisor, value, behaviour == FAILS ? -ENOMEM : 0);
	_exit(0);
}

/* The signal is blocked before there is a process that it could kill. */
static int ask(enum behaviour behaviour, bool liar)
{
	sigset_t set;
	int signals, err;
	pid_t pid;

	signal(SIGCHLD, behaviour == ENDS ? SIG_IGN : SIG_DFL); /* no zombie, which can be asked */
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	signals = event_signals(&set);
	pid = fork();
	if (pid == 0)
		serve(signals, behaviour, liar);
	err = request_reload(pid);
	waitpid(pid, NULL, 0);
	close(signals);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	return err;
}

static void test_answers(void **state)
{
	(void)state;
	assert_int_equal(ask(SUCCEEDS, false), 0);
	assert_string_equal(capture_read(&capture), "");
	assert_int_equal(ask(FAILS, false), -ENOMEM);
	assert_non_null(strstr(capture_read(&capture),
			       "ERROR not reloaded, or not all of it: Cannot allocate memory; "));
}

static void test_liar(void **state)
{
	(void)state;
	assert_int_equal(ask(SUCCEEDS, true), 0);
}

static void test_ends(void **state)
{
	(void)state;
	assert_int_equal(ask(ENDS, false), -ESRCH);
	assert_non_null(
		strstr(capture_read(&capture), "cannot be asked to reload: No such process"));
}

/* A process that any signal would end. With glibc 2.41 a child has all signals blocked when it
 * begins, and would look like one that waits for them: it says when that is over. */
static pid_t stranger(void)
{
	int begun[2];
	char word;
	pid_t pid;

	assert_int_equal(pipe(begun), 0);
	pid = fork();
	if (pid == 0) {
		if (write(begun[1], "", 1) == 1)
			pause();
		_exit(0);
	}
	assert_int_equal(read(begun[0], &word, 1), 1);
	close(begun[0]);
	close(begun[1]);
	return pid;
}

/* Whoever has that number by now is left alone. */
static void test_stranger(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	signal(SIGCHLD, SIG_DFL);
	pid = stranger();
	assert_int_equal(request_reload(pid), -EINVAL);
	assert_non_null(strstr(capture_read(&capture), "is no bpf-metro that measures"));
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_liar, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stranger, setup, teardown),
	};

	return cmocka_run_group_tests_name("request_reload", tests, NULL, NULL);
}
