/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Interfaces that come and go, change their names or their nature, or go down, in a network
 * namespace of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "monitor_fixture.h"

#include <sys/wait.h>

static void test_comes_and_goes(void **state)
{
	(void)state;
	enter_namespace();
	configure("lo", "m0", NULL);
	started();
	asked[0] = '\0';
	add_link("m0", 70);
	look();
	assert_asked("bpf.attach:m0");
	assert_true(run_tool("ip link del m0"));
	look();
	assert_asked("leaving bpf.detach:70");
	assert_int_equal(said("WARNING interface m0 is gone\n"), 1);
	look();
	assert_asked("");
	assert_int_equal(said("m0"), 3); /* it is waited for, it is measured, it is gone */
	assert_int_equal(monitor.reattached, 0);

	add_link("m0", 71);
	look();
	assert_asked("bpf.attach:m0");
	assert_int_equal(monitor.reattached, 1);
	monitor_detach(&monitor, backend);
	assert_asked("bpf.detach:1 bpf.detach:71");
}

/* It went and came between two looks. */
static void test_same_name(void **state)
{
	(void)state;
	enter_namespace();
	add_link("m0", 70);
	configure("m0", NULL, NULL);
	started();
	assert_true(run_tool("ip link del m0"));
	add_link("m0", 71);
	asked[0] = '\0';
	look();
	assert_asked("leaving bpf.detach:70 bpf.attach:m0");
	assert_int_equal(said("WARNING interface m0 is gone\n"), 1);
	assert_int_equal(monitor.reattached, 1);
}

/* .. and has the index that it had. That the backend alone can know. */
static void test_same_index(void **state)
{
	(void)state;
	enter_namespace();
	add_link("m0", 70);
	configure("m0", NULL, NULL);
	started();
	assert_true(run_tool("ip link del m0"));
	add_link("m0", 70);
	asked[0] = '\0';
	look();
	check();
	assert_asked("bpf.rename:m0"); /* its hardware address is another */
	small_bpf.check_error = -ENOENT;
	check();
	assert_asked("leaving bpf.detach:70 bpf.attach:m0");
	assert_int_equal(said("WARNING bpf cannot be found; attaching again\n"), 1);
	assert_int_equal(monitor.reattached, 1);
	small_bpf.check_error = 0;
	check();
	assert_asked("");
}

/* .. but where it has gone, there is nothing to attach to. */
static void test_gone_unnoticed(void **state)
{
	(void)state;
	enter_namespace();
	add_link("m0", 70);
	configure("m0", NULL, NULL);
	started();
	asked[0] = '\0';
	assert_true(run_tool("ip link del m0"));
	small_bpf.check_error = -ENOENT;
	check();
	assert_asked("");
	assert_int_equal(said("attaching again"), 0);
	look();
	assert_asked("leaving bpf.detach:70");
	assert_int_equal(said("interface m0 is gone"), 1);
}

/* .. and another link layer: what was opened by then has the programs of the one before. */
static void test_same_index_other_type(void **state)
{
	struct link m0 = {.interface = {.name = "m0", .ifindex = 70, .type = 1}, .altnames = ""};
	struct links links = {.at = &m0, .count = 1, .whole = true};

	(void)state;
	configure("m*", NULL, NULL);
	monitor_look(&monitor, backend, &links, false);
	settle();
	m0.interface.type = 65534;
	strcpy(m0.interface.name, "m1");
	monitor_look(&monitor, backend, &links, false);
	settle();
	assert_asked("bpf.attach:m0 leaving bpf.detach:70 bpf.attach:m1");
	assert_int_equal(said("renamed"), 0);

	/* While it was opened. */
	small_bpf.slow_ms = 50;
	strcpy(m0.interface.name, "m2");
	m0.interface.type = 1;
	monitor_look(&monitor, backend, &links, false);
	usleep(10000);
	m0.interface.type = 65534;
	monitor_look(&monitor, backend, &links, false);
	settle();
	assert_asked("leaving bpf.detach:70 bpf.attach:m2 bpf.attach:m2");
}

