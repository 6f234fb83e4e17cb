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

#include <sys/wait.h>

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

static bool may_fall_back;

static bool refused(void *arg, const char *why)
{
	assert_ptr_equal(arg, &plan);
	note("refused:%s", why);
	return may_fall_back;
}

static int setup(void **state)
{
	const struct backend_settings settings = {};

	(void)state;
	log_capture(&capture);
	small_backends_reset();
	monitor = (struct monitor){
		.leaving = leaving, .refused = refused, .arg = &plan, .must_find = true};
	assert_int_equal(attaching_start(&monitor.attaching), 0);
	plan = (struct plan){};
	assert_int_equal(small_open_bpf(&backend, &settings, reason), 0);
	asked[0] = '\0';
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	monitor_detach(&monitor, backend);
	attaching_stop(monitor.attaching);
	monitor_free(&monitor);
	backend->ops->close(backend);
	plan_free(&plan);
	log_release(&capture);
	return 0;
}

/* The interfaces that the configuration has, up to three. */
static void configure(const char *a, const char *b, const char *c)
{
	struct plan old = plan;
	char text[256];

	snprintf(text, sizeof(text), "instances:\n- {interface: %s, ips: [10.0.0.1]}\n", a);
	if (b)
		sprintf(text + strlen(text), "- {interface: %s, ips: [10.0.0.1]}\n", b);
	if (c)
		sprintf(text + strlen(text), "- {interface: %s, ips: [10.0.0.1]}\n", c);
	plan = plan_of(text);
	assert_int_equal(monitor_configure(&monitor, plan.config), 0);
	plan_free(&old);
}

/* What is attached beside the loop is: the burst is said at once. */
static void settle(void)
{
	do {
		usleep(1000);
		monitor.burst.said_ns = 0;
		monitor_take(&monitor, backend);
	} while (monitor.opening);
}

static int start(void)
{
	struct links links;
	int err;

	assert_int_equal(links_read(&links, true), 0);
	err = monitor_start(&monitor, backend, &links, reason);
	links_free(&links);
	settle();
	return err;
}

static void started(void)
{
	assert_int_equal(start(), 0);
}

static void look_again(bool retry)
{
	struct links links;

	assert_int_equal(links_read(&links, true), 0);
	monitor_look(&monitor, backend, &links, retry);
	links_free(&links);
	settle();
}

static void look(void)
{
	look_again(true);
}

/* .. and asks whether what was opened is still there */
static void check(void)
{
	monitor_check(&monitor, backend);
	usleep(20000);
	settle();
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

/* ---- interfaces change ---- */

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

#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(ways),           T(start),          T(none),           T(refused),
		T(tried_again),    T(configure),      T(silence),        T(no_silence),
		T(comes_and_goes), T(same_name),      T(same_index),     T(renamed),
		T(exchanged),      T(two_names),      T(waits),          T(refused_pattern),
		T(refused_late),   T(away),           T(gone_meanwhile), T(end_meanwhile),
		T(down),           T(burst),          T(torn),           T(same_index_other_type),
		T(checks_wait),    T(gone_unnoticed),
	};

	return cmocka_run_group_tests_name("monitor", tests, NULL, NULL);
}
