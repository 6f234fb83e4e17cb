/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Arrays that grow one by one, and arrays of which each element is to be kept once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "array.h"

static bool no_memory;

/* That of the C library, which runs out of memory as the test pleases. */
void *reallocarray(void *array, size_t count, size_t size)
{
	return no_memory ? NULL : realloc(array, count * size);
}

/* Only the letter is compared; the digit after it distinguishes equal elements. */
struct element {
	char letter;
	char mark;
};

static int by_letter(const void *a, const void *b)
{
	return ((const struct element *)a)->letter - ((const struct element *)b)->letter;
}

static void test_grow(void **state)
{
	int *array = NULL;

	(void)state;
	for (size_t count = 0; count < 1000; count++) {
		array = array_grow(array, count, sizeof(*array));
		assert_non_null(array);
		array[count] = (int)count; /* the sanitizers see whether there is room */
	}
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(array[i], i);
	free(array);
}

static void test_no_memory(void **state)
{
	int *array = array_grow(NULL, 0, sizeof(*array));

	(void)state;
	assert_non_null(array);
	array[0] = 7;
	no_memory = true;
	assert_null(array_grow(array, 1, sizeof(*array)));
	no_memory = false;
	assert_int_equal(array[0], 7);
	free(array);
}

static void test_merge_equal(void **state)
{
	struct element array[] = {{'b', '1'}, {'b', '2'}, {'a', '3'}, {'b', '4'},
				  {'c', '5'}, {'c', '6'}, {'c', '7'}};

	(void)state;
	assert_int_equal(array_merge_equal(array, ARRAY_SIZE(array), sizeof(array[0]), by_letter),
			 4);
	assert_memory_equal(array, "b1a3b4c5", 8);
	assert_int_equal(array_merge_equal(array, 1, sizeof(array[0]), by_letter), 1);
	assert_memory_equal(array, "b1", 2);
}

static void test_make_set(void **state)
{
	struct element array[] = {{'c', '.'}, {'a', '.'}, {'b', '.'}, {'a', '.'}, {'c', '.'}};

	(void)state;
	assert_int_equal(array_make_set(array, ARRAY_SIZE(array), sizeof(array[0]), by_letter), 3);
	assert_memory_equal(array, "a.b.c.", 6);
}

static void test_empty(void **state)
{
	struct element one = {'a', '1'};

	(void)state;
	assert_int_equal(array_make_set(NULL, 0, sizeof(one), by_letter), 0);
	assert_int_equal(array_make_set(&one, 0, sizeof(one), by_letter), 0);
	assert_int_equal(array_merge_equal(NULL, 0, sizeof(one), by_letter), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grow),        cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_merge_equal), cmocka_unit_test(test_make_set),
		cmocka_unit_test(test_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
