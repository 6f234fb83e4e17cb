/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Interfaces that come and go, in a network namespace of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "monitor.h"
#include "namespace.h"
#include "plans.h"
#include "small_backend.h"

static struct capture capture;
static struct monitor monitor;
static struct plan plan;
static struct backend *backend;
static char reason[BACKEND_REASON];

static void leaving(void *arg)
{
	assert_ptr_equal(arg, &plan);
	note("leaving");
}

static int setup(void **state)
{
	const struct backend_settings settings = {};

	(void)state;
	log_capture(&capture);
	small_backends_reset();
	monitor = (struct monitor){.leaving = leaving, .arg = &plan};
	plan = (struct plan){};
	assert_int_equal(small_open_bpf(&backend, &settings, reason), 0);
	asked[0] = '\0';
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	monitor_free(&monitor);
	backend->ops->close(backend);
	plan_free(&plan);
	log_release(&capture);
	return 0;
}

/* The interfaces that the configuration has, up to three. */
static void configure(const char *a, const char *b, const char *c)
{
	char text[256];

	snprintf(text, sizeof(text), "instances:\n- {interface: %s, ips: [10.0.0.1]}\n", a);
	if (b)
		sprintf(text + strlen(text), "- {interface: %s, ips: [10.0.0.1]}\n", b);
	if (c)
		sprintf(text + strlen(text), "- {interface: %s, ips: [10.0.0.1]}\n", c);
	plan_free(&plan);
	plan = plan_of(text);
	assert_int_equal(monitor_configure(&monitor, plan.config, backend), 0);
}

static void started(void)
{
	assert_int_equal(monitor_start(&monitor, backend, reason), 0);
}

static int said(const char *text)
{
	return count_of(capture_read(&capture), text);
}

static void explain(unsigned int second, bool watched)
{
	const __u64 counters[COUNTERS] = {};
	const struct silence_terms terms = {.now_ns = monotonic_ns() + second * NS_PER_S,
					    .interval_s = 10,
					    .watched = watched,
					    .counters = counters};

	monitor_explain(&monitor, backend, plan.peers, &terms);
}

/* ---- the start ---- */

/* One is enough; what is missing is waited for. */
static void test_start(void **state)
{
	(void)state;
	configure("lo", "metro-none", "lo");
	started();
	assert_asked("bpf.attach:lo");
	assert_int_equal(said("WARNING interface metro-none does not exist; waiting for it\n"), 1);
	monitor_follow(&monitor, backend);
	monitor_follow(&monitor, backend);
	assert_asked("");
	assert_int_equal(said("\n"), 1);
	monitor_detach(&monitor, backend);
	assert_asked("bpf.detach:1");
	monitor_detach(&monitor, backend);
	assert_asked("");
}

/* What several instances want of an interface, it is attached for once; again if that changes. */
static void test_ways(void **state)
{
	static const char text[] = "instances:\n"
				   "- {interface: lo, ips: [10.0.0.1]}\n"
				   "- {interface: lo, ips: [10.0.0.2], direction: in}\n";

	(void)state;
	configure("lo", NULL, NULL);
	started();
	assert_int_equal(small_bpf.ways, WAY_OUT);
	asked[0] = '\0';
	plan_free(&plan);
	plan = plan_of(text);
	assert_int_equal(monitor_configure(&monitor, plan.config, backend), 0);
	monitor_follow(&monitor, backend);
	monitor_follow(&monitor, backend);
	assert_asked("bpf.detach:1 bpf.attach:lo");
	assert_int_equal(small_bpf.ways, WAY_OUT | WAY_IN);
	assert_int_equal(monitor.reattached, 0);
	explain(10, true);
	assert_asked("bpf.look_out:1:on bpf.look_out:1073741825:on");
}

static void test_none(void **state)
{
	(void)state;
	configure("metro-none", NULL, NULL);
	assert_int_equal(monitor_start(&monitor, backend, reason), -ENODEV);
	assert_string_equal(reason, "interface metro-none does not exist");
	assert_asked("");
	assert_int_equal(said("\n"), 0); /* the caller says it */
}

static void test_refused(void **state)
{
	(void)state;
	small_bpf.attach_error = -EPERM;
	configure("lo", NULL, NULL);
	assert_int_equal(monitor_start(&monitor, backend, reason), -EPERM);
	assert_string_equal(reason, "bpf cannot attach");
}