/* Checks that nothing has come of yet are not asked for again. */
static void test_checks_wait(void **state)
{
	struct link m[2] = {{.interface = {.name = "m0", .ifindex = 70}, .altnames = ""},
			    {.interface = {.name = "m1", .ifindex = 71}, .altnames = ""}};
	struct links links = {.at = m, .count = 1, .whole = true};
	struct attaching_job *job;
	int checks = 0;

	(void)state;
	configure("m*", NULL, NULL);
	monitor_look(&monitor, backend, &links, false);
	settle();
	small_bpf.slow_ms = 50;
	links.count = 2;
	monitor_look(&monitor, backend, &links, false);
	for (int i = 0; i < 5; i++)
		monitor_check(&monitor, backend);
	usleep(100000);
	while ((job = attaching_take(monitor.attaching))) {
		checks += job->kind == ATTACHING_CHECK;
		if (job->kind == ATTACHING_OPEN)
			backend->ops->shut(job->hold);
		free(job);
	}
	assert_int_equal(checks, 1);
}

/* What a torn snapshot does not have may be there: an interface, or its default route. */
static void test_torn(void **state)
{
	struct link m0 = {.interface = {.name = "m0", .ifindex = 70}, .altnames = ""};
	struct links links = {.at = &m0, .count = 1, .whole = true};

	(void)state;
	configure("default", NULL, NULL);
	m0.is_default = true;
	monitor_look(&monitor, backend, &links, false);
	settle();
	assert_asked("bpf.attach:m0");
	links.whole = m0.is_default = false;
	monitor_look(&monitor, backend, &links, false);
	links.count = 0;
	monitor_look(&monitor, backend, &links, false);
	settle();
	assert_asked("");
	links.whole = true;
	monitor_look(&monitor, backend, &links, false);
	settle();
	assert_asked("leaving bpf.detach:70");
}

/* Its name is new, and what measures it goes on. */
static void test_renamed(void **state)
{
	(void)state;
	enter_namespace();
	add_link("m0", 70);
	configure("lo", "m0", "m1");
	started();
	asked[0] = '\0';
	assert_true(run_tool("ip link set dev m0 name m1"));
	look();
	assert_asked("leaving bpf.rename:m1");
	assert_int_equal(said("INFO measuring on m1 goes on: it was renamed from m0\n"), 1);
	assert_int_equal(said("interface m0 does not exist; waiting for it\n"), 1);
	assert_int_equal(said("gone"), 0);

	/* Under this one nobody wants it. */
	assert_true(run_tool("ip link set dev m1 name m2"));
	look();
	assert_asked("leaving bpf.detach:70");
	assert_int_equal(said("WARNING interface m1 is gone\n"), 1);
}

static void test_exchanged(void **state)
{
	(void)state;
	enter_namespace();
	add_link("m0", 70);
	add_link("m1", 72);
	configure("m0", "m1", NULL);
	started();
	asked[0] = '\0';
	assert_true(run_tool("ip link set dev m0 name away"));
	assert_true(run_tool("ip link set dev m1 name m0"));
	assert_true(run_tool("ip link set dev away name m1"));
	look();
	assert_asked("leaving bpf.rename:m1 bpf.rename:m0");
	assert_int_equal(said("renamed from m0"), 1);
	assert_int_equal(said("renamed from m1"), 1);
	assert_int_equal(monitor.reattached, 0);
}

static void test_two_names(void **state)
{
	const char *one = "INFO other and m0 are the same interface: it is measured once, as m0\n";

	(void)state;
	enter_namespace();
	add_link("m0", 70);
	assert_true(run_tool("ip link property add dev m0 altname other"));
	configure("m0", "other", NULL);
	started();
	assert_asked("bpf.attach:m0");
	look();
	assert_asked("");
	assert_int_equal(said(one), 1);

	/* Under the name that is left it goes on. */
	configure("other", NULL, NULL);
	look();
	assert_asked("leaving bpf.rename:other");
	assert_int_equal(said("INFO measuring on other goes on"), 1);
}

