/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Who follows when interfaces change, and in which order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "following.h"
#include "namespace.h"
#include "plans.h"
#include "small_backend.h"

static struct capture capture;
static struct event_loop *loop;
static struct following following;
static struct plan plan;
static struct backend *backend;

/* The index that they know it by. */
static __u32 m0_of_peers(void)
{
	for (size_t i = 0; i < peers_interfaces_count(plan.peers); i++)
		if (peers_interface_at(plan.peers, i).number != 1)
			return peers_interface_at(plan.peers, i).number;
	return 0;
}

static void changed(void *arg)
{
	assert_ptr_equal(arg, &plan);
	note("changed");
}

static void opened(void *arg)
{
	assert_ptr_equal(arg, &plan);
	following_take(&following, backend);
}

static void leaving(void *arg)
{
	assert_ptr_equal(arg, &plan);
	note("leaving:%u", m0_of_peers());
}

static void begin(void)
{
	const struct backend_settings settings = {};
	char reason[BACKEND_REASON];

	enter_namespace();
	log_capture(&capture);
	small_backends_reset();
	plan = plan_of("instances:\n- {interface: lo, ips: [10.0.0.1]}\n"
		       "- {interface: m0, ips: [10.0.0.1]}\n");
	following = (struct following){.changed = changed,
				       .opened = opened,
				       .leaving = leaving,
				       .arg = &plan,
				       .watch = -1,
				       .timer = -1};
	assert_int_equal(event_loop_new(&loop), 0);
	assert_int_equal(following_start(&following, loop, plan.config), 0);
	assert_int_equal(small_open_bpf(&backend, &settings, reason), 0);
	assert_int_equal(following_attach(&following, backend, reason), 0);
	assert_asked("bpf.open bpf.attach:lo");
}

static void end(void)
{
	monitor_detach(&following.monitor, backend);
	following_stop(&following);
	following_stop(&following);
	backend->ops->close(backend);
	event_loop_free(loop);
	plan_free(&plan);
	log_release(&capture);
}

static void look(void)
{
	following_look(&following, backend, plan.peers, false);
	while (following.monitor.opening)
		event_loop_once(loop, true);
}

/* The kernel reports it, perhaps in several messages. */
static void wait_for_change(void)
{
	while (!asked[0])
		assert_int_equal(event_loop_once(loop, true), 0);
	while (asked[0]) {
		asked[0] = '\0';
		assert_int_equal(event_loop_once(loop, false), 0);
	}
}

static void test_watch(void **state)
{
	(void)state;
	begin();
	assert_int_equal(event_loop_once(loop, false), 0);
	assert_asked("");
	add_link("m0", 70);
	wait_for_change();
	assert_true(run_tool("ip addr add 192.0.2.1/24 dev m0"));
	wait_for_change();
	assert_true(run_tool("ip link del m0"));
	wait_for_change();
	end();
}

/* The peers know new indices before anybody attaches to them, and old ones until all is delivered.
 */
static void test_look(void **state)
{
	(void)state;
	begin();
	look();
	assert_asked("bpf.refresh");
	add_link("m0", 70);
	look();
	/* It is opened beside the loop, which goes on meanwhile. */
	if (strcmp(asked, "bpf.peers bpf.attach:m0 bpf.refresh") == 0)
		asked[0] = '\0';
	else
		assert_asked("bpf.peers bpf.refresh bpf.attach:m0");
	assert_int_equal(m0_of_peers(), 70);
	assert_true(run_tool("ip link del m0"));
	look();
	assert_asked("leaving:70 bpf.interfaces leaving:0 bpf.detach:70 bpf.refresh");
	assert_int_equal(m0_of_peers(), 0);
	end();
}

/* What is to be said later does not hold up what has come. */
static void test_sooner(void **state)
{
	__u64 since;

	(void)state;
	begin();
	add_link("m0", 70);
	look();
	assert_true(run_tool("ip link del m0"));
	look(); /* that it had come is to be said in two seconds: lo was said just now */
	since = monotonic_ns();
	add_link("m0", 71);
	wait_for_change();
	assert_true(monotonic_ns() - since < NS_PER_S);
	end();
}

/* Without memory for the peers of what has come, it is told of them with the next report. */
static void test_untold(void **state)
{
	(void)state;
	begin();
	look();
	asked[0] = '\0';
	small_bpf.peers_error = -ENOMEM;
	small_bpf.peers_failures = 1;
	add_link("m0", 70);
	look();
	/* It is attached beside the rest, and comes first now and then. */
	if (strcmp(asked, "bpf.peers bpf.attach:m0 bpf.refresh"))
		assert_asked("bpf.peers bpf.refresh bpf.attach:m0");
	asked[0] = '\0';
	look();
	assert_asked("bpf.refresh");
	following_look(&following, backend, plan.peers, true);
	assert_asked("bpf.peers bpf.refresh");
	following_look(&following, backend, plan.peers, true);
	assert_asked("bpf.refresh");
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_watch),
		cmocka_unit_test(test_look),
		cmocka_unit_test(test_sooner),
		cmocka_unit_test(test_untold),
	};

	return cmocka_run_group_tests_name("following", tests, NULL, NULL);
}
