/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The live view without a terminal: samples for it, and the rows that it shows. Include after
 * cmocka.h. */
#ifndef METRO_TEST_LIVE_FIXTURE_H
#define METRO_TEST_LIVE_FIXTURE_H

#include "clock.h"
#include "collect.h"
#include "samples.h"
#include "timeline.h" /* has parameters of the names below */
#include "view.h"

static struct live_collect collect;
static struct live_view view;

static inline int open_all(void **state)
{
	(void)state;
	assert_int_equal(live_collect_open(&collect, NS_PER_S), 0);
	live_view_init(&view);
	return 0;
}

static inline int close_all(void **state)
{
	(void)state;
	live_collect_close(&collect);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)

static inline void give(const char *dst, __u16 sport, unsigned int ms, __u16 retransmissions)
{
	const struct ends ends = {"10.0.0.1", dst, sport, 443, 2};
	__u32 rtt = ms * TICKS_A_MS;
	struct flow_record record = make_record(&ends, 1, ms ? 1 : 0, &rtt);
	struct delivery delivery = {&record, "eth0", 0, 0};

	record.retransmissions = retransmissions;
	live_collect_take(&collect, &delivery);
}

static inline const char *no_name(void *arg, __u32 number, const struct address *address)
{
	(void)arg;
	(void)number;
	(void)address;
	return NULL;
}

static inline void show(void)
{
	live_collect_show(&collect, no_name, NULL);
	live_view_arrange(&view, collect.rows, collect.count);
}

static inline void end_second(void)
{
	live_collect_end_interval(&collect, collect.ended_ns + NS_PER_S);
	show();
}

static inline struct live_row *row(size_t i)
{
	assert_true(i < collect.count);
	return collect.rows[i];
}

#endif
