/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is told of connections beside samples: how long handshakes took, and what was sent again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "handshake.h"
#include "segments.h"

#define MS 1000 /* us */

static void open_line(struct line *l)
{
	line_open(l, 1u << 31);
	flow_table_set_handshakes(l->table, true);
}

static void sweep(struct line *l)
{
	while (!flow_table_sweep(l->table, NULL))
		;
}

/* The records that tell of handshakes, and the time in the last of them. */
static unsigned int handshakes(const struct line *l, __u32 *ticks)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < l->records; i++) {
		const struct flow_record *record = &l->record[i];

		if (!(record->flags & RECORD_HANDSHAKE))
			continue;
		assert_int_equal(record->count, 1);
		assert_int_equal(record->retransmissions, 0);
		*ticks = record->rtt[1];
		n++;
	}
	return n;
}

static void assert_one_of(const struct line *l, __u64 us)
{
	__u32 ticks = 0;

	assert_int_equal(handshakes(l, &ticks), 1);
	assert_true(rtt_is(ticks, us * 1000));
}

static void assert_none(const struct line *l)
{
	__u32 ticks;

	assert_int_equal(handshakes(l, &ticks), 0);
}

static void test_client(void **state)
{
	struct line l;

	(void)state;
	open_line(&l);
	sent_flags(&l, 0, 0, 0, TCP_SYN);
	received_flags(&l, 20 * MS, 1, TCP_SYN | TCP_ACK);
	received_flags(&l, 21 * MS, 1, TCP_SYN | TCP_ACK); /* our ACK was lost */
	assert_one_of(&l, 20 * MS);
	assert_int_equal(l.samples, 0); /* a SYN makes no sample */
	line_close(&l);
}

static void test_server(void **state)
{
	struct line l;

	(void)state;
	open_line(&l);
	sent_flags(&l, 0, 0, 0, TCP_SYN | TCP_ACK);
	received_flags(&l, 30 * MS, 1, TCP_ACK);
	received_flags(&l, 31 * MS, 1, TCP_ACK | TCP_PSH);
	assert_one_of(&l, 30 * MS);
	assert_int_equal(line_counter(&l, COUNTER_FLOWS), 0); /* a flood of SYNs makes none */
	line_close(&l);
}

/* The client's ACK was lost, or waited for the data: that time is not the network's. */
static void test_server_hears_data(void **state)
{
	struct packet data = {.src = test_address(2),
			      .dst = test_address(1),
			      .sport = 443,

			      .payload = 100,
			      .flags = TCP_ACK | TCP_PSH};
	struct line l;

	(void)state;
	open_line(&l);
	sent_flags(&l, 0, 0, 0, TCP_SYN | TCP_ACK);
	data.dport = l.sport;
	data.ack = l.base + 1;
	run_packet(l.table, &data, l.epoch + 200 * MS * 1000ull, l.ifindex, DIRECTION_RECEIVED);
	received_flags(&l, 210 * MS, 1, TCP_ACK);
	assert_none(&l);
	line_close(&l);
}

/* The server's flow of an earlier connection on the same ports may still be there. */
static void test_server_again(void **state)
{
	struct line l;

	(void)state;
	open_line(&l);
	sent(&l, 0, 5000, 100);
	sent_flags(&l, 1, 5100, 0, TCP_FIN | TCP_ACK);
	received_flags(&l, 2, 5101, TCP_FIN | TCP_ACK);
	sent_flags(&l, 10 * MS, 900000, 0, TCP_SYN | TCP_ACK);
	received_flags(&l, 17 * MS, 900001, TCP_ACK);
	assert_one_of(&l, 7 * MS);
	line_close(&l);
}

/* Karn's rule: which of the two was answered? */
static void test_sent_twice(void **state)
{
	const __u8 flags[] = {TCP_SYN, TCP_SYN | TCP_ACK};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct line l;

		open_line(&l);
		sent_flags(&l, 0, 0, 0, flags[i]);
		sent_flags(&l, 1000 * MS, 0, 0, flags[i]);
		sent_flags(&l, 3000 * MS, 0, 0, flags[i]);
		received_flags(&l, 3020 * MS, 1, TCP_ACK | (i ? 0 : TCP_SYN));
		assert_none(&l);
		line_close(&l);
	}
}

static void test_no_answer(void **state)
{
	struct line l;

	(void)state;
	open_line(&l);
	sent_flags(&l, 0, 0, 0, TCP_SYN);
	received_flags(&l, 1 * MS, 1, TCP_RST | TCP_ACK); /* refused */
	received_flags(&l, 2 * MS, 2, TCP_SYN | TCP_ACK); /* of something else */
	received_flags(&l, 2 * MS, 0, TCP_SYN | TCP_ACK);
	assert_none(&l);
	received_flags(&l, 70000 * MS, 1, TCP_SYN | TCP_ACK); /* longer than can be */
	assert_none(&l);
	line_close(&l);
}

