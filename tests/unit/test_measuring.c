/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which backend measures, and when it is read and swept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "array.h"
#include "measuring.h"
#include "plans.h"
#include "small_backend.h"

static struct capture capture;
static struct measuring_choice choice;
static struct measuring measuring;
static struct event_loop *loop;
static struct plan plan;
static int failure; /* that was reported */
static bool fd_is_bad;

static int attach(void *arg, struct backend *backend, char reason[BACKEND_REASON])
{
	assert_ptr_equal(arg, &failure);
	note("%s.attach", small(backend)->name);
	if (fd_is_bad) {
		close(small(backend)->fd);
		small(backend)->fd = -1;
	}
	return small_answer(small(backend), "attach", small(backend)->attach_error, reason);
}

static void detach(void *arg, struct backend *backend)
{
	(void)arg;
	note("%s.detach", small(backend)->name);
}

static void deliver(void *arg, const struct delivery *delivery)
{
	(void)arg;
	(void)delivery;
}

static void failed(void *arg, int err)
{
	*(int *)arg = err;
}

static const struct measuring_ops ops = {
	.open_bpf = small_open_bpf,
	.open_pcap = small_open_pcap,
	.attach = attach,
	.detach = detach,
	.deliver = deliver,
	.failed = failed,
};

static int setup(void **state)
{
	(void)state;
	log_capture(&capture);
	small_backends_reset();
	choice = (struct measuring_choice){};
	failure = 0;
	fd_is_bad = false;
	plan = plan_of("instances:\n- {interface: lo, ips: [10.0.0.1]}\n");
	assert_int_equal(event_loop_new(&loop), 0);
	measuring = (struct measuring){
		.choice = &choice, .ops = &ops, .arg = &failure, .loop = loop, .batch_limit = 1};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	measuring_close(&measuring);
	event_loop_free(loop);
	plan_free(&plan);
	log_release(&capture);
	return 0;
}

static int start(void)
{
	return measuring_start(&measuring, plan.config, plan.peers);
}

static void started(void)
{
	assert_int_equal(start(), 0);
	assert_asked("bpf.open bpf.peers bpf.attach");
}

/* ---- the choice ---- */

static void test_auto(void **state)
{
	(void)state;
	started();
	assert_ptr_equal(measuring.backend, &small_bpf.backend);
	assert_ptr_equal(small_bpf.peers, plan.peers);
	assert_string_equal(capture_read(&capture), "");
}

/* What BPF cannot do shows only when there is an interface. */
static void test_fallback_later(void **state)
{
	(void)state;
	started();
	assert_true(measuring_may_fall_back(&measuring));
	assert_int_equal(measuring_fall_back(&measuring, plan.config, plan.peers, "no hook"), 0);
	assert_asked("bpf.detach bpf.close pcap.open pcap.peers pcap.attach");
	assert_non_null(
		strstr(capture_read(&capture),
		       "WARNING BPF cannot be used here: no hook; falling back to libpcap\n"));
	assert_ptr_equal(measuring.backend, &small_pcap.backend);
	assert_false(measuring_may_fall_back(&measuring));
	measuring_close(&measuring);
	choice.backend = BACKEND_BPF;
	asked[0] = '\0';
	started();
	assert_false(measuring_may_fall_back(&measuring));
}

/* Whatever BPF cannot do, libpcap is tried; one line in the log says why. */
static void test_fallback(void **state)
{
	static const struct {
		int open, peers, attach;
		const char *asked, *reason;
	} cases[] = {
		{-EPERM, 0, 0, "bpf.open pcap.open pcap.peers pcap.attach", "bpf cannot open"},
		{0, -ENOSPC, 0,
		 "bpf.open bpf.peers bpf.detach bpf.close pcap.open pcap.peers "
		 "pcap.attach",
		 "cannot set the peers"},
		{0, 0, -ENOTSUP,
		 "bpf.open bpf.peers bpf.attach bpf.detach bpf.close pcap.open "
		 "pcap.peers pcap.attach",
		 "bpf cannot attach"},
	};
	char line[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		small_bpf.open_error = cases[i].open;
		small_bpf.peers_error = cases[i].peers;
		small_bpf.attach_error = cases[i].attach;
		assert_int_equal(start(), 0);
		assert_asked(cases[i].asked);
		assert_ptr_equal(measuring.backend, &small_pcap.backend);
		snprintf(line, sizeof(line),
			 "WARNING BPF cannot be used here: %s; falling back to libpcap\n",
			 cases[i].reason);
		assert_int_equal(count_of(capture_read(&capture), line), 1);
		measuring_close(&measuring);
		asked[0] = '\0';
	}
	assert_int_equal(count_of(capture_read(&capture), "\n"), 3);
}

