/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The live view without a terminal: what it gathers, how it sorts and filters, what keys do, and
 * the text of bars and figures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "array.h"
#include "collect.h"
#include "samples.h"
#include "spark.h"
#include "timeline.h"
#include "units.h"
#include "view.h"

static struct live_collect collect;
static struct live_view view;

static int open_all(void **state)
{
	(void)state;
	assert_int_equal(live_collect_open(&collect, NS_PER_S), 0);
	live_view_init(&view);
	return 0;
}

static int close_all(void **state)
{
	(void)state;
	live_collect_close(&collect);
	return 0;
}

static void give(const char *dst, __u16 sport, unsigned int ms, __u16 retransmissions)
{
	const struct ends ends = {"10.0.0.1", dst, sport, 443, 2};
	__u32 rtt = ms * TICKS_A_MS;
	struct flow_record record = make_record(&ends, 1, ms ? 1 : 0, &rtt);
	struct delivery delivery = {&record, "eth0", 0, 0};

	record.retransmissions = retransmissions;
	live_collect_take(&collect, &delivery);
}

static const char *no_name(void *arg, __u32 number, const struct address *address)
{
	(void)arg;
	(void)number;
	(void)address;
	return NULL;
}

static const char *hostile_name(void *arg, __u32 number, const struct address *address)
{
	(void)arg;
	(void)number;
	(void)address;
	return "a\033[2J";
}

static void show(void)
{
	live_collect_show(&collect, no_name, NULL);
	live_view_arrange(&view, collect.rows, collect.count);
}

static void end_second(void)
{
	live_collect_end_interval(&collect, collect.ended_ns + NS_PER_S);
	show();
}

static struct live_row *row(size_t i)
{
	assert_true(i < collect.count);
	return collect.rows[i];
}

/* ---- what is gathered ---- */

static void test_figures(void **state)
{
	(void)state;
	for (unsigned int ms = 1; ms <= 100; ms++)
		give("10.0.0.2", 1000, ms, ms == 1 ? 3 : 0);
	end_second();
	assert_int_equal(collect.count, 1);
	assert_string_equal(row(0)->name, "10.0.0.2");
	assert_string_equal(row(0)->place, "eth0");
	assert_float_equal(live_figure(row(0), LIVE_RATE), 100, 1e-9);
	assert_float_equal(live_figure(row(0), LIVE_MIN), 1, 1e-9);
	assert_float_equal(live_figure(row(0), LIVE_MEAN), 50.5, 1e-9);
	assert_float_equal(live_figure(row(0), LIVE_P50), 50, 0.5);
	assert_float_equal(live_figure(row(0), LIVE_P95), 95, 1);
	assert_float_equal(live_figure(row(0), LIVE_P99), 99, 1);
	assert_float_equal(live_figure(row(0), LIVE_RETRANSMISSIONS), 3, 0);
	assert_float_equal(live_figure(row(0), LIVE_CONNECTIONS), 1, 0);
	assert_float_equal(live_figure(row(0), LIVE_JITTER), LIVE_NONE, 0);
	end_second();
	assert_float_equal(live_figure(row(0), LIVE_RATE), 0, 0);
}

static void test_history(void **state)
{
	(void)state;
	give("10.0.0.2", 1000, 7, 0);
	give("10.0.0.2", 1000, 9, 0);
	give("10.0.0.2", 1000, 30, 0);
	end_second();
	assert_float_equal(row(0)->history[LIVE_HISTORY - 1], 9, 1e-6);
	end_second();
	assert_true(isnan(row(0)->history[LIVE_HISTORY - 1]));
	assert_float_equal(row(0)->history[LIVE_HISTORY - 2], 9, 1e-6);
	for (int i = 0; i < LIVE_HISTORY - 2; i++)
		end_second();
	assert_float_equal(row(0)->history[0], 9, 1e-6);
	end_second();
	assert_true(isnan(row(0)->history[0]));
}