static void test_clock_runs_back(void **state)
{
	struct line l;

	(void)state;
	open_line(&l);
	sent_flags(&l, 10 * MS, 0, 0, TCP_SYN);
	received_flags(&l, 9 * MS, 1, TCP_SYN | TCP_ACK);
	assert_none(&l);
	line_close(&l);
}

static void test_not_asked_for(void **state)
{
	struct line l;

	(void)state;
	line_open(&l, 0);
	sent_flags(&l, 0, 0, 0, TCP_SYN);
	received_flags(&l, 20 * MS, 1, TCP_SYN | TCP_ACK);
	assert_none(&l);
	line_close(&l);
}

/* As many at a time as there are places: some lose theirs, but none gets another's time. */
static void test_many(void **state)
{
	unsigned int told = 0;
	struct line l;

	(void)state;
	open_line(&l);
	for (__u16 port = 1; port <= HANDSHAKES; port++) {
		l.sport = port;
		sent_flags(&l, port, 0, 0, TCP_SYN | TCP_ACK);
	}
	for (__u16 port = 1; port <= HANDSHAKES; port++) {
		unsigned int before = l.records;

		l.sport = port;
		received_flags(&l, 50 * MS + 3 * port, 1, TCP_ACK);
		if (l.records == before)
			continue;
		assert_true(rtt_is(l.record[before % LINE_KEPT].rtt[1],
				   (50ull * MS + 2 * port) * 1000));
		told++;
	}
	assert_in_range(told, HANDSHAKES / 2, HANDSHAKES);
	line_close(&l);
}

static unsigned int sent_again(struct line *l)
{
	unsigned int sum = 0;

	sweep(l);
	for (unsigned int i = 0; i < l->records; i++)
		sum += l->record[i].retransmissions;
	assert_int_equal(sum, line_counter(l, COUNTER_RETRANSMISSIONS));
	return sum;
}

static void test_retransmissions(void **state)
{
	struct line l;

	(void)state;
	open_line(&l);
	sent(&l, 0, 0, 100);
	sent(&l, 1, 100, 100);
	received_flags(&l, 2, 100, TCP_ACK); /* a record without any */
	sent(&l, 300 * MS, 100, 100);
	sent(&l, 900 * MS, 100, 100);
	received_flags(&l, 920 * MS, 200, TCP_ACK);
	assert_int_equal(l.samples, 1);
	assert_int_equal(sent_again(&l), 2);
	assert_int_equal(sent_again(&l), 2); /* told once */
	line_close(&l);
}

/* The jitter must not begin with a sample that never existed. */
static void test_record_without_samples(void **state)
{
	struct line l;

	(void)state;
	open_line(&l);
	sent(&l, 0, 0, 100);
	sent(&l, 1, 0, 100);
	sweep(&l);
	assert_int_equal(l.records, 1);
	assert_int_equal(l.record[0].count, 0);
	assert_int_equal(l.record[0].retransmissions, 1);
	received_flags(&l, 2, 100, TCP_ACK);
	sent(&l, 10, 100, 100);
	received_flags(&l, 15, 200, TCP_ACK);
	assert_int_equal(l.records, 2);
	assert_int_equal(l.record[1].count, 1);
	assert_int_equal(l.record[1].flags & RECORD_HAS_PREVIOUS, 0);
	line_close(&l);
}

static void test_syn_and_fin_sent_again(void **state)
{
	struct line l;

	(void)state;
	open_line(&l);
	sent_flags(&l, 0, 0, 0, TCP_SYN);
	sent_flags(&l, 1000 * MS, 0, 0, TCP_SYN);
	received_flags(&l, 1020 * MS, 1, TCP_SYN | TCP_ACK);
	sent(&l, 1021 * MS, 1, 10);
	sent_flags(&l, 1022 * MS, 11, 0, TCP_FIN | TCP_ACK);
	sent_flags(&l, 1300 * MS, 11, 0, TCP_FIN | TCP_ACK);
	assert_int_equal(sent_again(&l), 2);
	line_close(&l);
}

/* Keep-alives send a byte again that was acknowledged long ago (RFC 9293, 3.8.4). */
static void test_keep_alive(void **state)
{
	struct line l;

	(void)state;
	open_line(&l);
	sent(&l, 0, 0, 100);
	received_flags(&l, 5, 100, TCP_ACK);
	sent(&l, 1000 * MS, 99, 1);
	assert_int_equal(sent_again(&l), 0);
	line_close(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_client),
		cmocka_unit_test(test_server),
		cmocka_unit_test(test_server_hears_data),
		cmocka_unit_test(test_server_again),
		cmocka_unit_test(test_sent_twice),
		cmocka_unit_test(test_no_answer),
		cmocka_unit_test(test_clock_runs_back),
		cmocka_unit_test(test_not_asked_for),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_retransmissions),
		cmocka_unit_test(test_record_without_samples),
		cmocka_unit_test(test_syn_and_fin_sent_again),
		cmocka_unit_test(test_keep_alive),
	};

	return cmocka_run_group_tests_name("handshake", tests, NULL, NULL);
}
