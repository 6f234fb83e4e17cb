/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How the live view sorts and filters, what keys do, and the text of bars and figures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "array.h"
#include "live_fixture.h"
#include "spark.h"
#include "units.h"

/* ---- order and filter ---- */

static void three_peers(void)
{
	give("10.0.0.3", 1000, 5, 0);
	give("10.0.0.3", 1000, 5, 0);
	give("10.0.0.4", 1000, 9, 7);
	give("10.9.0.2", 1000, 3, 1);
	end_second();
}

static void order_is(const char *a, const char *b, const char *c)
{
	live_view_arrange(&view, collect.rows, collect.count);
	assert_string_equal(row(0)->name, a);
	assert_string_equal(row(1)->name, b);
	assert_string_equal(row(2)->name, c);
}

static void test_sorting(void **state)
{
	(void)state;
	three_peers();
	order_is("10.0.0.3", "10.0.0.4", "10.9.0.2"); /* by rate, then name */
	live_view_key(&view, '5');
	order_is("10.0.0.4", "10.0.0.3", "10.9.0.2");
	live_view_key(&view, '5');
	order_is("10.9.0.2", "10.0.0.3", "10.0.0.4");
	live_view_key(&view, 't');
	order_is("10.0.0.4", "10.9.0.2", "10.0.0.3");
	live_view_key(&view, 'n');
	order_is("10.0.0.3", "10.0.0.4", "10.9.0.2");
	live_view_key(&view, '<'); /* around: retransmissions */
	order_is("10.0.0.4", "10.9.0.2", "10.0.0.3");
	live_view_key(&view, '>');
	live_view_key(&view, '>');
	assert_int_equal(view.order.column, LIVE_IFACE);
}

static void test_every_column_has_a_key(void **state)
{
	(void)state;
	for (int i = 0; i < LIVE_COLUMNS; i++) {
		live_view_init(&view);
		view.order.column = (i + 1) % LIVE_COLUMNS;
		live_view_key(&view, (unsigned int)live_column_key(i));
		assert_int_equal(view.order.column, i);
		assert_false(view.over || view.paused || view.reset || view.page != LIVE_TABLE);
	}
}

static void type(const char *text)
{
	while (*text)
		live_view_key(&view, (unsigned int)*text++);
}

static void test_filter(void **state)
{
	(void)state;
	three_peers();
	type("/10.9q");
	show();
	assert_false(view.over); /* it was typed */
	assert_int_equal(view.shown, 0);
	live_view_key(&view, LIVE_KEY_BACKSPACE);
	show();
	assert_int_equal(view.shown, 1);
	assert_string_equal(row(0)->name, "10.9.0.2");
	live_view_key(&view, LIVE_KEY_ENTER);
	assert_false(view.typing);
	type("/\b");
	live_view_key(&view, LIVE_KEY_ESCAPE);
	show();
	assert_int_equal(view.shown, 3);
	type("/ETH0");
	show();
	assert_int_equal(view.shown, 3);
	for (int i = 0; i < 2 * LIVE_NAME; i++)
		type("x");
	show();
	assert_int_equal(view.shown, 0);
	live_view_key(&view, LIVE_KEY_ENTER);
	live_view_key(&view, LIVE_KEY_ENTER); /* there is none to be opened */
	assert_int_equal(view.page, LIVE_TABLE);
}

/* ---- keys ---- */

static void test_pages(void **state)
{
	(void)state;
	three_peers();
	live_view_key(&view, LIVE_KEY_DOWN);
	live_view_key(&view, LIVE_KEY_ENTER);
	assert_int_equal(view.page, LIVE_DETAIL);
	live_view_key(&view, 'h');
	assert_int_equal(view.page, LIVE_HELP);
	live_view_key(&view, 'x');
	assert_int_equal(view.page, LIVE_DETAIL);
	assert_string_equal(row(view.selected)->name, "10.0.0.4");
	/* It stays with its peer, whatever the order becomes. */
	for (int i = 0; i < 9; i++)
		give("10.0.0.4", 1000, 5, 0);
	end_second();
	assert_string_equal(row(view.selected)->name, "10.0.0.4");
	assert_int_equal(view.selected, 0);
	live_view_key(&view, LIVE_KEY_ESCAPE);
	assert_int_equal(view.page, LIVE_TABLE);
	live_view_key(&view, ' ');
	assert_true(view.paused);
	live_view_key(&view, 'p');
	assert_false(view.paused);
	live_view_key(&view, 'r');
	assert_true(view.reset);
	live_view_key(&view, 'q');
	assert_true(view.over);
}

