/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Phases of instances that measure a part of the time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <net/if.h>
#include <poll.h>
#include <sys/timerfd.h>

#include "array.h"
#include "caught_log.h"
#include "duty_cycle.h"
#include "peering.h"
#include "plans.h"
#include "units.h"
#include "some_links.h"

#define S NS_PER_S

static void test_phases(void **state)
{
	const struct instance i = {.sample = true, .sample_duration_s = 3, .sample_interval_s = 7};
	static const struct {
		__u64 elapsed, left;
		bool pauses;
	} cases[] = {
		{0, 3 * S, false},         {3 * S - 1, 1, false},
		{3 * S, 7 * S, true},      {10 * S - 1, 1, true},
		{10 * S, 3 * S, false},    {13 * S, 7 * S, true},
		{86400 * S, 3 * S, false}, {86400 * S * 365 + 5 * S, 5 * S, true},
	};

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(cases); k++) {
		__u64 left = 0;

		assert_int_equal(duty_cycle_pauses(&i, cases[k].elapsed, &left), cases[k].pauses);
		assert_int_equal(left, cases[k].left);
	}
}

static void test_longest(void **state)
{
	const struct instance i = {
		.sample = true, .sample_duration_s = 86400, .sample_interval_s = 86400};
	__u64 left;

	(void)state;
	assert_false(duty_cycle_pauses(&i, 86399 * S, &left));
	assert_true(duty_cycle_pauses(&i, 86400 * S, &left));
	assert_int_equal(left, 86400 * S);
}

static void test_always(void **state)
{
	const struct instance i = {.sample_duration_s = 1, .sample_interval_s = 1};
	__u64 left = 5;

	(void)state;
	assert_false(duty_cycle_pauses(&i, 1 * S, &left));
	assert_int_equal(left, 5);
}

static bool is_matched(const struct peers *peers, const char *text)
{
	struct address addr;

	assert_int_equal(address_parse(text, &addr), 0);
	return matches_address(peers, if_nametoindex("lo"), &addr);
}

/* Time left on the timer, in seconds; 0: off. */
static double timer_left(const struct duty_cycle *cycle)
{
	struct itimerspec left;

	assert_int_equal(timerfd_gettime(cycle->timer, &left), 0);
	return (double)left.it_value.tv_sec + (double)left.it_value.tv_nsec / 1e9;
}

static void test_apply(void **state)
{
	struct config *config = config_of_instances(
		"- {interface: lo, ips: [10.0.0.1], sample: true, sample_duration: 100, "
		"sample_interval: 900}\n"
		"- {interface: lo, ips: [10.0.0.2, 10.0.0.3]}\n"
		"- {interface: lo, ips: [10.0.0.3], sample: true, sample_duration: 300, "
		"sample_interval: 200}\n");
	struct duty_cycle cycle;
	struct peers *peers;

	(void)state;
	assert_int_equal(peers_new(&peers, config, &some_links), 0);
	assert_int_equal(duty_cycle_start(&cycle), 0);
	assert_true(timer_left(&cycle) == 0);
	assert_false(duty_cycle_apply(&cycle, config, peers));
	assert_true(timer_left(&cycle) > 90 && timer_left(&cycle) <= 100);
	assert_true(is_matched(peers, "10.0.0.1"));

	cycle.start_ns -= 150 * S;
	assert_true(duty_cycle_apply(&cycle, config, peers));
	assert_false(duty_cycle_apply(&cycle, config, peers));
	assert_true(timer_left(&cycle) > 140 && timer_left(&cycle) <= 150);
	assert_false(is_matched(peers, "10.0.0.1"));
	assert_true(is_matched(peers, "10.0.0.2"));
	assert_int_equal(peers_count(peers), 3);

	cycle.start_ns -= 200 * S; /* now both pause; another instance has one of theirs */
	assert_true(duty_cycle_apply(&cycle, config, peers));
	assert_int_equal(peers_count(peers), 2);
	assert_true(is_matched(peers, "10.0.0.3"));

	cycle.start_ns -= 660 * S; /* at 1010 */
	assert_true(duty_cycle_apply(&cycle, config, peers));
	assert_true(timer_left(&cycle) > 80 && timer_left(&cycle) <= 90);
	assert_true(is_matched(peers, "10.0.0.1"));
	assert_int_equal(peers_count(peers), 4);

	duty_cycle_stop(&cycle);
	peers_free(peers);
	config_free(config);
}

/* What a reload does: a new table starts in the phase of the old. */
static void test_other_peers(void **state)
{
	struct config *config =
		config_of_instances("- {interface: lo, ips: [10.0.0.1], sample: true, "
				    "sample_duration: 10, sample_interval: 90}\n");
	struct config *plain =
		config_of_instances("- {interface: lo, ips: [10.0.0.1], sample: false}\n");
	struct duty_cycle cycle;
	struct peers *peers;

	(void)state;
	assert_int_equal(duty_cycle_start(&cycle), 0);
	cycle.start_ns -= 50 * S;
	assert_int_equal(peers_new(&peers, config, &some_links), 0);
	assert_true(duty_cycle_apply(&cycle, config, peers));
	assert_false(is_matched(peers, "10.0.0.1"));
	peers_free(peers);

	assert_int_equal(peers_new(&peers, plain, &some_links), 0);
	assert_false(duty_cycle_apply(&cycle, plain, peers));
	assert_true(is_matched(peers, "10.0.0.1"));
	assert_true(timer_left(&cycle) == 0);
	peers_free(peers);

	duty_cycle_stop(&cycle);
	duty_cycle_stop(&cycle);
	config_free(plain);
	config_free(config);
}

static void test_timer(void **state)
{
	struct config *config =
		config_of_instances("- {interface: lo, ips: [10.0.0.1], sample: true, "
				    "sample_duration: 10, sample_interval: 90}\n");
	struct duty_cycle cycle;
	struct peers *peers;
	struct pollfd fd;

	(void)state;
	assert_int_equal(duty_cycle_start(&cycle), 0);
	assert_int_equal(peers_new(&peers, config, &some_links), 0);
	cycle.start_ns -= 10 * S - S / 20;
	fd = (struct pollfd){.fd = cycle.timer, .events = POLLIN};
	assert_false(duty_cycle_apply(&cycle, config, peers));
	assert_int_equal(poll(&fd, 1, 5000), 1);
	assert_true(duty_cycle_apply(&cycle, config, peers));
	assert_int_equal(poll(&fd, 1, 0), 0);
	duty_cycle_stop(&cycle);
	peers_free(peers);
	config_free(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_phases),      cmocka_unit_test(test_longest),
		cmocka_unit_test(test_always),      cmocka_unit_test(test_apply),
		cmocka_unit_test(test_other_peers), cmocka_unit_test(test_timer),
	};

	return cmocka_run_group_tests_name("duty cycle", tests, catch_log, release_log);
}
