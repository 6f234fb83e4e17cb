/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A flow is dropped when its FIN is acknowledged, and late segments of it make no new one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "closed.h"
#include "segments.h"

#define FIN        (TCP_FIN | TCP_ACK)
#define NEIGHBOURS 50 /* peers of one /24 */

static __u64 flows(const struct line *l)
{
	return line_counter(l, COUNTER_FLOWS);
}

/* A connection of 100 bytes each way, closed by the local side; returns the number behind it. */
static __u32 connection(struct line *l, __u64 us, __u32 isn)
{
	sent_flags(l, us, isn, 0, TCP_SYN);
	received_flags(l, us + 10, isn + 1, TCP_SYN | TCP_ACK);
	sent(l, us + 11, isn + 1, 100);
	received_flags(l, us + 31, isn + 101, TCP_ACK);
	sent_flags(l, us + 32, isn + 101, 0, FIN);
	received_flags(l, us + 50, isn + 102, FIN);
	return isn + 102;
}

/* Batches of 14: its one sample does not wait for the sweep. */
static void test_sample_goes_out(void **state)
{
	struct line l;

	(void)state;
	line_open_with(&l, 1u << 31, 32, BATCH_MAX, NEVER);
	connection(&l, 0, 0);
	assert_int_equal(l.samples, 1);
	assert_true(rtt_is(l.rtt[0], 20000));
	line_close(&l);
}

/* A million short connections need no more room than those that are open at a time. */
static void test_room(void **state)
{
	struct flow_table_settings settings = {
		.engine = {.mark_mask = 7, .batch_limit = BATCH_MAX, .batch_age = NEVER},
		.max_flows = 2,
		.emit = line_emit,
	};
	struct line l = {.epoch = LINE_EPOCH, .peer = 2};

	(void)state;
	settings.arg = &l;
	assert_int_equal(flow_table_new(&l.table, &settings), 0);
	for (unsigned int i = 0; i < 100000; i++) {
		l.sport = 1 + i % 60000;
		connection(&l, i * 100ull, i * 77777);
	}
	assert_int_equal(l.samples, 100000);
	assert_int_equal(line_counter(&l, COUNTER_FLOWS_REFUSED), 0);
	line_close(&l);
}

/* The same ports again, without a SYN that was seen: lower numbers, but not those of the old end.
 */
static void test_lower_numbers(void **state)
{
	struct line l;

	(void)state;
	line_open(&l, 0);
	connection(&l, 0, 1u << 30);
	for (__u32 i = 0; i < 100; i++) {
		sent(&l, 100000 + 100 * i, (1u << 29) + 100 * i, 100);
		received_flags(&l, 100050 + 100 * i, (1u << 29) + 100 * i + 100, TCP_ACK);
	}
	assert_int_equal(l.samples, 101);
	line_close(&l);
}

static void test_fin_not_yet_acknowledged(void **state)
{
	struct line l;

	(void)state;
	line_open(&l, 0);
	sent(&l, 0, 0, 100);
	sent_flags(&l, 1, 100, 0, FIN);
	received_flags(&l, 20, 100, FIN); /* of the data alone */
	assert_int_equal(l.samples, 1);
	sent_flags(&l, 300, 100, 0, FIN);
	received_flags(&l, 320, 101, TCP_ACK);
	assert_int_equal(l.samples, 1);
	assert_int_equal(flows(&l), 1);
	line_close(&l);
}

/* The peer's FIN does not end what we send. */
static void test_half_closed(void **state)
{
	struct line l;

	(void)state;
	line_open(&l, 0);
	sent(&l, 0, 0, 100);
	received_flags(&l, 20, 100, FIN);
	sent(&l, 30, 100, 100);
	received_flags(&l, 50, 200, TCP_ACK);
	assert_int_equal(l.samples, 2);
	assert_int_equal(flows(&l), 1);
	line_close(&l);
}

/* Our last segments were sent again while their ACK was arriving; or the capture has all packets
 * twice. The ACK that comes again is for the first copy. */
