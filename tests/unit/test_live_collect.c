/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the live view gathers, second by second or from a capture, and when it forgets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "array.h"
#include "live_fixture.h"

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

static const char *hostile_name(void *arg, __u32 number, const struct address *address)
{
	(void)arg;
	(void)number;
	(void)address;
	return "a\033[2J";
}

static void test_names(void **state)
{
	(void)state;
	give("10.0.0.2", 1000, 7, 0);
	live_collect_show(&collect, hostile_name, NULL);
	assert_string_equal(row(0)->name, "a?[2J");
	assert_string_equal(row(0)->address, "10.0.0.2");
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_figures),     TEST(test_history),    TEST(test_many_samples),
		TEST(test_connections), TEST(test_no_samples), TEST(test_reset),
		TEST(test_freeze),      TEST(test_bounded),    TEST(test_forgetting),
		TEST(test_names),       TEST(test_capture),    TEST(test_capture_jumps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
