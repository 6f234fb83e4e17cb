/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The ring of marks, at all its sizes, against a plain list of everything that was ever put in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "array.h"
#include "marks.h"
#include "segments.h"

#define MS NS_PER_MS

struct ring {
	struct flow *flow;
	__u32 mask;
};

static struct ring ring_new(__u32 marks, __u16 head)
{
	struct ring r = {calloc(1, FLOW_SIZE(marks)), marks - 1};

	assert_non_null(r.flow);
	r.flow->head = head;
	return r;
}

static const struct mark *at(const struct ring *r, __u32 i)
{
	return marks_at(r->flow, i, r->mask);
}

static void assert_ordered(const struct ring *r)
{
	assert_in_range(r->flow->count, 0, r->mask + 1);
	for (__u32 i = 1; i < r->flow->count; i++)
		assert_true(seq_before(at(r, i - 1)->end, at(r, i)->end));
}

static void test_empty(void **state)
{
	struct ring r = ring_new(8, 0);

	(void)state;
	assert_int_equal(marks_covered(r.flow, 0, r.mask), 0);
	assert_int_equal(marks_covered(r.flow, 0x7fffffff, r.mask), 0);
	marks_gap(r.flow, r.mask);
	marks_expire(r.flow, ~0ull, r.mask);
	assert_int_equal(r.flow->count, 0);
	free(r.flow);
}

/* Fills, empties and counts at every size; the head passes 65535 on the way. */
static void test_all_sizes(void **state)
{
	(void)state;
	for (__u32 marks = MARKS_MIN; marks <= MARKS_MAX; marks *= 2) {
		struct ring r = ring_new(marks, 65535 - marks / 2);
		__u32 base = 0u - 50 * marks;

		for (__u32 i = 0; i < marks; i++)
			assert_false(marks_push(r.flow, base + 100 * i, i * MS, r.mask));
		assert_int_equal(r.flow->count, marks);
		assert_ordered(&r);
		for (__u32 i = 0; i < marks; i += 1 + marks / 64) {
			assert_int_equal(marks_covered(r.flow, base + 100 * i - 1, r.mask), i);
			assert_int_equal(marks_covered(r.flow, base + 100 * i, r.mask), i + 1);
			assert_int_equal(marks_covered(r.flow, base + 100 * i + 1, r.mask), i + 1);
			assert_int_equal(at(&r, i)->end, base + 100 * i);
			assert_true(
				rtt_is(mark_age(at(&r, i)->when, marks * MS), (marks - i) * MS));
			assert_false(at(&r, i)->when & MARK_GAP);
		}
		assert_int_equal(marks_covered(r.flow, base - 1, r.mask), 0);
		assert_int_equal(marks_covered(r.flow, base + 0x7fff0000, r.mask), marks);
		/* Full: one more costs one, and never the first. */
		assert_true(marks_push(r.flow, base + 100 * marks, marks * MS, r.mask));
		assert_int_equal(r.flow->count, marks);
		assert_int_equal(at(&r, 0)->end, base);
		assert_int_equal(at(&r, marks - 1)->end, base + 100 * marks);
		marks_pop(r.flow, marks - 1);
		assert_int_equal(r.flow->count, 1);
		assert_int_equal(at(&r, 0)->end, base + 100 * marks);
		marks_pop(r.flow, 1);
		assert_int_equal(marks_covered(r.flow, base + 0x7fff0000, r.mask), 0);
		free(r.flow);
	}
}

/* One goes round a ring long enough for the head to wrap, at every size and number in flight. */
static void test_head_wraps(void **state)
{
	(void)state;
	for (__u32 marks = MARKS_MIN; marks <= 1024; marks *= 4) {
		for (__u32 flight = 1; flight <= marks; flight += 1 + marks / 5) {
			struct ring r = ring_new(marks, 0);

			for (__u32 i = 0; i < 140000; i++) {
				assert_false(marks_push(r.flow, 10 * i, i * MS, r.mask));
				if (i + 1 < flight)
					continue;
				assert_int_equal(
					marks_covered(r.flow, 10 * (i + 1 - flight), r.mask), 1);
				assert_int_equal(at(&r, 0)->end, 10 * (i + 1 - flight));
				marks_pop(r.flow, 1);
			}
			free(r.flow);
		}
	}
}