/* For want of memory: the line goes on with what is needed. */
static void test_fallback_for_want_of_memory(void **state)
{
	const char *text;

	(void)state;
	small_bpf.open_error = -ENOMEM;
	assert_int_equal(start(), 0);
	assert_ptr_equal(measuring.backend, &small_pcap.backend);
	text = capture_read(&capture);
	assert_non_null(
		strstr(text, "WARNING BPF cannot be used here: bpf cannot open; it takes "));
	assert_non_null(strstr(text, " MiB at the start, "));
	assert_non_null(strstr(text, "; falling back to libpcap\n"));
}

static void test_both_fail(void **state)
{
	(void)state;
	small_bpf.open_error = -EPERM;
	small_pcap.attach_error = -EACCES;
	assert_int_equal(start(), -EACCES);
	assert_asked("bpf.open pcap.open pcap.peers pcap.attach pcap.detach pcap.close");
	assert_null(measuring.backend);
	assert_non_null(
		strstr(capture_read(&capture), "CRITICAL cannot measure: pcap cannot attach\n"));
}

/* No backend finds an interface that is not there. */
static void test_no_interface(void **state)
{
	(void)state;
	small_bpf.attach_error = -ENODEV;
	assert_int_equal(start(), -ENODEV);
	assert_asked("bpf.open bpf.peers bpf.attach bpf.detach bpf.close");
	assert_null(measuring.backend);
	assert_null(strstr(capture_read(&capture), "libpcap"));
}

static void test_forced(void **state)
{
	(void)state;
	choice.backend = BACKEND_BPF;
	small_bpf.open_error = -EPERM;
	assert_int_equal(start(), -EPERM);
	assert_asked("bpf.open");
	assert_string_equal(strstr(capture_read(&capture), "CRITICAL"),
			    "CRITICAL cannot measure: bpf cannot open\n");
	choice.backend = BACKEND_PCAP;
	assert_int_equal(start(), 0);
	assert_asked("pcap.open pcap.peers pcap.attach");
}

static void test_expression(void **state)
{
	(void)state;
	choice.expression = "port 443";
	assert_int_equal(start(), 0);
	assert_asked("pcap.open pcap.peers pcap.attach");
	assert_string_equal(small_pcap.settings.expression, "port 443");
	assert_non_null(strstr(capture_read(&capture), "INFO --filter does not work with BPF: "));
}

/* It measures, but nobody could hear it. */
static void test_no_events(void **state)
{
	(void)state;
	fd_is_bad = true;
	assert_int_equal(start(), -EBADF);
	assert_asked("bpf.open bpf.peers bpf.attach bpf.detach bpf.close");
	assert_null(measuring.backend);
	assert_non_null(strstr(capture_read(&capture), "cannot measure: Bad file descriptor\n"));
}

/* ---- settings ---- */

static void test_settings(void **state)
{
	struct backend_settings s;

	(void)state;
	plan.config->marks = 16;
	plan.config->max_flows = 1000;
	plan.config->idle_ttl_s = 20;
	plan.config->exp_ttl_s = 3;
	plan.config->metrics = METRIC_BIT(METRIC_HANDSHAKE);
	plan.config->report_interval_s = 10;
	choice.hook = HOOK_XDP;
	choice.delay_ns = 3;
	measuring.batch_limit = 5;
	s = measuring_settings(&measuring, plan.config);
	assert_int_equal(s.marks, 16);
	assert_int_equal(s.file_marks, 0);
	assert_int_equal(s.max_flows, 1000);
	assert_int_equal(s.batch_limit, 5);
	assert_int_equal(s.delay_ns, 0); /* nobody waits for samples by themselves */
	measuring.batch_limit = 1;
	assert_int_equal(measuring_settings(&measuring, plan.config).delay_ns, 3);
	assert_int_equal(s.idle_ns, 20 * NS_PER_S);
	assert_int_equal(s.ended_ns, 3 * NS_PER_S);
	assert_int_equal(s.hook, HOOK_XDP);
	assert_true(s.handshakes);
	assert_int_equal((__u64)s.batch_age * TICK_NS, 2500000000);
	assert_ptr_equal(s.deliver, deliver);
	assert_ptr_equal(s.arg, &failure);

	choice.marks = 64; /* the command line comes first, and goes for files, too */
	plan.config->metrics = METRICS_DEFAULT;
	plan.config->report_interval_s = 3600;
	s = measuring_settings(&measuring, plan.config);
	assert_int_equal(s.marks, 64);
	assert_int_equal(s.file_marks, 64);
	assert_false(s.handshakes);
	assert_int_equal((__u64)s.batch_age * TICK_NS, 60 * NS_PER_S);
	plan.config->report_interval_s = 244;
	s = measuring_settings(&measuring, plan.config);
	assert_int_equal((__u64)s.batch_age * TICK_NS, 60 * NS_PER_S);
}

