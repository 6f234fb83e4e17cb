/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Flow tables of a test's size, and what fills and sweeps them. Include after cmocka.h. */
#ifndef METRO_TEST_FLOW_TABLES_H
#define METRO_TEST_FLOW_TABLES_H

#include "clock.h"
#include "segments.h"

static inline void open_table(struct line *l, unsigned int max_flows, unsigned int batch_limit)
{
	struct flow_table_settings settings = {
		.engine = {.mark_mask = 7, .batch_limit = batch_limit, .batch_age = NEVER},
		.max_flows = max_flows,
		.emit = line_emit,
		.arg = l,
	};

	*l = (struct line){.epoch = LINE_EPOCH, .sport = 1, .peer = 2};
	assert_int_equal(flow_table_new(&l->table, &settings), 0);
}

/* One sample of the flow with this local port. */
static inline void exchange(struct line *l, __u16 sport, __u64 us)
{
	l->sport = sport;
	sent(l, us, 0, 100);
	received_flags(l, us + 10, 100, TCP_ACK);
}

static inline bool sweep_step(struct line *l, __u64 idle_before_us, __u64 ended_before_us)
{
	struct sweep_terms terms = {
		.now = flow_clock(l->epoch + 600 * NS_PER_S),
		.idle = flow_clock(l->epoch + 1000 * idle_before_us),
		.ended = flow_clock(l->epoch + 1000 * ended_before_us),
		.quiet = flow_clock(l->epoch + 1000 * ended_before_us),
	};

	return flow_table_sweep(l->table, idle_before_us ? &terms : NULL);
}

/* Sweeps to the end; returns the number of steps. Without times, nothing goes. */
static inline int sweep(struct line *l, __u64 idle_before_us, __u64 ended_before_us)
{
	int steps = 1;

	while (!sweep_step(l, idle_before_us, ended_before_us))
		assert_in_range(++steps, 1, 1000);
	return steps;
}

#define S(name) cmocka_unit_test(test_##name)

#endif
