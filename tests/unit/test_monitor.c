/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is measured at the start, after another configuration, of many interfaces, and where there
 * are no samples; in a network namespace of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "monitor_fixture.h"

/* ---- the start ---- */

/* One is enough; what is missing is waited for. */
static void test_start(void **state)
{
	(void)state;
	configure("lo", "metro-none", "lo");
	started();
	assert_asked("bpf.attach:lo");
	assert_int_equal(said("WARNING interface metro-none does not exist; waiting for it\n"), 1);
	assert_int_equal(said("INFO measuring on lo with bpf\n"), 1);
	look();
	look();
	assert_asked("");
	assert_int_equal(said("\n"), 2);
	monitor_detach(&monitor, backend);
	assert_asked("bpf.detach:1");
	monitor_detach(&monitor, backend);
	assert_asked("");
}

/* What several instances want of an interface, it is opened for once; again if that changes. */
static void test_ways(void **state)
{
	static const char text[] = "instances:\n"
				   "- {interface: lo, ips: [10.0.0.1]}\n"
				   "- {interface: lo, ips: [10.0.0.2], direction: in}\n";
	struct plan old;

	(void)state;
	configure("lo", NULL, NULL);
	started();
	assert_int_equal(small_bpf.ways, WAY_OUT);
	asked[0] = '\0';
	old = plan;
	plan = plan_of(text);
	assert_int_equal(monitor_configure(&monitor, plan.config), 0);
	plan_free(&old);
	look();
	look();
	assert_asked("leaving bpf.detach:1 bpf.attach:lo");
	assert_int_equal(small_bpf.ways, WAY_OUT | WAY_IN);
	assert_int_equal(monitor.reattached, 0);
	explain(10, true);
	assert_asked("bpf.look_out:1:on bpf.look_out:1073741825:on");
}

static void test_none(void **state)
{
	(void)state;
	configure("metro-none", NULL, NULL);
	assert_int_equal(start(), -ENODEV);
	assert_string_equal(reason, "interface metro-none does not exist");
	assert_asked("");
	assert_int_equal(said("\n"), 0); /* the caller says it */
	configure("metro-none*", NULL, NULL);
	assert_int_equal(start(), -ENODEV);
	assert_string_equal(reason, "no interface matches metro-none*");
}

/* A daemon waits for its interfaces, and says so once. */
static void test_waits(void **state)
{
	(void)state;
	enter_namespace();
	monitor.must_find = false;
	configure("m0", "[ n*, n0 ]", "default");
	started();
	look();
	assert_asked("");
	assert_int_equal(said("WARNING interface m0 does not exist; waiting for it\n"), 1);
	assert_int_equal(said("WARNING no interface matches n*; waiting for one\n"), 1);
	assert_int_equal(said("WARNING there is no default route; waiting for one\n"), 1);
	assert_int_equal(said("\n"), 4); /* n0, too */
	add_link("n0", 70);
	look();
	assert_asked("bpf.attach:n0-end bpf.attach:n0");
	assert_int_equal(monitor.reattached, 0);
}

static void test_refused(void **state)
{
	(void)state;
	small_bpf.attach_error = -EPERM;
	configure("lo", NULL, NULL);
	assert_int_equal(start(), -EPERM);
	assert_string_equal(reason, "bpf cannot attach");
	small_bpf.attach_error = 0;
	small_bpf.adopt_error = -ENOSPC;
	assert_int_equal(start(), -ENOSPC);
	assert_string_equal(reason, "bpf cannot adopt");
}

/* There was nothing to try the backend with, and then it is of no use. */
static void test_refused_late(void **state)
{
	(void)state;
	enter_namespace();
	monitor.must_find = false;
	configure("m0", NULL, NULL);
	started();
	add_link("m0", 70);
	small_bpf.attach_error = -EPERM;
	may_fall_back = true;
	look();
	assert_asked("bpf.attach:m0 refused:bpf cannot attach");
	assert_int_equal(said("ERROR"), 0);
	may_fall_back = false;
	look();
	assert_asked("bpf.attach:m0 refused:bpf cannot attach");
	assert_int_equal(said("ERROR bpf cannot attach\n"), 1);
	/* Once it was of use, what goes wrong is the interface's fault. */
	small_bpf.attach_error = 0;
	look();
	small_bpf.attach_error = -EPERM;
	add_link("m1", 80);
	configure("m0", "m1", NULL);
	look();
	assert_asked("bpf.attach:m0 bpf.attach:m1");
}

/* Those that a pattern means are opened beside the loop, but for the first, which shows whether the
 * backend is of use. */
