/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Rings that grow as needed find what a ring finds that never fills. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mark_ring.h"
#include "segments.h"

#define FLOWS 600 /* more than one step of a sweep looks at */
#define LARGE 4096

static void open_growing(struct line *l, unsigned int marks, unsigned int most)
{
	struct flow_table_settings settings = {
		.engine = {.mark_mask = marks - 1, .batch_limit = 1, .batch_age = NEVER},
		.marks_most = most,
		.max_flows = 1000,
		.emit = line_emit,
		.arg = l,
	};

	*l = (struct line){.base = 0xffff0000u, .epoch = LINE_EPOCH, .sport = 1, .peer = 2};
	assert_int_equal(flow_table_new(&l->table, &settings), 0);
}

/* What is in flight is acknowledged, each segment by itself. */
static void in_flight(struct line *l, __u32 *seq, __u64 *us, unsigned int segments)
{
	for (__u32 i = 0; i < segments; i++)
		sent(l, *us + i, *seq + 10 * i, 10);
	for (__u32 i = 1; i <= segments; i++)
		acked(l, *us + 5000 + 2 * i, *seq + 10 * i, 5000 + i + 1);
	*seq += 10 * segments;
	*us += 10000 + 2 * segments;
}

/* From every place in the ring at which the oldest mark can be. */
static void test_grows(void **state)
{
	struct line l;

	(void)state;
	for (__u32 head = 0; head < 8; head++) {
		__u32 seq = 0;
		__u64 us = 0;

		open_growing(&l, 8, MARKS_MAX);
		in_flight(&l, &seq, &us, head);
		for (unsigned int segments = 1; segments < 3000; segments += segments / 2 + 1)
			in_flight(&l, &seq, &us, segments);
		assert_int_equal(line_counter(&l, COUNTER_MARKS_THINNED), 0);
		line_close(&l);
	}
}

/* As many as there can be, and no more by default: 0 means what it meant. */
static void test_bounds(void **state)
{
	struct line l;

	(void)state;
	open_growing(&l, 8, 0);
	for (__u32 i = 0; i < 9; i++)
		sent(&l, i, 10 * i, 10);
	assert_int_equal(line_counter(&l, COUNTER_MARKS_THINNED), 1);
	line_close(&l);

	open_growing(&l, 8, MARKS_MAX);
	for (__u32 i = 0; i < MARKS_MAX; i++)
		sent(&l, i, 10 * i, 10);
	assert_int_equal(line_counter(&l, COUNTER_MARKS_THINNED), 0);
	sent(&l, MARKS_MAX, 10 * MARKS_MAX, 10);
	assert_int_equal(line_counter(&l, COUNTER_MARKS_THINNED), MARKS_MAX / 2);
	acked(&l, 100000, 10, 100000);
	no_sample(&l, 100001, 20);
	acked(&l, 100002, 30, 100000);
	line_close(&l);
}

static void test_halve(void **state)
{
	struct flow *f = calloc(1, FLOW_SIZE(8));

	(void)state;
	for (__u32 count = 0; count <= 8; count++) {
		for (__u16 head = 0; head < 8; head++) {
			f->head = head;
			f->count = (__u16)count;
			for (__u32 i = 0; i < count; i++)
				*marks_at(f, i, 7) = (struct mark){i, 2 * i};
			assert_int_equal(mark_ring_halve(f, 7), count / 2);
			assert_int_equal(f->count, count - count / 2);
			for (__u32 i = 0; i < f->count; i++) {
				assert_int_equal(marks_at(f, i, 7)->end, 2 * i);
				assert_int_equal(marks_at(f, i, 7)->when,
						 4 * i + (2 * i + 1 < count ? MARK_GAP : 0));
			}
		}
	}
	free(f);
}

/* The same segment in several tables. */
struct tables {
	struct line line[3];
	__u32 next[FLOWS], una[FLOWS];
};

static void send_some(struct tables *t, struct chance *c, __u64 us)
{
	unsigned int flow = below(c, FLOWS), segments = below(c, 60);
	bool again = below(c, 10) == 0;

	for (unsigned int i = 0; i < segments; i++) {
		__u32 seq = t->next[flow], length = 1 + below(c, 100);

		if (again && i == 0)
			seq -= below(c, seq - t->una[flow] + 1);
		for (size_t k = 0; k < 3; k++) {
			t->line[k].sport = (__u16)flow;
			sent(&t->line[k], us + i, seq, length);
		}
		if (seq + length > t->next[flow])
			t->next[flow] = seq + length;
	}
}

/* The second table has little room: it may find less, but nothing wrong. */
static void acknowledge(struct tables *t, struct chance *c, __u64 us)
{
	unsigned int flow = below(c, FLOWS), samples[3];
	__u32 ack = t->una[flow] + below(c, t->next[flow] - t->una[flow] + 1);
	const struct line *all = &t->line[0], *grown = &t->line[1], *few = &t->line[2];

	for (size_t k = 0; k < 3; k++) {
		samples[k] = t->line[k].samples;
		t->line[k].sport = (__u16)flow;
		received_flags(&t->line[k], us, ack, TCP_ACK);
		samples[k] = t->line[k].samples - samples[k];
	}
	t->una[flow] = ack;
	assert_int_equal(samples[1], samples[0]);
	assert_in_range(samples[2], 0, samples[0]);
	if (samples[1])
		assert_int_equal(grown->rtt[(grown->samples - 1) % LINE_KEPT],
				 all->rtt[(all->samples - 1) % LINE_KEPT]);
	if (samples[2])
		assert_true(
			rtt_is_near(few->rtt[(few->samples - 1) % LINE_KEPT],
				    (__u64)all->rtt[(all->samples - 1) % LINE_KEPT] << TICK_SHIFT));
}

/* Also while a sweep is under way, which may stand at the flow that moves. */
static void test_random(void **state)
{
	static struct tables t;
	struct chance chance = {1};
	__u64 us = 0;

	(void)state;
	open_growing(&t.line[0], LARGE, 0);
	open_growing(&t.line[1], 8, LARGE);
	open_growing(&t.line[2], 8, 16);
	for (unsigned int i = 0; i < 60000; i++, us += 100) {
		if (below(&chance, 5) == 0)
			send_some(&t, &chance, us);
		else
			acknowledge(&t, &chance, us);
		if (below(&chance, 50) == 0)
			flow_table_sweep(t.line[1].table, NULL);
	}
	assert_int_equal(line_counter(&t.line[0], COUNTER_MARKS_THINNED), 0);
	assert_int_equal(line_counter(&t.line[1], COUNTER_MARKS_THINNED), 0);
	assert_in_range(t.line[0].samples, 10000, 60000);
	assert_in_range(t.line[2].samples, 1000, t.line[0].samples - 1000);
	for (size_t k = 0; k < 3; k++)
		line_close(&t.line[k]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grows),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_halve),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests_name("mark_ring", tests, NULL, NULL);
}
