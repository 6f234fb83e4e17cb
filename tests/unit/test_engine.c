/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is a sample when nothing is lost, and how samples become batches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scenario.h"

/* ---- no loss ---- */

SCENARIO(one_segment)
{
	sent(l, 0, 0, 100);
	acked(l, 20, 100, 20);
	assert_int_equal(line_counter(l, COUNTER_SAMPLES), 1);
	assert_int_equal(line_counter(l, COUNTER_FLOWS), 1);
}

SCENARIO(request_response)
{
	for (__u32 i = 0; i < 50; i++) {
		sent(l, 1000 * i, 10 * i, 10);
		acked(l, 1000 * i + 10 + i, 10 * i + 10, 10 + i);
	}
}

SCENARIO(newest_of_a_stretch_ack)
{
	sent(l, 0, 0, 100);
	sent(l, 5, 100, 100);
	sent(l, 9, 200, 100);
	acked(l, 20, 300, 11);
}

SCENARIO(ack_each)
{
	sent(l, 0, 0, 100);
	sent(l, 5, 100, 100);
	sent(l, 9, 200, 100);
	acked(l, 20, 100, 20);
	acked(l, 21, 200, 16);
	acked(l, 29, 300, 20);
}

/* The newest segment that is covered completely, though the ACK goes on into the next. */
SCENARIO(partial_ack)
{
	sent(l, 0, 0, 100);
	sent(l, 5, 100, 100);
	acked(l, 20, 150, 20);
	acked(l, 25, 200, 20);
}

SCENARIO(nothing_covered_completely)
{
	sent(l, 0, 0, 100);
	no_sample(l, 20, 99);
	acked(l, 30, 100, 30);
}

SCENARIO(duplicate_acks)
{
	sent(l, 0, 0, 100);
	sent(l, 1, 100, 100);
	acked(l, 20, 100, 20);
	no_sample(l, 21, 100);
	no_sample(l, 22, 100);
	no_sample(l, 23, 50);
	acked(l, 25, 200, 24);
	no_sample(l, 26, 100);
	no_sample(l, 27, 200);
}

SCENARIO(ack_before_any_data)
{
	no_sample(l, 0, 0);
	sent(l, 1, 0, 100);
	no_sample(l, 2, 0);
	acked(l, 5, 100, 4);
}

SCENARIO(ack_flag_missing)
{
	sent(l, 0, 0, 100);
	no_sample_flags(l, 3, 100, TCP_PSH);
	acked(l, 20, 100, 20);
}

/* ---- batches ---- */

static void exchange(struct line *l, __u64 us, __u32 i, __u32 rtt_us)
{
	sent(l, us, 10 * i, 10);
	received_flags(l, us + rtt_us, 10 * i + 10, TCP_ACK);
}

static void test_full_batches(void **state)
{
	struct line l;

	(void)state;
	for (unsigned int limit = 1; limit <= BATCH_MAX; limit++) {
		line_open_with(&l, 0xffffff80, 8, limit, NEVER);
		for (__u32 i = 0; i < 4 * limit; i++) {
			assert_int_equal(l.records, i / limit);
			exchange(&l, 1000 * i, i, 10 + i);
			assert_true(rtt_is(l.rtt[(l.samples - 1) % LINE_KEPT],
					   (9 + l.samples) * 1000) ||
				    !l.samples);
		}
		assert_int_equal(l.records, 4);
		for (unsigned int r = 0; r < 4; r++) {
			const struct flow_record *record = &l.record[r];

			assert_int_equal(record->count, limit);
			assert_int_equal(record->flags, r ? RECORD_HAS_PREVIOUS : 0);
			if (r)
				assert_int_equal(record->rtt[0], l.record[r - 1].rtt[limit]);
			assert_int_equal(record->time_ns,
					 LINE_EPOCH + ((r + 1) * limit - 1) * 1001000ull + 10000);
			assert_int_equal(record->key.local_port, 40000);
			assert_int_equal(record->key.peer_port, 443);
		}
		assert_int_equal(line_counter(&l, COUNTER_SAMPLES), 4 * limit);
		line_close(&l);
	}
}

static void test_aged_batches(void **state)
{
	struct line l;

	(void)state;
	line_open_with(&l, 0, 8, BATCH_MAX, 5000000 / TICK_NS);
	exchange(&l, 0, 0, 10);
	exchange(&l, 100, 1, 20);
	assert_int_equal(l.records, 0);
	sent(&l, 5009, 20, 10);
	assert_int_equal(l.records, 0);
	sent(&l, 5010, 30, 10); /* 5 ms after the first sample: data brings it on */
	assert_int_equal(l.records, 1);
	assert_int_equal(l.record[0].count, 2);
	received_flags(&l, 5020, 40, TCP_ACK);
	assert_int_equal(l.records, 1);
	sent(&l, 6000, 40, 10);
	received_flags(&l, 10021, 50, TCP_ACK); /* .. or an ACK, with its own sample */
	assert_int_equal(l.records, 2);
	assert_int_equal(l.record[1].count, 2);
	assert_int_equal(l.record[1].flags, RECORD_HAS_PREVIOUS);
	assert_true(rtt_is(l.record[1].rtt[0], 20000));
	line_close(&l);
}

static void test_ends_flush(void **state)
{
	struct line l;

	(void)state;
	line_open_with(&l, 0, 8, BATCH_MAX, NEVER);
	exchange(&l, 0, 0, 10);
	received_flags(&l, 20, 10, TCP_RST);
	assert_int_equal(l.records, 1);
	exchange(&l, 100, 1, 10);
	sent_flags(&l, 200, 20, 0, TCP_RST);
	assert_int_equal(l.records, 2);
	exchange(&l, 300, 2, 10);
	assert_true(flow_table_sweep(l.table, NULL));
	assert_int_equal(l.records, 3);
	assert_true(flow_table_sweep(l.table, NULL));
	assert_int_equal(l.records, 3);
	line_close(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		S(one_segment),    S(request_response),    S(newest_of_a_stretch_ack),
		S(ack_each),       S(partial_ack),         S(nothing_covered_completely),
		S(duplicate_acks), S(ack_before_any_data), S(ack_flag_missing),
		S(full_batches),   S(aged_batches),        S(ends_flush),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