/* The mark whose neighbours are closest in time is dropped, and the one below it notes that. */
static void test_thin_victim(void **state)
{
	(void)state;
	for (__u32 victim = 1; victim < 8; victim++) {
		struct ring r = ring_new(8, (__u16)(65530 + victim));
		__u64 now = 1000 * MS;

		for (__u32 i = 0; i < 8; i++) {
			/* its neighbours are 3 ms apart, others 11 or 20 */
			marks_push(r.flow, 10 * i, now, r.mask);
			now += (i + 1 == victim ? 1 : i == victim ? 2 : 10) * MS;
		}
		assert_true(marks_push(r.flow, 80, now, r.mask));
		assert_int_equal(r.flow->count, 8);
		for (__u32 i = 0; i < 8; i++) {
			assert_int_equal(at(&r, i)->end, 10 * (i < victim ? i : i + 1));
			assert_int_equal(at(&r, i)->when & MARK_GAP, i == victim - 1);
		}
		free(r.flow);
	}
}

/* A gap bit is not part of the time: equal times must not look far apart because of it. */
static void test_thin_with_gaps_at_one_time(void **state)
{
	struct ring r = ring_new(8, 0);

	(void)state;
	for (__u32 i = 0; i < 6; i++)
		marks_push(r.flow, 10 * i, 1000 * MS, r.mask); /* a burst */
	marks_at(r.flow, 1, r.mask)->when |= MARK_GAP;
	marks_at(r.flow, 2, r.mask)->when |= MARK_GAP;
	marks_at(r.flow, 3, r.mask)->when |= MARK_GAP;
	marks_at(r.flow, 0, r.mask)->when |= MARK_GAP;
	marks_push(r.flow, 60, 1001 * MS, r.mask);
	marks_push(r.flow, 70, 1002 * MS, r.mask);
	assert_true(marks_push(r.flow, 80, 1003 * MS, r.mask));
	/* The ones that are alone in their millisecond are still there. */
	assert_int_equal(at(&r, 7)->end, 80);
	assert_int_equal(at(&r, 6)->end, 70);
	assert_int_equal(at(&r, 5)->end, 60);
	free(r.flow);
}

/* What remains of a long flight is spread over all of it. */
static void test_thin_spreads(void **state)
{
	struct ring r = ring_new(32, 0);
	__u64 widest = 0;

	(void)state;
	for (__u32 i = 0; i < 1000; i++)
		marks_push(r.flow, 10 * i, i * MS, r.mask);
	assert_ordered(&r);
	assert_int_equal(at(&r, 0)->end, 0);
	assert_int_equal(at(&r, 31)->end, 9990);
	for (__u32 i = 1; i < 32; i++) {
		__u64 step = (at(&r, i)->end - at(&r, i - 1)->end) / 10;

		widest = step > widest ? step : widest;
	}
	assert_in_range(widest, 1000 / 32, 4 * 1000 / 32);
	free(r.flow);
}

static void test_expiry(void **state)
{
	static const __u64 starts[] = {0, 1, 68719476672ull - 64, 137438953472ull - 1, LINE_EPOCH};

	(void)state;
	for (size_t s = 0; s < ARRAY_SIZE(starts); s++) {
		for (__u64 age = 0; age < 700000 * MS; age += 77 * MS) {
			struct ring r = ring_new(8, 0);
			__u32 ticks = 0xffffffff;

			marks_push(r.flow, 10, starts[s], r.mask);
			r.flow->last = flow_clock(starts[s]);
			marks_expire(r.flow, starts[s] + age, r.mask);
			if (r.flow->count)
				ticks = mark_age(at(&r, 0)->when, starts[s] + age);
			if (age <= 60000 * MS)
				assert_true(rtt_is(ticks, age));
			else if (ticks <= RTT_TICKS_MAX)
				assert_true(rtt_is(ticks, age));
			free(r.flow);
		}
	}
}