static void test_follow(void **state)
{
	(void)state;
	measuring_follow(&measuring, plan.config); /* there is none yet */
	assert_asked("");
	started();
	plan.config->idle_ttl_s = 77;
	measuring_follow(&measuring, plan.config);
	assert_asked("bpf.follow");
	assert_int_equal(small_bpf.settings.idle_ns, 77 * NS_PER_S);
}

/* ---- reading and sweeping ---- */

static void test_read(void **state)
{
	(void)state;
	started();
	assert_int_equal(event_loop_once(loop, false), 0);
	assert_asked("");
	eventfd_write(small_bpf.fd, 1);
	assert_int_equal(event_loop_once(loop, true), 0);
	assert_asked("bpf.read");
	assert_int_equal(failure, 0);

	small_bpf.read_error = -ENETDOWN;
	eventfd_write(small_bpf.fd, 1);
	assert_int_equal(event_loop_once(loop, true), 0);
	assert_int_equal(failure, -ENETDOWN);
	assert_non_null(strstr(capture_read(&capture),
			       "CRITICAL cannot go on measuring: Network is down\n"));
}

/* In steps, one at a time, until the walk is complete. */
static void test_sweep(void **state)
{
	(void)state;
	measuring_sweep(&measuring, true);
	assert_false(measuring.sweeping); /* there is nothing to walk over */
	assert_false(measuring_step(&measuring));
	small_bpf.steps = 3;
	started();
	assert_false(measuring_step(&measuring));
	assert_asked("");
	measuring_sweep(&measuring, true);
	assert_false(measuring_step(&measuring));
	assert_false(measuring_step(&measuring));
	assert_true(measuring.sweeping);
	assert_true(measuring_step(&measuring));
	assert_false(measuring.sweeping);
	assert_false(measuring_step(&measuring));
	assert_asked("bpf.sweep bpf.sweep bpf.sweep");

	measuring_sweep(&measuring, true);
	measuring_sweep(&measuring, false);
	assert_false(measuring_step(&measuring));
	assert_asked("");
}

/* A walk does not see again the flows that it has passed: another one follows. */
static void test_sweep_all(void **state)
{
	(void)state;
	small_bpf.steps = 3;
	started();
	measuring_sweep(&measuring, true);
	measuring_step(&measuring);
	assert_asked("bpf.sweep");
	measuring_sweep_all(&measuring);
	assert_asked("bpf.sweep bpf.sweep bpf.sweep bpf.sweep bpf.sweep bpf.settle");
	assert_int_equal(small_bpf.step, 0);
}

static void test_deliver(void **state)
{
	__u64 counters[COUNTERS];

	(void)state;
	measuring_deliver_all(&measuring);
	measuring_finish(&measuring);
	measuring_change_peers(&measuring, plan.peers);
	assert_int_equal(measuring_set_peers(&measuring, plan.peers), 0);
	assert_asked("");
	started();
	measuring_deliver_all(&measuring);
	assert_asked("bpf.read bpf.sweep bpf.sweep bpf.settle");
	measuring_finish(&measuring);
	assert_asked("bpf.drain bpf.sweep bpf.sweep bpf.settle");
	measuring_counters(&measuring, counters);
	assert_asked("bpf.read bpf.counters");
	assert_int_equal(counters[COUNTER_SAMPLES], 7);
}

static void test_peers(void **state)
{
	struct plan other = plan_of("instances:\n- {interface: lo, ips: [10.0.0.2]}\n");

	(void)state;
	started();
	measuring_change_peers(&measuring, other.peers);
	assert_asked("bpf.read bpf.peers bpf.sweep bpf.sweep bpf.settle");
	assert_ptr_equal(small_bpf.peers, other.peers);
	small_bpf.peers_error = -ENOSPC;
	assert_int_equal(measuring_set_peers(&measuring, plan.peers), -ENOSPC);
	measuring_close(&measuring);
	plan_free(&other);
}

static void test_close(void **state)
{
	(void)state;
	started();
	measuring_sweep(&measuring, true);
	measuring_close(&measuring);
	assert_asked("bpf.detach bpf.close");
	assert_false(measuring_step(&measuring));
	assert_int_equal(event_loop_once(loop, false), 0);
	measuring_close(&measuring);
	assert_asked("");
	started(); /* and it may start again */
}

#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(auto),           T(fallback),   T(fallback_for_want_of_memory),
		T(fallback_later), T(both_fail),  T(no_interface),
		T(forced),         T(expression), T(no_events),
		T(settings),       T(follow),     T(read),
		T(sweep),          T(sweep_all),  T(deliver),
		T(peers),          T(close),
	};

	return cmocka_run_group_tests_name("measuring", tests, NULL, NULL);
}
