/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Jobs beside the loop: their order, their results, and their end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>

#include "attaching.h"
#include "small_backend.h"

static struct attaching *attaching;
static struct backend *backend;

static const struct interface one = {.name = "one", .ifindex = 1};
static const struct interface two = {.name = "two", .ifindex = 2};

static int setup(void **state)
{
	const struct backend_settings settings = {};
	char reason[BACKEND_REASON];

	(void)state;
	small_backends_reset();
	assert_int_equal(small_open_bpf(&backend, &settings, reason), 0);
	assert_int_equal(attaching_start(&attaching), 0);
	asked[0] = '\0';
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	attaching_stop(attaching);
	backend->ops->close(backend);
	return 0;
}

static struct attaching_job *wait_for_job(void)
{
	struct pollfd fd = {.fd = attaching_fd(attaching), .events = POLLIN};
	struct attaching_job *job;

	while (!(job = attaching_take(attaching)))
		assert_int_equal(poll(&fd, 1, 5000), 1);
	return job;
}

static struct hold *opened(const struct interface *interface)
{
	struct attaching_job *job;
	struct hold *hold;

	assert_int_equal(attaching_open(attaching, backend, interface, WAY_OUT), 0);
	job = wait_for_job();
	assert_int_equal(job->kind, ATTACHING_OPEN);
	assert_int_equal(job->err, 0);
	assert_string_equal(job->hold->interface.name, interface->name);
	hold = job->hold;
	free(job);
	return hold;
}

static void test_open(void **state)
{
	struct attaching_job *job;
	struct pollfd fd = {.fd = attaching_fd(attaching), .events = POLLIN};

	(void)state;
	attaching_shut(attaching, backend, opened(&one), false);
	assert_null(attaching_take(attaching));
	assert_int_equal(poll(&fd, 1, 0), 0);
	small_bpf.attach_error = -EPERM;
	assert_int_equal(attaching_open(attaching, backend, &two, WAY_OUT), 0);
	job = wait_for_job();
	assert_int_equal(job->err, -EPERM);
	assert_string_equal(job->reason, "bpf cannot attach");
	assert_int_equal(job->interface.ifindex, 2);
	free(job);
	assert_asked("bpf.attach:one bpf.attach:two");
}

static void test_check(void **state)
{
	struct hold *hold = opened(&one);
	struct attaching_job *job;

	(void)state;
	small_bpf.check_error = -ENOENT;
	assert_int_equal(attaching_check(attaching, backend, hold), 0);
	job = wait_for_job();
	assert_int_equal(job->kind, ATTACHING_CHECK);
	assert_ptr_equal(job->hold, hold);
	assert_int_equal(job->err, -ENOENT);
	free(job);

	/* Nobody hears of what is shut: its address may be another's by then. */
	assert_int_equal(attaching_check(attaching, backend, hold), 0);
	attaching_shut(attaching, backend, hold, false);
	usleep(50000);
	assert_null(attaching_take(attaching));
}

/* What is to be opened is not kept waiting by what is to be shut or checked; but what is to be
 * opened again is shut before. */
static void test_order(void **state)
{
	struct hold *hold = opened(&one), *other = opened(&one);
	struct attaching_job *job;

	(void)state;
	asked[0] = '\0';
	small_bpf.slow_ms = 50;
	assert_int_equal(attaching_open(attaching, backend, &one, WAY_OUT), 0);
	usleep(10000); /* that is under way, and the rest waits */
	small_bpf.tell_shut = true;
	attaching_shut(attaching, backend, hold, false);
	assert_int_equal(attaching_open(attaching, backend, &two, WAY_OUT), 0);
	attaching_shut(attaching, backend, other, true);
	for (int i = 0; i < 2; i++) {
		job = wait_for_job();
		free(job->hold);
		free(job);
	}
	attaching_cancel(attaching);
	assert_asked("bpf.attach:one bpf.shut bpf.attach:two bpf.shut");
}

/* What has not begun is left out; what was opened is shut. */
static void test_cancel(void **state)
{
	(void)state;
	small_bpf.tell_shut = true;
	small_bpf.slow_ms = 50;
	for (int i = 0; i < 20; i++)
		assert_int_equal(attaching_open(attaching, backend, &one, WAY_OUT), 0);
	usleep(10000);
	attaching_cancel(attaching);
	assert_asked("bpf.attach:one bpf.shut");
	assert_null(attaching_take(attaching));
}

#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {T(open), T(check), T(order), T(cancel)};

	return cmocka_run_group_tests_name("attaching", tests, NULL, NULL);
}