/* What goes wrong later is said once, and tried again. */
static void test_tried_again(void **state)
{
	(void)state;
	small_bpf.attach_error = -EPERM;
	configure("lo", NULL, NULL);
	for (int i = 0; i < 3; i++)
		monitor_follow(&monitor, backend);
	assert_asked("bpf.attach:lo bpf.attach:lo bpf.attach:lo");
	assert_int_equal(said("ERROR bpf cannot attach\n"), 1);
	small_bpf.attach_error = -EACCES;
	monitor_follow(&monitor, backend);
	assert_int_equal(said("ERROR bpf cannot attach\n"), 2);
	small_bpf.attach_error = 0;
	monitor_follow(&monitor, backend);
	monitor_follow(&monitor, backend);
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
	monitor_follow(&monitor, backend);
	assert_asked("");
	configure("metro-none", NULL, NULL);
	assert_asked("bpf.detach:1");
	configure("lo", NULL, NULL);
	monitor_follow(&monitor, backend);
	assert_asked("bpf.attach:lo");
	assert_int_equal(monitor.reattached, 0);
}

/* ---- interfaces change ---- */

static void test_comes_and_goes(void **state)
{
	(void)state;
	enter_namespace();
	configure("lo", "m0", NULL);
	started();
	asked[0] = '\0';
	add_link("m0", 70);
	monitor_follow(&monitor, backend);
	assert_asked("bpf.attach:m0");
	assert_true(run_tool("ip link del m0"));
	monitor_follow(&monitor, backend);
	assert_asked("leaving bpf.detach:70");
	assert_int_equal(said("WARNING interface m0 is gone\n"), 1);
	monitor_follow(&monitor, backend);
	assert_asked("");
	assert_int_equal(said("m0"), 2); /* it is waited for, it is gone */
	assert_int_equal(monitor.reattached, 0);

	add_link("m0", 71);
	monitor_follow(&monitor, backend);
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
	monitor_follow(&monitor, backend);
	assert_asked("leaving bpf.detach:70 bpf.attach:m0");
	assert_int_equal(said("WARNING interface m0 is gone\n"), 1);
	assert_int_equal(monitor.reattached, 1);
}

/* .. and has the same index. Only the backend can notice that. */
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
	monitor_follow(&monitor, backend);
	assert_asked("");
	small_bpf.check_error = -ENOENT;
	monitor_follow(&monitor, backend);
	assert_asked("leaving bpf.detach:70 bpf.attach:m0");
	assert_int_equal(said("WARNING bpf cannot be found; attaching again\n"), 1);
	assert_int_equal(monitor.reattached, 1);
	small_bpf.check_error = 0;
	monitor_follow(&monitor, backend);
	assert_asked("");
}

static void test_renamed(void **state)
{
	(void)state;
	enter_namespace();
	add_link("m0", 70);
	configure("lo", "m0", "m1");
	started();
	asked[0] = '\0';
	assert_true(run_tool("ip link set dev m0 name m1"));
	monitor_follow(&monitor, backend);
	assert_asked("leaving bpf.detach:70 bpf.attach:m1");
	assert_int_equal(said("interface m0 is gone\n"), 1);
}

/* First both go, then both come. */
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
	monitor_follow(&monitor, backend);
	assert_asked("leaving bpf.detach:70 leaving bpf.detach:72 bpf.attach:m0 bpf.attach:m1");
	assert_int_equal(monitor.reattached, 2);
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
	monitor_follow(&monitor, backend);
	assert_asked("");
	assert_int_equal(said(one), 1);

	/* Under the name that is left it goes on. */
	configure("other", NULL, NULL);
	assert_asked("bpf.detach:70");
	monitor_follow(&monitor, backend);
	assert_asked("bpf.attach:other");
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
	assert_int_equal(said("\n"), 0);
	monitor_detach(&monitor, backend);
	asked[0] = '\0';
	explain(110, true);
	assert_asked("");
}

#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(start),   T(none),       T(refused),        T(tried_again), T(configure),
		T(silence), T(no_silence), T(comes_and_goes), T(same_name),   T(same_index),
		T(renamed), T(exchanged),  T(two_names),      T(ways),
	};

	return cmocka_run_group_tests_name("monitor", tests, NULL, NULL);
}
