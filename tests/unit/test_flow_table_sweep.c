/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sweeps of the flow table: what they send, which flows go and which stay, step by step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "flow_tables.h"

/* Is the flow there? It is if an ACK for the last data it sent makes a sample. */
static bool knows(struct line *l, __u16 sport, __u64 us)
{
	unsigned int before = l->samples;
	__u64 made = line_counter(l, COUNTER_FLOWS);

	l->sport = sport;
	sent(l, us, 100, 0); /* an ACK alone makes no flow */
	assert_int_equal(line_counter(l, COUNTER_FLOWS), made);
	received_flags(l, us + 1, 200, TCP_ACK);
	received_flags(l, us + 1, 200, TCP_RST);
	return l->samples > before;
}

static void test_sweep_emits(void **state)
{
	struct line l;

	(void)state;
	open_table(&l, 100, BATCH_MAX);
	for (__u16 i = 0; i < 10; i++)
		exchange(&l, i, 100 * i);
	assert_int_equal(l.samples, 0);
	assert_int_equal(line_counter(&l, COUNTER_SAMPLES), 0);
	sweep(&l, 0, 0);
	assert_int_equal(l.samples, 10);
	assert_int_equal(line_counter(&l, COUNTER_SAMPLES), 10);
	sweep(&l, 0, 0);
	assert_int_equal(l.samples, 10);
	/* .. and what goes is sent before. */
	for (__u16 i = 0; i < 10; i++) {
		l.sport = i;
		sent(&l, 2000, 100, 100);
		received_flags(&l, 2010, 200, TCP_ACK);
	}
	sweep(&l, 100000, 100000);
	assert_int_equal(l.samples, 20);
	line_close(&l);
}

static void test_sweep_drops_the_idle_and_the_ended(void **state)
{
	struct line l;

	(void)state;
	open_table(&l, 100, 1);
	for (__u16 i = 0; i < 6; i++) {
		exchange(&l, i, 100000 * i);
		sent(&l, 100000 * i + 20, 100, 100);
		if (i % 2)
			received_flags(&l, 100000 * i + 20, 100, TCP_ACK | TCP_FIN);
	}
	sweep(&l, 150000, 350000); /* idle: 0; ended: 1 and 3 */
	assert_false(knows(&l, 0, 600000));
	assert_false(knows(&l, 1, 600000));
	assert_true(knows(&l, 2, 600000));
	assert_false(knows(&l, 3, 600000));
	assert_true(knows(&l, 4, 600000));
	assert_true(knows(&l, 5, 600000));
	line_close(&l);
}

/* Thousands of flows, a few hundred a step, with new ones coming and each third going. */
static void test_sweep_in_steps(void **state)
{
	unsigned int kept = 0, total = 5000;
	struct line l;
	int steps = 0;

	(void)state;
	open_table(&l, 100000, BATCH_MAX);
	for (__u32 i = 0; i < total; i++)
		exchange(&l, (__u16)i, i % 3 ? 10000 : 0);
	while (!sweep_step(&l, 5000, 5000)) {
		exchange(&l, (__u16)(20000 + steps), 10000);
		/* the flow at which the sweep goes on may end, or get data */
		l.sport = (__u16)(256 * (steps + 1));
		sent(&l, 10100, 100, 1);
		received_flags(&l, 10100, 0, TCP_RST);
		assert_in_range(++steps, 0, 1000);
	}
	assert_in_range(steps, 4, 100);
	assert_int_equal(l.samples, total + steps);
	/* Data makes a new flow of those that are gone, and only of those. */
	for (__u32 i = 0; i < total; i++) {
		__u64 made = line_counter(&l, COUNTER_FLOWS);

		l.sport = (__u16)i;
		sent(&l, 20000, 200, 10);
		kept += line_counter(&l, COUNTER_FLOWS) == made;
	}
	assert_in_range(kept, total * 2 / 3, total * 2 / 3 + steps);
	line_close(&l);
}

static void test_sweep_empties_all(void **state)
{
	struct line l;

	(void)state;
	open_table(&l, 100000, BATCH_MAX);
	for (int turn = 0; turn < 3; turn++) {
		for (__u32 i = 0; i < 2000; i++)
			exchange(&l, (__u16)i, 1000 * turn);
		assert_int_equal(line_counter(&l, COUNTER_FLOWS), 2000 * (turn + 1));
		assert_in_range(sweep(&l, 1000000, 1000000), 2, 100);
		assert_int_equal(l.samples, 2000 * (turn + 1));
		assert_int_equal(sweep(&l, 0, 0), 1);
	}
	line_close(&l);
}

/* Memory of flows that are gone is used for others, which know nothing of them. */
static void test_memory_is_used_again(void **state)
{
	struct line l;

	(void)state;
	open_table(&l, 100, 1);
	for (l.sport = 0; l.sport < 50; l.sport++)
		sent(&l, 0, 0, 100);
	sweep(&l, 1000000, 1000000);
	for (l.sport = 50; l.sport < 100; l.sport++) {
		sent(&l, 2000, 100, 100);
		received_flags(&l, 2010, 100, TCP_ACK); /* what the one before had sent */
		assert_int_equal(l.samples, l.sport - 50);
		received_flags(&l, 2020, 200, TCP_ACK);
		assert_int_equal(l.samples, l.sport - 49);
	}
	line_close(&l);
}

/* The clock was set back by a day: older flows do not stay for a day because of that. */
static void test_clock_set_back(void **state)
{
	const __u64 idle = 300 * NS_PER_S;
	struct sweep_terms terms;
	struct line l;

	(void)state;
	open_table(&l, 10, 1);
	for (__u16 i = 0; i < 10; i++)
		exchange(&l, i, 86400 * 1000000ull);
	for (__u64 s = 0; s <= 310; s += 10) {
		terms = sweep_terms(l.epoch + s * NS_PER_S, idle, idle);
		while (!flow_table_sweep(l.table, &terms))
			;
	}
	exchange(&l, 100, 311 * 1000000ull);
	assert_int_equal(line_counter(&l, COUNTER_FLOWS_REFUSED), 0);
	assert_int_equal(l.samples, 11);
	line_close(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		S(sweep_emits),          S(sweep_drops_the_idle_and_the_ended),
		S(sweep_in_steps),       S(sweep_empties_all),
		S(memory_is_used_again), S(clock_set_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
