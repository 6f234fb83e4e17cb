/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "histogram.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
/* cmocka wants the four above */
#include <cmocka.h>

#define VALUES 20000

static int ascending(const void *a, const void *b)
{
	const __u32 *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Each value alone comes back within the promised 0.8 %, over the whole range of RTTs. */
static void test_precision(void **state)
{
	(void)state;
	for (double v = 1; v < 0x3fffffff; v *= 1.013) {
		struct histogram h = {};
		__u32 value = (__u32)v, got;

		assert_int_equal(histogram_add(&h, value), 0);
		got = histogram_quantile(&h, 0.5);
		assert_true(fabs((double)got - value) <= 0.008 * value);
		if (value < 128)
			assert_int_equal(got, value);
		histogram_free(&h);
	}
}

static void test_largest_value(void **state)
{
	struct histogram h = {};

	(void)state;
	assert_int_equal(histogram_add(&h, 0x3fffffff), 0);
	assert_true(h.size * sizeof(*h.counts) <= 6656);
	assert_int_equal(histogram_add(&h, 0xffffffff), 0);
	histogram_free(&h);
}

/* Against the nearest rank in the sorted values themselves. */
static void test_quantiles(void **state)
{
	static const double shares[] = {0, 0.01, 0.5, 0.95, 0.99, 0.999, 1};
	static __u32 values[VALUES];
	struct histogram h = {};

	(void)state;
	srandom(1);
	for (int i = 0; i < VALUES; i++) {
		values[i] = (__u32)exp((double)random() / RAND_MAX * 20);
		assert_int_equal(histogram_add(&h, values[i]), 0);
	}
	qsort(values, VALUES, sizeof(values[0]), ascending);
	for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
		size_t rank = (size_t)ceil(shares[i] * VALUES);
		double want = values[rank ? rank - 1 : 0];

		assert_true(fabs(histogram_quantile(&h, shares[i]) - want) <= 0.008 * want);
	}
	histogram_free(&h);
}

static void test_empty(void **state)
{
	struct histogram h = {};

	(void)state;
	assert_int_equal(histogram_quantile(&h, 0.5), 0);
	histogram_free(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_precision),
		cmocka_unit_test(test_largest_value),
		cmocka_unit_test(test_quantiles),
		cmocka_unit_test(test_empty),
	};

	return cmocka_run_group_tests_name("histogram", tests, NULL, NULL);
}
