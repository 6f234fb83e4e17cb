/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A monitor with a small backend, and what tests of it ask and say. Include after cmocka.h. */
#ifndef METRO_TEST_MONITOR_FIXTURE_H
#define METRO_TEST_MONITOR_FIXTURE_H

#include "monitor.h"
#include "namespace.h"
#include "plans.h"
#include "small_backend.h"

static struct capture capture;
static struct monitor monitor;
static struct plan plan;
static struct backend *backend;
static char reason[BACKEND_REASON];

static inline void leaving(void *arg)
{
	assert_ptr_equal(arg, &plan);
	note("leaving");
}

static bool may_fall_back; /* the answer to refused */

static inline bool refused(void *arg, const char *why)
{
	assert_ptr_equal(arg, &plan);
	note("refused:%s", why);
	return may_fall_back;
}

static inline int setup(void **state)
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

static inline int teardown(void **state)
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
static inline void configure(const char *a, const char *b, const char *c)
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
static inline void settle(void)
{
	do {
		usleep(1000);
		monitor.burst.said_ns = 0;
		monitor_take(&monitor, backend);
	} while (monitor.opening);
}

static inline int start(void)
{
	struct links links;
	int err;

	assert_int_equal(links_read(&links, true), 0);
	err = monitor_start(&monitor, backend, &links, reason);
	links_free(&links);
	settle();
	return err;
}

static inline void started(void)
{
	assert_int_equal(start(), 0);
}

static inline void look_again(bool retry)
{
	struct links links;

	assert_int_equal(links_read(&links, true), 0);
	monitor_look(&monitor, backend, &links, retry);
	links_free(&links);
	settle();
}

static inline void look(void)
{
	look_again(true);
}

/* .. and asks whether what was opened is still there */
static inline void check(void)
{
	monitor_check(&monitor, backend);
	usleep(20000);
	settle();
}

static inline int said(const char *text)
{
	return count_of(capture_read(&capture), text);
}

static inline void explain(unsigned int second, bool watched)
{
	const __u64 counters[COUNTERS] = {};
	const struct silence_terms terms = {.now_ns = monotonic_ns() + second * NS_PER_S,
					    .interval_s = 10,
					    .watched = watched,
					    .counters = counters};

	monitor_explain(&monitor, backend, plan.peers, &terms);
}

#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

#endif
