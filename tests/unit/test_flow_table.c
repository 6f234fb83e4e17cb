/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The table around the engine: which flows there are, whose they are, and what it counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "flow_tables.h"
#include "some_links.h"

#define DATA (TCP_ACK | TCP_PSH)

static void test_free_nothing(void **state)
{
	struct line l;

	(void)state;
	flow_table_free(NULL);
	open_table(&l, 10, 1);
	assert_int_equal(sweep(&l, 0, 0), 1);
	line_close(&l);
}

static void test_no_flow_without_data(void **state)
{
	struct line l;

	(void)state;
	open_table(&l, 10, 1);
	sent_flags(&l, 0, 0, 0, TCP_ACK);
	sent_flags(&l, 0, 0, 0, TCP_ACK | TCP_FIN);
	sent_flags(&l, 0, 0, 0, TCP_RST);
	sent_flags(&l, 0, 0, 40, TCP_RST | TCP_ACK);
	received_flags(&l, 1, 0, TCP_ACK);
	received_flags(&l, 1, 0, TCP_SYN);
	assert_int_equal(line_counter(&l, COUNTER_FLOWS), 0);
	sent(&l, 2, 0, 1);
	assert_int_equal(line_counter(&l, COUNTER_FLOWS), 1);
	line_close(&l);
}

static void test_max_flows(void **state)
{
	struct line l;

	(void)state;
	open_table(&l, 3, 1);
	for (__u16 i = 0; i < 5; i++)
		exchange(&l, i, 100000 * i);
	assert_int_equal(line_counter(&l, COUNTER_FLOWS), 3);
	assert_int_equal(line_counter(&l, COUNTER_FLOWS_REFUSED), 2);
	assert_int_equal(l.samples, 3);
	/* Room again once flows have gone. */
	sweep(&l, 150000, 150000);
	exchange(&l, 9, 1000);
	exchange(&l, 10, 1000);
	exchange(&l, 11, 1000);
	assert_int_equal(line_counter(&l, COUNTER_FLOWS), 5);
	assert_int_equal(line_counter(&l, COUNTER_FLOWS_REFUSED), 3);
	line_close(&l);
}

/* Flows are told apart by each part of their key. */
static void test_keys(void **state)
{
	struct packet p = {.src = test_address(1),
			   .dst = test_address(2),
			   .sport = 1,
			   .dport = 2,
			   .payload = 1,
			   .flags = DATA};
	struct packet variant[5];
	struct line l;

	(void)state;
	open_table(&l, 100, 1);
	for (int i = 0; i < 5; i++)
		variant[i] = p;
	variant[1].src = test_address(3);
	variant[2].dst = test_address(3);
	variant[3].sport = 3;
	variant[4].dport = 3;
	for (int turn = 0; turn < 2; turn++) {
		for (int i = 0; i < 5; i++)
			run_packet(l.table, &variant[i], LINE_EPOCH, 0, DIRECTION_SENT);
		assert_int_equal(line_counter(&l, COUNTER_FLOWS), 5);
	}
	run_packet(l.table, &p, LINE_EPOCH, 7, DIRECTION_SENT);
	assert_int_equal(line_counter(&l, COUNTER_FLOWS), 6);
	line_close(&l);
}

static void test_record_key(void **state)
{
	struct address local = test_address(1), peer = test_address(2);
	struct line l;

	(void)state;
	open_table(&l, 100, 1);
	l.ifindex = 77;
	exchange(&l, 1234, 0);
	assert_int_equal(l.records, 1);
	assert_memory_equal(&l.record[0].key.local, &local, sizeof(local));
	assert_memory_equal(&l.record[0].key.peer, &peer, sizeof(peer));
	assert_int_equal(l.record[0].key.local_port, 1234);
	assert_int_equal(l.record[0].key.peer_port, 443);
	assert_int_equal(l.record[0].key.ifindex, 77);
	assert_int_equal(l.record[0].time_ns, LINE_EPOCH + 10000);
	line_close(&l);
}

/* Without a local side, both ends' data is measured: a packet is data one way and an ACK the other.
 */
static void test_both_directions(void **state)
{
	struct packet a = {.src = test_address(1),
			   .dst = test_address(2),
			   .sport = 1,
			   .dport = 2,
			   .seq = 1000,
			   .ack = 5000,
			   .payload = 100,
			   .flags = DATA};
	struct packet b = {.src = test_address(2),
			   .dst = test_address(1),
			   .sport = 2,
			   .dport = 1,
			   .seq = 5000,
			   .ack = 1100,
			   .payload = 50,
			   .flags = DATA};
	struct packet c = a;
	struct line l;

	(void)state;
	c.seq = 1100;
	c.ack = 5050;
	c.payload = 0;
	c.flags = TCP_ACK;
	open_table(&l, 100, 1);
	run_packet(l.table, &a, LINE_EPOCH, 0, DIRECTION_SENT | DIRECTION_RECEIVED);
	run_packet(l.table, &b, LINE_EPOCH + 5000, 0, DIRECTION_SENT | DIRECTION_RECEIVED);
	assert_int_equal(l.samples, 1);
	assert_true(rtt_is(l.rtt[0], 5000));
	assert_int_equal(l.record[0].key.local_port, 1);
	run_packet(l.table, &c, LINE_EPOCH + 8000, 0, DIRECTION_SENT | DIRECTION_RECEIVED);
	assert_int_equal(l.samples, 2);
	assert_true(rtt_is(l.rtt[1], 3000));
	assert_int_equal(l.record[1].key.local_port, 2);
	assert_int_equal(line_counter(&l, COUNTER_FLOWS), 2);
	line_close(&l);

	/* One way at a time. */
	open_table(&l, 100, 1);
	run_packet(l.table, &a, LINE_EPOCH, 0, DIRECTION_SENT);
	run_packet(l.table, &b, LINE_EPOCH + 5000, 0, DIRECTION_SENT);
	assert_int_equal(l.samples, 0);
	run_packet(l.table, &b, LINE_EPOCH + 6000, 0, DIRECTION_RECEIVED);
	assert_int_equal(l.samples, 1);
	run_packet(l.table, &c, LINE_EPOCH + 8000, 0, 0);
	assert_int_equal(l.samples, 1);
	line_close(&l);
}