/* It goes to another network namespace, and comes back. */
static void test_away(void **state)
{
	char command[64];
	pid_t child;
	int status;

	(void)state;
	enter_namespace();
	add_link("m0", 70);
	configure("m?", NULL, NULL);
	started();
	asked[0] = '\0';
	child = fork();
	if (!child) {
		unshare(CLONE_NEWNET);
		usleep(500000);
		snprintf(command, sizeof(command), "ip link set m0 netns %d", (int)getppid());
		_exit(!run_tool(command));
	}
	usleep(200000);
	snprintf(command, sizeof(command), "ip link set m0 netns %d", (int)child);
	assert_true(run_tool(command));
	look();
	assert_asked("leaving bpf.detach:70");
	assert_int_equal(said("INFO no longer measuring on m0\n"), 1);
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
	look();
	assert_asked("bpf.attach:m0");
	assert_int_equal(monitor.reattached, 0); /* nobody named it */
}

/* What the kernel took hold of when the interface was gone already. */
static void test_gone_meanwhile(void **state)
{
	struct links links;

	(void)state;
	enter_namespace();
	monitor.must_find = false;
	configure("m0", NULL, NULL);
	started();
	add_link("m0", 70);
	small_bpf.slow_ms = 100;
	assert_int_equal(links_read(&links, false), 0);
	monitor_look(&monitor, backend, &links, false);
	links_free(&links);
	assert_int_equal(monitor.opening, 1);
	assert_true(run_tool("ip link del m0"));
	look();
	usleep(200000);
	settle();
	assert_asked("bpf.attach:m0");
	assert_int_equal(small_bpf.holds_count, 0);
	assert_int_equal(monitor.measured, 0);
}

/* The end comes while interfaces are being opened. */
static void test_end_meanwhile(void **state)
{
	struct links links;

	(void)state;
	enter_namespace();
	monitor.must_find = false;
	configure("m*", NULL, NULL);
	started();
	add_link("m0", 70);
	add_link("m1", 72);
	small_bpf.slow_ms = 100;
	assert_int_equal(links_read(&links, false), 0);
	monitor_look(&monitor, backend, &links, false);
	links_free(&links);
	usleep(50000);
	monitor_detach(&monitor, backend);
	assert_asked("bpf.attach:m0-end"); /* the other three were not begun */
	assert_int_equal(small_bpf.holds_count, 0);
	assert_int_equal(monitor.opening, 0);
	small_bpf.slow_ms = 0;
	look();
	assert_int_equal(monitor.measured, 4);
}

/* An interface that is down, where that is in the way, is waited for. */
static void test_down(void **state)
{
	(void)state;
	enter_namespace();
	add_link("m0", 70);
	configure("m0", NULL, NULL);
	small_bpf.attach_error = -ENETDOWN;
	started();
	assert_int_equal(said("WARNING bpf cannot attach; waiting for it to come up\n"), 1);
	look();
	assert_asked("bpf.attach:m0");
	small_bpf.attach_error = 0;
	assert_true(run_tool("ip link set m0 up"));
	look_again(false);
	assert_asked("bpf.attach:m0");
	/* It goes down, which the backend says. */
	assert_true(run_tool("ip link set m0 down"));
	small_bpf.ended = 70;
	look();
	look();
	assert_int_equal(said("WARNING m0 went down, and is no longer measured; waiting for it to "
			      "come up again\n"),
			 1);
	assert_asked("leaving bpf.detach:70");
	assert_true(run_tool("ip link set m0 up"));
	look_again(false);
	assert_asked("bpf.attach:m0");
	assert_int_equal(said("INFO measuring on m0 with bpf\n"), 1);
	assert_int_equal(said("INFO measuring on m0 again with bpf\n"), 1);
	assert_int_equal(monitor.reattached, 0);
	/* Of one that a pattern found, that is nothing. */
	configure("m*", NULL, NULL);
	small_bpf.attach_error = -ENETDOWN;
	assert_true(run_tool("ip link set m0-end down name m1"));
	look();
	assert_asked("bpf.attach:m1");
	assert_int_equal(said("WARNING bpf cannot attach"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(comes_and_goes),
		T(same_name),
		T(same_index),
		T(gone_unnoticed),
		T(same_index_other_type),
		T(checks_wait),
		T(torn),
		T(renamed),
		T(exchanged),
		T(two_names),
		T(away),
		T(gone_meanwhile),
		T(end_meanwhile),
		T(down),
	};

	return cmocka_run_group_tests_name("monitor_changes", tests, NULL, NULL);
}
