/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is counted of each interface, from when it is attached until it is left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "census.h"

static void count_all(struct census *c, __u32 ifindex)
{
	const struct sweep_terms terms = {};
	const struct flow answered = {.flags = FLOW_UNA_KNOWN}, unanswered = {};

	census_add_samples(c, ifindex, 5);
	census_add_received(c, ifindex, true);
	census_add_received(c, ifindex, false);
	census_add_sent(c, ifindex);
	census_begin(c);
	census_see(c, ifindex, &answered, &terms);
	census_see(c, ifindex, &unanswered, &terms);
	census_begin(c);
}

static void assert_counted(struct census *c, __u32 ifindex, unsigned int times)
{
	struct census_figures f = census_figures(c, ifindex);

	assert_int_equal(f.samples, 5 * times);
	assert_int_equal(f.seen.data_received, times);
	assert_int_equal(f.seen.acks_received, times);
	assert_int_equal(f.seen.acks_sent, times);
	assert_int_equal(f.answered, times != 0);
	assert_int_equal(f.unanswered, times != 0);
}

static void test_counted(void **state)
{
	struct census c = {};

	(void)state;
	census_open(&c, 7);
	census_open(&c, 9);
	count_all(&c, 7);
	assert_counted(&c, 7, 1);
	census_open(&c, 7); /* it goes on */
	count_all(&c, 7);
	census_begin(&c);
	assert_int_equal(census_figures(&c, 7).samples, 10);
	assert_int_equal(census_figures(&c, 7).answered, 0); /* in a walk over no flows */
	assert_counted(&c, 9, 0);
	census_free(&c);
}

/* Connections outlive their interface: those of one that went must not bring its entry back. */
static void test_interfaces_that_went(void **state)
{
	struct census c = {};

	(void)state;
	for (__u32 ifindex = 1; ifindex <= 1000; ifindex++) {
		census_open(&c, ifindex);
		count_all(&c, ifindex);
		assert_counted(&c, ifindex, 1);
		census_close(&c, ifindex);
		census_close(&c, ifindex);
		count_all(&c, ifindex);
		assert_counted(&c, ifindex, 0);
		assert_null(c.entries);
	}
	census_free(&c);
}

/* One of the same index begins anew. */
static void test_same_index(void **state)
{
	struct census c = {};

	(void)state;
	census_open(&c, 3);
	count_all(&c, 3);
	census_close(&c, 3);
	census_open(&c, 3);
	assert_counted(&c, 3, 0);
	count_all(&c, 3);
	assert_counted(&c, 3, 1);
	census_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counted),
		cmocka_unit_test(test_interfaces_that_went),
		cmocka_unit_test(test_same_index),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