static void test_no_future(void **state)
{
	__u64 then = LINE_EPOCH;

	(void)state;
	assert_int_equal(mark_age(mark_when(then), then), 0);
	for (__u64 back = TICK_NS; back < 60000 * MS; back = back * 3 / 2)
		assert_true(mark_age(mark_when(then), then - back) > RTT_TICKS_MAX);
}

/* ---- at random, against the list ---- */

struct list {
	struct mark_kept {
		__u32 end;
		__u64 time;
	} at[200000];
	size_t first, count; /* [first, count) is in flight */
};

/* Whatever ACK might come next: the list's answer, or none. Returns whether there was one. */
static bool assert_answer(const struct ring *r, const struct list *list, __u32 ack, __u64 now)
{
	__u32 covered = marks_covered(r->flow, ack, r->mask);
	size_t last = list->first;
	const struct mark *m;

	while (last < list->count && !seq_after(list->at[last].end, ack))
		last++;
	if (!covered)
		return last == list->first;
	assert_true(last > list->first);
	m = at(r, covered - 1);
	assert_false(seq_after(m->end, ack));
	if (m->when & MARK_GAP && m->end != ack)
		return false;
	assert_int_equal(m->end, list->at[last - 1].end);
	assert_true(rtt_is(mark_age(m->when, now), now - list->at[last - 1].time));
	return true;
}

static void random_walk(struct chance *chance, struct list *list, __u32 marks)
{
	struct ring r = ring_new(marks, (__u16)chance_next(chance));
	__u32 end = (__u32)chance_next(chance), una = end;
	__u64 now = LINE_EPOCH + (chance_next(chance) >> 20);
	__u32 sending = 400 + below(chance, 300), bursts = below(chance, 1000);

	list->first = list->count = 0;
	r.flow->una = una;
	r.flow->last = flow_clock(now);
	for (int step = 0; step < 600; step++) {
		now += permille(chance, bursts) ? 0 : below(chance, 100000);
		if (permille(chance, 5)) {
			marks_gap(r.flow, r.mask); /* never wrong, only less */
		} else if (permille(chance, sending)) {
			end += 1 + below(chance, permille(chance, 500) ? 3 : 65535);
			list->at[list->count++] = (struct mark_kept){end, now};
			marks_push(r.flow, end, now, r.mask);
		} else if (list->count > list->first) {
			__u32 i = below(chance, permille(chance, 700)
							? 1
							: (__u32)(list->count - list->first));
			__u32 ack = list->at[list->first + i].end - permille(chance, 100);

			if (!seq_after(ack, una))
				continue;
			assert_answer(&r, list, ack, now);
			marks_pop(r.flow, marks_covered(r.flow, ack, r.mask));
			while (list->first < list->count &&
			       !seq_after(list->at[list->first].end, ack))
				list->first++;
			r.flow->una = una = ack;
		}
		marks_expire(r.flow, now, r.mask);
		r.flow->last = flow_clock(now);
		assert_ordered(&r);
		if (list->count - list->first <= 1)
			assert_int_equal(r.flow->count, list->count - list->first);
		for (int probe = 0; probe < 3; probe++)
			assert_answer(&r, list, una + 1 + below(chance, end - una + 1), now);
		for (size_t i = list->first; i < list->count;
		     i += 1 + (list->count - list->first) / 4)
			assert_answer(&r, list, list->at[i].end, now);
	}
	free(r.flow);
}

static void test_random_walk(void **state)
{
	struct list *list = malloc(sizeof(*list));
	struct chance chance = {11};

	(void)state;
	assert_non_null(list);
	for (int turn = 0; turn < 300; turn++)
		for (__u32 marks = MARKS_MIN; marks <= 128; marks *= 2)
			random_walk(&chance, list, marks);
	free(list);
}

#define S(name) cmocka_unit_test(test_##name)

int main(void)
{
	const struct CMUnitTest tests[] = {
		S(empty),
		S(all_sizes),
		S(head_wraps),
		S(thin_victim),
		S(thin_with_gaps_at_one_time),
		S(thin_spreads),
		S(expiry),
		S(no_future),
		S(random_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
