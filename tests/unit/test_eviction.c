/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* In a table that is nearly full, the flows that were silent longest make room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "array.h"
#include "eviction.h"
#include "segments.h"

#define SECOND_NS NS_PER_S
#define IDLE_S    300
#define MAX_FLOWS 1000

/* Times near 0 and where the 32 bits of flow_clock overflow. */
static const __u64 nows[] = {1000 * SECOND_NS, 1ull << 52, (1ull << 52) + 100 * SECOND_NS};

static struct sweep_terms terms_at(__u64 now_ns)
{
	return sweep_terms(now_ns, IDLE_S * SECOND_NS, 60 * SECOND_NS);
}

static struct flow silent_for(__u64 now_ns, unsigned int s)
{
	return (struct flow){.last = flow_clock(now_ns - s * SECOND_NS)};
}

/* Flow i of n was silent for i / 4 s: 0 to 249 s. */
static void see_all(struct eviction *e, __u64 now_ns, unsigned int n)
{
	struct flow f;

	for (unsigned int i = 0; i < n; i++) {
		f = silent_for(now_ns, i / 4);
		eviction_see(e, &f);
	}
}

static unsigned int giving_way(const struct eviction *e, __u64 now_ns, unsigned int n)
{
	struct sweep_terms terms = {.crowded = e->before};
	unsigned int leaving = 0;
	struct flow f;

	for (unsigned int i = 0; i < n; i++) {
		f = silent_for(now_ns, i / 4);
		leaving += flow_gives_way(&f, &terms);
	}
	return leaving;
}

static void test_room_for_a_quarter(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(nows); i++) {
		struct sweep_terms terms = terms_at(nows[i]), later = terms_at(nows[i] + SECOND_NS);
		struct eviction e = {};
		struct flow oldest = silent_for(nows[i], 249), newer = silent_for(nows[i], 180);

		eviction_begin(&e, &terms, MAX_FLOWS, MAX_FLOWS);
		assert_int_equal(e.before, 0); /* nothing is known yet */
		see_all(&e, nows[i], MAX_FLOWS);
		eviction_begin(&e, &later, MAX_FLOWS, MAX_FLOWS);
		/* a bin is 2.3 s wide: ten flows */
		assert_in_range(giving_way(&e, nows[i], MAX_FLOWS), 250, 260);
		later.crowded = e.before;
		assert_true(flow_gives_way(&oldest, &later));
		assert_false(flow_gives_way(&newer, &later));
	}
}

static void test_room_enough(void **state)
{
	struct sweep_terms terms = terms_at(nows[0]);
	struct eviction e = {};

	(void)state;
	eviction_begin(&e, &terms, 899, MAX_FLOWS);
	see_all(&e, nows[0], 899);
	eviction_begin(&e, &terms, 899, MAX_FLOWS);
	assert_int_equal(e.before, 0);
	see_all(&e, nows[0], 899);
	eviction_begin(&e, &terms, 900, MAX_FLOWS);
	assert_int_not_equal(e.before, 0);
}

/* Silent for less than 5 s: busy. */
static void test_the_busy_stay(void **state)
{
	struct sweep_terms terms = terms_at(nows[0]);
	struct eviction e = {};
	struct flow busy = silent_for(nows[0], 4), idle = silent_for(nows[0], 6), ahead;

	(void)state;
	ahead = (struct flow){.last = flow_clock(nows[0] + 2 * SECOND_NS)};
	eviction_begin(&e, &terms, MAX_FLOWS, MAX_FLOWS);
	for (unsigned int i = 0; i < MAX_FLOWS; i++)
		eviction_see(&e, i % 2 ? &busy : &ahead);
	eviction_begin(&e, &terms, MAX_FLOWS, MAX_FLOWS);
	terms.crowded = e.before;
	assert_int_not_equal(e.before, 0);
	assert_false(flow_gives_way(&busy, &terms));
	assert_false(flow_gives_way(&ahead, &terms));
	assert_true(flow_gives_way(&idle, &terms));
}

/* Very small tables, and a walk that began without terms. */
static void test_edges(void **state)
{
	struct sweep_terms terms = terms_at(nows[0]), never = sweep_terms(nows[0], 0, 0);
	struct flow f = silent_for(nows[0], 1000000);
	struct eviction e = {};

	(void)state;
	eviction_see(&e, &f);
	eviction_begin(&e, &terms, 0, 0);
	assert_int_equal(e.before, 0);
	eviction_begin(&e, &terms, 1, 1);
	eviction_see(&e, &f);
	eviction_begin(&e, &never, 1, 1);
	terms.crowded = e.before;
	assert_true(flow_gives_way(&f, &terms));
	eviction_see(&e, &f);
	eviction_begin(&e, &never, 1, 1);
}

/* ---- in the table ---- */

/* A data segment of the flow with this port, at a time in seconds. */
static void data(struct line *l, __u16 sport, unsigned int s)
{
	l->sport = sport;
	sent(l, s * 1000000ull, 0, 100);
}

static void sweep(struct line *l, unsigned int s)
{
	struct sweep_terms terms =
		sweep_terms(l->epoch + s * SECOND_NS, IDLE_S * SECOND_NS, IDLE_S * SECOND_NS);

	while (!flow_table_sweep(l->table, &terms))
		;
}

static void test_full_table(void **state)
{
	struct flow_table_settings settings = {
		.engine = {.mark_mask = 7, .batch_limit = 1, .batch_age = NEVER},
		.max_flows = MAX_FLOWS,
		.emit = line_emit,
	};
	struct line l = {.epoch = LINE_EPOCH, .peer = 2};

	(void)state;
	settings.arg = &l;
	assert_int_equal(flow_table_new(&l.table, &settings), 0);
	for (__u16 i = 0; i < MAX_FLOWS; i++)
		data(&l, i, i / 10); /* until 99 s */
	sweep(&l, 100);
	for (__u16 i = 0; i < 10; i++) { /* the oldest are busy again */
		l.sport = i;
		sent(&l, 101000000ull, 100, 100);
	}
	data(&l, 5000, 105);
	assert_int_equal(line_counter(&l, COUNTER_FLOWS_REFUSED), 1);
	sweep(&l, 110);
	assert_in_range(line_counter(&l, COUNTER_FLOWS_EVICTED), 240, 275);
	data(&l, 5000, 111);
	assert_int_equal(line_counter(&l, COUNTER_FLOWS_REFUSED), 1);
	assert_int_equal(line_counter(&l, COUNTER_FLOWS), MAX_FLOWS + 1);
	for (__u16 i = 0; i < 10; i++) {
		l.sport = i;
		sent(&l, 111500000ull, 200, 100);
		received_flags(&l, 112000000ull, 300, TCP_ACK);
	}
	assert_int_equal(l.samples, 10);
	sweep(&l, 120); /* there is room */
	assert_in_range(line_counter(&l, COUNTER_FLOWS_EVICTED), 240, 275);
	line_close(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_room_for_a_quarter), cmocka_unit_test(test_room_enough),
		cmocka_unit_test(test_the_busy_stay),      cmocka_unit_test(test_edges),
		cmocka_unit_test(test_full_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