/* Of more samples than are kept each has the same chance: half of them are 10, half 20. */
static void test_many_samples(void **state)
{
	unsigned int low = 0;

	(void)state;
	for (int i = 0; i < 400; i++) {
		for (int k = 0; k < 500; k++)
			give("10.0.0.2", 1000, k < 249 ? 10 : k < 498 ? 20 : 15, 0);
		end_second();
		low += row(0)->history[LIVE_HISTORY - 1] < 15;
	}
	assert_in_range(low, 130, 270);
}

static void test_connections(void **state)
{
	(void)state;
	give("10.0.0.2", 1000, 7, 0);
	give("10.0.0.2", 1001, 7, 0);
	end_second();
	assert_float_equal(live_figure(row(0), LIVE_CONNECTIONS), 2, 0);
	for (int i = 0; i < LIVE_HISTORY; i++) {
		give("10.0.0.2", 1001, 7, 0);
		end_second();
	}
	assert_float_equal(live_figure(row(0), LIVE_CONNECTIONS), 1, 0);
	assert_int_equal(row(0)->peer->connections->key.local_port, 1001);
}

static void test_no_samples(void **state)
{
	(void)state;
	give("10.0.0.2", 1000, 0, 5); /* only sent again */
	end_second();
	assert_float_equal(live_figure(row(0), LIVE_P50), LIVE_NONE, 0);
	assert_float_equal(live_figure(row(0), LIVE_LAST), LIVE_NONE, 0);
	assert_float_equal(live_figure(row(0), LIVE_RETRANSMISSIONS), 5, 0);
}

static void test_reset(void **state)
{
	(void)state;
	give("10.0.0.2", 1000, 7, 2);
	end_second();
	live_collect_reset(&collect);
	show();
	assert_float_equal(live_figure(row(0), LIVE_P50), LIVE_NONE, 0);
	assert_float_equal(live_figure(row(0), LIVE_RETRANSMISSIONS), 0, 0);
	give("10.0.0.2", 1000, 30, 0);
	end_second();
	assert_float_equal(live_figure(row(0), LIVE_RATE), 1, 1e-9);
	assert_float_equal(live_figure(row(0), LIVE_P50), 30, 0.3);
}

static void test_freeze(void **state)
{
	(void)state;
	give("10.0.0.2", 1000, 7, 0);
	end_second();
	live_collect_freeze(&collect);
	for (int i = 0; i < 10; i++)
		give("10.0.0.2", 1000, 70, 0);
	live_collect_end_interval(&collect, collect.ended_ns + NS_PER_S);
	assert_float_equal(live_figure(row(0), LIVE_P99), 7, 0.1);
	assert_float_equal(live_figure(row(0), LIVE_RATE), 1, 0);
	show();
	assert_float_equal(live_figure(row(0), LIVE_P99), 70, 1);
}

static void test_bounded(void **state)
{
	char dst[32];

	(void)state;
	for (int i = 0; i < LIVE_PEERS + 10; i++) {
		snprintf(dst, sizeof(dst), "10.1.%d.%d", i / 256, i % 256);
		give(dst, 1000, 1, 0);
	}
	assert_int_equal(collect.count, LIVE_PEERS);
	assert_int_equal(collect.left_out, 10);
	give("10.1.0.0", 1000, 1, 0);
	assert_int_equal(collect.left_out, 10);
}

/* An hour after the last news. The page of one that goes is left; else the selection stays on its
 * row. */