static void test_moving(void **state)
{
	static const unsigned int keys[] = {LIVE_KEY_UP,   LIVE_KEY_DOWN, LIVE_KEY_PAGE_UP,
					    LIVE_KEY_HOME, LIVE_KEY_END,  LIVE_KEY_PAGE_DOWN};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(keys); i++)
		live_view_key(&view, keys[i]); /* without rows */
	assert_int_equal(view.selected, 0);
	three_peers();
	view.height = 2;
	live_view_key(&view, LIVE_KEY_END);
	assert_int_equal(view.selected, 2);
	assert_int_equal(view.first, 1);
	live_view_key(&view, LIVE_KEY_DOWN);
	assert_int_equal(view.selected, 2);
	live_view_key(&view, LIVE_KEY_PAGE_UP);
	assert_int_equal(view.selected, 0);
	assert_int_equal(view.first, 0);
	live_view_key(&view, LIVE_KEY_PAGE_DOWN);
	assert_int_equal(view.selected, 2);
	live_view_key(&view, LIVE_KEY_HOME);
	assert_int_equal(view.selected, 0);
}

/* ---- text ---- */

static void test_spark(void **state)
{
	const float values[] = {NAN, 1, 2, 3, 4, NAN, 8, 1};
	const float same[] = {5, 5, 5};
	char text[SPARK_TEXT(60)];

	(void)state;
	spark_write(text, 8, values, 8, true);
	assert_string_equal(text, " ▁▂▃▄ █▁");
	spark_write(text, 8, values, 8, false);
	assert_string_equal(text, " _.-: #_");
	spark_write(text, 4, values, 8, false);
	assert_string_equal(text, "_-:#"); /* the largest of each two */
	spark_write(text, 3, values, 8, false);
	assert_string_equal(text, "_:#"); /* of 2, 3 and 3 */
	spark_write(text, 3, same, 3, true);
	assert_string_equal(text, "▁▁▁");
	spark_write(text, 0, same, 3, true);
	assert_string_equal(text, "");
}

static void test_bars(void **state)
{
	char text[SPARK_TEXT(10)];

	(void)state;
	bar_write(text, 10, 2.5, true);
	assert_string_equal(text, "██▌");
	bar_write(text, 10, 2.5, false);
	assert_string_equal(text, "##");
	bar_write(text, 10, 0.2, false);
	assert_string_equal(text, ".");
	bar_write(text, 3, 99, true);
	assert_string_equal(text, "███");
	bar_write(text, 3, 0, true);
	assert_string_equal(text, "");
}

static void test_figure_texts(void **state)
{
	static const struct {
		double value;
		const char *time, *count;
	} known[] = {
		{LIVE_NONE, "-", "-1"},     {0, "0.000", "0"},
		{0.4, "0.400", "0.4"},      {5, "5.000", "5"},
		{99.9, "99.900", "100"},    {123.456, "123.46", "123"},
		{1234.5, "1234.5", "1234"}, {68123, "68123", "68123"},
		{123456, "123456", "123k"}, {12345678, "12345678", "12M"},
	};
	char text[FIGURE_TEXT];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		figure_time(text, known[i].value);
		assert_string_equal(text, known[i].time);
		figure_count(text, known[i].value);
		assert_string_equal(text, known[i].count);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_sorting), TEST(test_every_column_has_a_key),
		TEST(test_filter),  TEST(test_pages),
		TEST(test_moving),  TEST(test_spark),
		TEST(test_bars),    TEST(test_figure_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