static struct peers *peers_of(const char *peer, struct config **config)
{
	char *arguments[] = {(char *)peer};
	struct peers *peers;

	assert_int_equal(config_from_arguments("lo", arguments, 1, config), 0);
	assert_int_equal(peers_new(&peers, *config, &some_links), 0);
	return peers;
}

static void test_peers(void **state)
{
	struct config *config[2];
	struct peers *two = peers_of("10.0.0.2", &config[0]);
	struct peers *others = peers_of("10.9.0.0/16", &config[1]);
	struct line l;

	(void)state;
	if (!peers_count(two))
		skip(); /* no loopback interface */
	open_table(&l, 100, 1);
	l.ifindex = peers_interface_at(two, 0).number;
	flow_table_set_peers(l.table, others);
	exchange(&l, 1, 0);
	assert_int_equal(line_counter(&l, COUNTER_FLOWS), 0);
	assert_int_equal(line_counter(&l, COUNTER_FLOWS_REFUSED), 0);
	flow_table_set_peers(l.table, two);
	exchange(&l, 2, 100);
	assert_int_equal(line_counter(&l, COUNTER_FLOWS), 1);
	/* No peer any longer: gone with the next sweep, not before. */
	flow_table_set_peers(l.table, others);
	assert_true(flow_table_sweep(l.table, NULL));
	exchange(&l, 2, 200);
	assert_int_equal(l.samples, 1);
	/* On another interface nobody is a peer. */
	flow_table_set_peers(l.table, two);
	l.ifindex++;
	exchange(&l, 3, 300);
	assert_int_equal(l.samples, 1);
	flow_table_set_peers(l.table, NULL);
	exchange(&l, 4, 400);
	assert_int_equal(l.samples, 2);
	line_close(&l);
	peers_free(two);
	peers_free(others);
	config_free(config[0]);
	config_free(config[1]);
}

static void test_unread(void **state)
{
	struct line l;

	(void)state;
	open_table(&l, 100, 1);
	flow_table_unread(l.table, PACKET_BAD);
	flow_table_unread(l.table, PACKET_FRAGMENT);
	flow_table_unread(l.table, PACKET_FRAGMENT);
	flow_table_unread(l.table, PACKET_OTHER);
	assert_int_equal(line_counter(&l, COUNTER_PARSE_ERRORS), 1);
	assert_int_equal(line_counter(&l, COUNTER_FRAGMENTS), 2);
	line_close(&l);
}

/* Full rings and Karn's rule are counted, each event once. */
static void test_counters(void **state)
{
	struct line l;

	(void)state;
	open_table(&l, 100, 1);
	for (__u32 i = 0; i < 11; i++)
		sent(&l, i, 10 * i, 10);
	assert_int_equal(line_counter(&l, COUNTER_MARKS_THINNED), 3);
	sent(&l, 20, 50, 10);
	sent(&l, 21, 60, 10);
	assert_int_equal(line_counter(&l, COUNTER_RETRANSMISSIONS), 2);
	received_flags(&l, 30, 110, TCP_ACK);
	assert_int_equal(line_counter(&l, COUNTER_ACKS_AMBIGUOUS), 1);
	received_flags(&l, 30, 120, TCP_ACK);
	assert_int_equal(line_counter(&l, COUNTER_ACKS_UNSEEN), 1);
	assert_int_equal(line_counter(&l, COUNTER_SAMPLES), 0);
	line_close(&l);
}

/* What only readers of capture files want to know costs others nothing: it is not looked up. */
static void test_seen(void **state)
{
	struct flow_table_settings settings = {
		.engine = {.mark_mask = 7, .batch_limit = 1, .batch_age = NEVER},
		.max_flows = 10,
		.emit = line_emit,
	};
	struct seen seen;

	(void)state;
	for (int tells = 0; tells <= 1; tells++) {
		struct line l = {.epoch = LINE_EPOCH, .sport = 1, .peer = 2};

		settings.tells_seen = tells;
		settings.arg = &l;
		assert_int_equal(flow_table_new(&l.table, &settings), 0);
		exchange(&l, 1, 0);
		exchange(&l, 1, 100);
		l.sport = 2;
		received_flags(&l, 200, 100, TCP_ACK);
		seen = (struct seen){.answered = 9, .acks_alone = 9};
		flow_table_seen(l.table, &seen);
		assert_int_equal(seen.answered, tells);
		assert_int_equal(seen.acks_alone, tells);
		line_close(&l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		S(free_nothing), S(no_flow_without_data),
		S(max_flows),    S(keys),
		S(record_key),   S(both_directions),
		S(peers),        S(unread),
		S(counters),     S(seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
