/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the service manager is told, and when the watchdog is fed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "clock.h"
#include "manager.h"
#include "reload_reply.h"
#include "supervisor.h"
#include "unique.h"

static struct event_loop *loop;
static struct supervisor supervisor;
static struct capture capture;
static char name[64];
static int manager;

static int setup(void **state)
{
	(void)state;
	snprintf(name, sizeof(name), "@metro-supervisor-%llx", unique_number());
	manager = manager_open(name);
	setenv("NOTIFY_SOCKET", name, 1);
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	log_capture(&capture);
	return event_loop_new(&loop);
}

static int teardown(void **state)
{
	(void)state;
	unsetenv("NOTIFY_SOCKET");
	close(manager);
	event_loop_free(loop);
	log_close();
	capture_free(&capture);
	return 0;
}

static void test_life(void **state)
{
	unsigned long long usec, now = monotonic_ns() / NS_PER_US;
	char text[256];

	(void)state;
	supervisor_start(&supervisor, loop);
	assert_silence(manager);
	supervisor_ready(&supervisor, "measuring");
	assert_told(manager, "READY=1\nSTATUS=measuring");
	supervisor_say(&supervisor, "measuring; 3 samples a second");
	assert_told(manager, "STATUS=measuring; 3 samples a second");
	supervisor_reloading(&supervisor);
	assert_true(server_receive(manager, text, sizeof(text)) > 0);
	assert_int_equal(sscanf(text, "RELOADING=1\nMONOTONIC_USEC=%llu", &usec), 1);
	assert_in_range(usec, now, now + 10 * 1000 * 1000);
	supervisor_reloaded(&supervisor, 0, "measuring");
	assert_told(manager, "READY=1\nSTATUS=measuring");
	supervisor_stopping(&supervisor);
	assert_told(manager, "STOPPING=1\nSTATUS=stopping");
	supervisor_stop(&supervisor);
	assert_silence(manager);
	assert_string_equal(capture_read(&capture), "");
}

/* The status tells of a reload that failed, until one does not. */
static void test_stale(void **state)
{
	(void)state;
	supervisor_start(&supervisor, loop);
	supervisor_reloaded(&supervisor, -EINVAL, "measuring");
	assert_told(manager, "READY=1\nSTATUS=the last reload failed, see the log; measuring");
	supervisor_say(&supervisor, "measuring");
	assert_told(manager, "STATUS=the last reload failed, see the log; measuring");
	supervisor_reloaded(&supervisor, 0, "measuring");
	assert_told(manager, "READY=1\nSTATUS=measuring");
	supervisor_stop(&supervisor);
}

/* From the loop, twice in the time. */
static void test_watchdog(void **state)
{
	__u64 begin;

	(void)state;
	setenv("WATCHDOG_USEC", "400000", 1);
	supervisor_start(&supervisor, loop);
	assert_true(supervisor.watchdog >= 0);
	usleep(300000);
	assert_silence(manager); /* the loop stands still */
	begin = monotonic_ms();
	event_loop_once(loop, true);
	assert_told(manager, "WATCHDOG=1");
	event_loop_once(loop, true);
	assert_told(manager, "WATCHDOG=1");
	assert_in_range(monotonic_ms() - begin, 50, 5000);
	supervisor_stop(&supervisor);
	assert_int_equal(event_loop_once(loop, false), 0);
	assert_silence(manager);
}

/* One that watches another process, our parent; one that is off. */
static void test_others_watchdog(void **state)
{
	char pid[16];

	(void)state;
	setenv("WATCHDOG_USEC", "400000", 1);
	setenv("WATCHDOG_PID", "1", 1);
	supervisor_start(&supervisor, loop);
	assert_int_equal(supervisor.watchdog, -1);
	supervisor_stop(&supervisor);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("WATCHDOG_PID", pid, 1);
	supervisor_start(&supervisor, loop);
	assert_true(supervisor.watchdog >= 0);
	supervisor_stop(&supervisor);
	setenv("WATCHDOG_USEC", "0", 1);
	supervisor_start(&supervisor, loop);
	assert_int_equal(supervisor.watchdog, -1);
	supervisor_stop(&supervisor);
}

static void test_nobody(void **state)
{
	(void)state;
	unsetenv("NOTIFY_SOCKET");
	setenv("WATCHDOG_USEC", "400000", 1);
	supervisor_start(&supervisor, loop);
	assert_int_equal(supervisor.watchdog, -1);
	supervisor_ready(&supervisor, "x");
	supervisor_stopping(&supervisor);
	supervisor_stop(&supervisor);
	assert_string_equal(capture_read(&capture), "");
	assert_silence(manager);
}

static void test_wrong_address(void **state)
{
	(void)state;
	setenv("NOTIFY_SOCKET", "nowhere", 1);
	supervisor_start(&supervisor, loop);
	supervisor_ready(&supervisor, "x");
	supervisor_stop(&supervisor);
	assert_non_null(strstr(capture_read(&capture), "NOTIFY_SOCKET=nowhere is no address"));
}

/* Whoever asked is told, and nobody else. */
static void test_reply(void **state)
{
	int asker = manager_open("@fffff");

	(void)state;
	supervisor_start(&supervisor, loop);
	supervisor_reply(&supervisor, RELOAD_WANTS_REPLY | 0xfffff, -ENOMEM);
	assert_told(asker, "-12");
	supervisor_reply(&supervisor, RELOAD_WANTS_REPLY | 0xfffff, 0);
	assert_told(asker, "0");
	supervisor_reply(&supervisor, 0xfffff, 0);
	supervisor_reply(&supervisor, 0, 0);
	assert_silence(asker);
	close(asker);
	supervisor_reply(&supervisor, RELOAD_WANTS_REPLY | 0xfffff, 0); /* it is gone */
	supervisor_stop(&supervisor);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_life),     TEST(test_stale),
		TEST(test_watchdog), TEST(test_others_watchdog),
		TEST(test_nobody),   TEST(test_wrong_address),
		TEST(test_reply),
	};

	return cmocka_run_group_tests_name("supervisor", tests, NULL, NULL);
}