static void test_forgetting(void **state)
{
	const struct live_row *selected;

	(void)state;
	give("10.0.0.2", 1000, 7, 0);
	give("10.0.0.3", 1000, 7, 0);
	give("10.0.0.4", 1000, 7, 0);
	end_second();
	view.selected = 2;
	view.page = LIVE_DETAIL;
	for (int i = 1; i < LIVE_PEER_SILENT_S; i++) {
		give("10.0.0.4", 1000, 7, 0);
		live_collect_end_interval(&collect, collect.ended_ns + NS_PER_S);
	}
	assert_int_equal(collect.count, 3);
	live_view_arrange(&view, collect.rows, collect.count);
	selected = live_view_selected(&view, collect.rows, collect.count);
	assert_string_equal(selected->name, "10.0.0.4");
	live_collect_end_interval(&collect, collect.ended_ns + NS_PER_S);
	live_view_follow(&view, collect.rows, collect.count, selected);
	assert_int_equal(collect.count, 1);
	assert_int_equal(view.page, LIVE_DETAIL);
	assert_ptr_equal(collect.rows[view.selected], selected);
	give("10.0.0.2", 1000, 7, 0); /* comes again, as one that is new */
	assert_int_equal(collect.count, 2);
	for (int i = 0; i < LIVE_PEER_SILENT_S + 2; i++)
		live_collect_end_interval(&collect, collect.ended_ns + NS_PER_S);
	assert_int_equal(collect.count, 0);
	live_view_follow(&view, collect.rows, collect.count, selected);
	assert_int_equal(view.page, LIVE_TABLE);
}

/* ---- a capture ---- */

static struct live_timeline timeline;

static void give_at(double seconds, const char *dst, unsigned int ms)
{
	live_timeline_take(&timeline, &collect, (__u64)((1000 + seconds) * NS_PER_S));
	give(dst, 1000, ms, 0);
}

static void test_capture(void **state)
{
	(void)state;
	timeline = (struct live_timeline){};
	for (int i = 0; i < 60; i++)
		give_at(i + 0.5, "10.0.0.2", (unsigned int)i + 1);
	assert_int_equal(timeline.part_ns, NS_PER_S);
	give_at(61, "10.0.0.3", 9);
	assert_int_equal(timeline.part_ns, 2 * NS_PER_S);
	give_at(3, "10.0.0.3", 9); /* a clock that jumps back changes nothing */
	live_timeline_rate(&timeline, &collect, timeline.begun_ns);
	live_timeline_end(&timeline, &collect);
	show();
	assert_string_equal(row(1)->name, "10.0.0.3");
	assert_float_equal(row(0)->history[0], 1.5, 1e-6);
	assert_float_equal(row(0)->history[29], 59.5, 1e-5);
	assert_true(isnan(row(0)->history[30]));
	assert_float_equal(row(1)->history[30], 9, 1e-6);
	assert_float_equal(live_figure(row(0), LIVE_RATE), 60 / 60.5, 1e-9);
	assert_float_equal(live_figure(row(0), LIVE_CONNECTIONS), 1, 0);
}

/* Whatever the clock of a capture says. */
static void test_capture_jumps(void **state)
{
	static const double seconds[] = {0, 1e4, 3, 1e9, 1e9, 1.7e10, -900};

	(void)state;
	timeline = (struct live_timeline){};
	for (size_t i = 0; i < ARRAY_SIZE(seconds); i++)
		give_at(seconds[i], "10.0.0.2", 5);
	live_timeline_end(&timeline, &collect);
	show();
	assert_float_equal(row(0)->history[0], 5, 1e-6);
	assert_float_equal(row(0)->samples, ARRAY_SIZE(seconds), 0);
}

static void test_names(void **state)
{
	(void)state;
	give("10.0.0.2", 1000, 7, 0);
	live_collect_show(&collect, hostile_name, NULL);
	assert_string_equal(row(0)->name, "a?[2J");
	assert_string_equal(row(0)->address, "10.0.0.2");
}

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

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_figures),       TEST(test_history),
		TEST(test_many_samples),  TEST(test_connections),
		TEST(test_no_samples),    TEST(test_reset),
		TEST(test_freeze),        TEST(test_bounded),
		TEST(test_forgetting),    TEST(test_capture),
		TEST(test_capture_jumps), TEST(test_names),
		TEST(test_sorting),       TEST(test_every_column_has_a_key),
		TEST(test_filter),        TEST(test_pages),
		TEST(test_moving),        TEST(test_spark),
		TEST(test_bars),          TEST(test_figure_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