static void test_refused_pattern(void **state)
{
	(void)state;
	enter_namespace();
	add_link("m0", 70);
	configure("m*", NULL, NULL);
	small_bpf.attach_error = -EPERM;
	assert_int_equal(start(), -EPERM);
	assert_asked("bpf.attach:m0-end bpf.attach:m0");
	monitor_detach(&monitor, backend);
	small_bpf.attach_error = 0;
	started();
	assert_asked("bpf.attach:m0-end bpf.attach:m0");
	assert_int_equal(monitor.measured, 2);
}

/* What goes wrong later is said once, and tried again. */
static void test_tried_again(void **state)
{
	(void)state;
	small_bpf.attach_error = -EPERM;
	configure("lo", NULL, NULL);
	for (int i = 0; i < 3; i++)
		look();
	assert_asked("bpf.attach:lo bpf.attach:lo bpf.attach:lo");
	assert_int_equal(said("ERROR bpf cannot attach\n"), 1);
	look_again(false); /* nothing about it has changed */
	assert_asked("");
	small_bpf.attach_error = -EACCES;
	look();
	assert_int_equal(said("ERROR bpf cannot attach\n"), 2);
	small_bpf.attach_error = 0;
	look();
	look();
	assert_asked("bpf.attach:lo bpf.attach:lo");
	assert_int_equal(monitor.reattached, 0); /* it was never lost */
}

/* ---- the configuration changes ---- */

static void test_configure(void **state)
{
	(void)state;
	configure("lo", "metro-none", NULL);
	started();
	asked[0] = '\0';
	configure("metro-none", "lo", NULL);
	look();
	assert_asked("");
	configure("metro-none", NULL, NULL);
	look();
	assert_asked("leaving bpf.detach:1");
	configure("lo", NULL, NULL);
	look();
	assert_asked("bpf.attach:lo");
	assert_int_equal(monitor.reattached, 0);
}

/* ---- many ---- */

static void test_burst(void **state)
{
	char name[16];

	(void)state;
	enter_namespace();
	monitor.must_find = false;
	configure("[ 'm*', '!*-end' ]", NULL, NULL);
	started();
	for (int i = 0; i < 5; i++) {
		snprintf(name, sizeof(name), "m%d", i);
		add_link(name, 70 + i);
	}
	small_bpf.removed = 2;
	look();
	small_bpf.removed = 0;
	assert_int_equal(said("INFO measuring on 5 interfaces (m0, m1, m2, ...) with bpf\n"), 1);
	assert_int_equal(said("INFO removed 10 filters that a killed bpf-metro had left on 5 "
			      "interfaces\n"),
			 1);
	for (int i = 5; i < 9; i++) {
		snprintf(name, sizeof(name), "m%d", i);
		add_link(name, 70 + i);
	}
	assert_true(run_tool("ip link del m0; ip link del m4"));
	look();
	assert_int_equal(said("INFO measuring on 4 more interfaces (m5, m6, m7, ...) with bpf, no "
			      "longer on 2\n"),
			 1);
	assert_int_equal(monitor.measured, 7);
	assert_true(run_tool("for i in 1 2 3 5; do ip link del m$i; done"));
	look();
	assert_int_equal(said("INFO no longer measuring on 4 interfaces (m1, m2, m3, ...)\n"), 1);
	assert_true(run_tool("ip link del m6"));
	look();
	assert_int_equal(said("INFO no longer measuring on m6\n"), 1);
	assert_int_equal(said("\n"), 6);
}

/* ---- silence ---- */

/* Only for an interface that has peers: no other can have samples. */
static void test_silence(void **state)
{
	(void)state;
	configure("lo", NULL, NULL);
	started();
	asked[0] = '\0';
	small_bpf.figures.unanswered = 2;
	explain(10, true);
	assert_asked("bpf.look_out:1:off");
	assert_int_equal(said("WARNING lo: no round-trip time in 10 s; seen instead: "), 1);
	explain(20, true);
	assert_int_equal(said("no round-trip time"), 1);
	small_bpf.figures.samples = 1;
	explain(30, true);
	small_bpf.figures.unanswered = 3;
	explain(31, true);
	assert_asked("bpf.look_out:1:off bpf.look_out:1:off bpf.look_out:1:on");
}

static void test_no_silence(void **state)
{
	(void)state;
	configure("lo", NULL, NULL);
	started();
	asked[0] = '\0';
	peers_rest(plan.peers, 0, true);
	small_bpf.figures.unanswered = 2;
	for (unsigned int second = 10; second <= 100; second += 10)
		explain(second, true);
	assert_int_equal(said("\n"), 1); /* that it measures */
	monitor_detach(&monitor, backend);
	asked[0] = '\0';
	explain(110, true);
	assert_asked("");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(start),           T(ways),        T(none),
		T(waits),           T(refused),     T(refused_late),
		T(refused_pattern), T(tried_again), T(configure),
		T(burst),           T(silence),     T(no_silence),
	};

	return cmocka_run_group_tests_name("monitor", tests, NULL, NULL);
}