static void test_copies(void **state)
{
	struct line l;
	__u32 end;

	(void)state;
	line_open(&l, 0xffffff80);
	end = connection(&l, 0, 0);
	assert_int_equal(l.samples, 1);
	sent(&l, 51, 1, 100);
	sent_flags(&l, 52, 51, 50, FIN);
	received_flags(&l, 53, end, FIN);
	assert_int_equal(l.samples, 1);
	assert_int_equal(flows(&l), 1);
	line_close(&l);
}

/* The client's SYN, and the server's SYN-ACK, which makes no flow; with a lower ISN than before. */
static void test_port_again(void **state)
{
	const __u8 syns[] = {TCP_SYN, TCP_SYN | TCP_ACK};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct line l;

		line_open(&l, 1u << 31);
		connection(&l, 0, 1000000);
		sent_flags(&l, 100, 500000, 0, syns[i]);
		received_flags(&l, 105, 500001, TCP_ACK);
		sent(&l, 110, 500001, 10);
		received_flags(&l, 120, 500011, TCP_ACK);
		assert_int_equal(l.samples, 2);
		assert_true(rtt_is(l.rtt[1], 10000));
		line_close(&l);
	}
}

/* Without its SYN having been seen, a new connection is known by its higher numbers. */
static void test_port_again_without_syn(void **state)
{
	struct line l;

	(void)state;
	line_open(&l, 1u << 31);
	connection(&l, 0, 1000000);
	sent(&l, 110, 2000000, 10);
	received_flags(&l, 120, 2000010, TCP_ACK);
	assert_int_equal(l.samples, 2);
	line_close(&l);
}

/* Makes room: a line has 1000 flows at most. */
static void forget_all(struct line *l)
{
	__u32 later = flow_clock(l->epoch) + 1000;
	const struct sweep_terms all = {.idle = later, .ended = later, .quiet = later};

	while (!flow_table_sweep(l->table, &all))
		;
}

static void test_other_flows_unharmed(void **state)
{
	struct line l;

	(void)state;
	line_open(&l, 0);
	l.sport = 1;
	connection(&l, 0, 1000);
	for (__u16 port = 2; port < 10000; port++) {
		l.sport = port;
		sent(&l, port * 10ull, 1, 100);
		received_flags(&l, port * 10ull + 5, 101, TCP_ACK);
		received_flags(&l, port * 10ull + 5, 101, TCP_RST);
		if (port % 500 == 0)
			forget_all(&l);
	}
	assert_int_equal(l.samples, 1 + 9998);
	line_close(&l);
}

/* Thousands of connections to the peers of one network have just ended when others, which this
 * never saw, go on with lower numbers: none is taken for one of those. */
static void test_neighbours(void **state)
{
	static bool used[NEIGHBOURS][65536];
	struct chance chance = {12};
	unsigned int samples;
	struct line l;
	__u32 seq;

	(void)state;
	line_open(&l, 0);
	for (int i = 0; i < 2 * CLOSED; i++) {
		l.peer = (__u8)(1 + below(&chance, NEIGHBOURS));
		l.sport = (__u16)(32768 + below(&chance, 28232));
		if (used[l.peer - 1][l.sport])
			continue;
		used[l.peer - 1][l.sport] = true;
		if (i < CLOSED) {
			connection(&l, i, 1u << 29);
			continue;
		}
		samples = l.samples;
		seq = below(&chance, 1u << 28);
		sent(&l, i, seq, 100);
		received_flags(&l, i + 50, seq + 100, TCP_ACK);
		assert_int_equal(l.samples, samples + 1);
		if (i % 500 == 0)
			forget_all(&l);
	}
	line_close(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sample_goes_out),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_lower_numbers),
		cmocka_unit_test(test_fin_not_yet_acknowledged),
		cmocka_unit_test(test_half_closed),
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_port_again),
		cmocka_unit_test(test_port_again_without_syn),
		cmocka_unit_test(test_other_flows_unharmed),
		cmocka_unit_test(test_neighbours),
	};

	return cmocka_run_group_tests_name("closed", tests, NULL, NULL);
}
