/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Segments that a capture has twice, and segments that were sent twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "array.h"
#include "copies.h"
#include "frame.h"
#include "segments.h"

#define NOW LINE_EPOCH
#define MS  NS_PER_MS

static struct copies *copies;

static int setup(void **state)
{
	(void)state;
	copies = calloc(1, sizeof(*copies));
	return copies ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	free(copies);
	return 0;
}

static struct packet data(__u16 id)
{
	return (struct packet){
		.src = test_address(1),
		.dst = test_address(2),
		.sport = 40000,
		.dport = 443,
		.seq = 5000,
		.ack = 700,
		.payload = 100,
		.window = 501,
		.id = id,
		.flags = TCP_ACK | TCP_PSH,
	};
}

static bool have(const struct packet *p, __u64 now_ns, __u32 ifindex, __u32 place)
{
	return copies_have(copies, p, copies_hash(p, ifindex), now_ns, place);
}

static void test_same_id(void **state)
{
	struct packet p = data(77), again = data(78);

	(void)state;
	assert_false(have(&p, NOW, 0, 0));
	assert_true(have(&p, NOW + 5000, 0, 0));
	assert_true(have(&p, NOW + 90 * MS, 0, 1));
	assert_true(have(&p, NOW + 180 * MS, 0, 1)); /* the third is one of the second */
	assert_false(have(&again, NOW + 181 * MS, 0, 0));
	assert_true(have(&again, NOW + 182 * MS, 0, 0));
}

/* IDs wrap around, and some systems always use the same. */
static void test_long_after(void **state)
{
	struct packet p = data(77);

	(void)state;
	assert_false(have(&p, NOW, 0, 0));
	assert_false(have(&p, NOW + COPY_AGE_NS, 0, 0));
	assert_true(have(&p, NOW + COPY_AGE_NS + 1, 0, 0));
	assert_false(have(&p, NOW, 0, 0)); /* the clock was set back */
}

/* A bridge and its port, both measured live, see the same packet once each. */
static void test_two_interfaces(void **state)
{
	struct packet p = data(77);

	(void)state;
	assert_false(have(&p, NOW, 1, 0));
	assert_false(have(&p, NOW + 1000, 2, 0));
	assert_true(have(&p, NOW + 2000, 1, 0));
}

/* Without an ID, only what comes from another place is a copy. */
static void test_no_id(void **state)
{
	struct packet p = data(0);

	(void)state;
	assert_false(have(&p, NOW, 0, 1));
	assert_true(have(&p, NOW + 1000, 0, 2));
	assert_true(have(&p, NOW + 2000, 0, 3));
	assert_false(have(&p, NOW + 50 * MS, 0, 1)); /* sent again */
	assert_true(have(&p, NOW + 51 * MS, 0, 2));
}

static void test_every_field_tells(void **state)
{
	const struct packet p = data(77);
	struct packet other[] = {p, p, p, p, p, p, p, p, p, p};

	(void)state;
	other[0].src = test_address(9);
	other[1].dst = test_address(9);
	other[2].sport++;
	other[3].dport++;
	other[4].seq++;
	other[5].ack++;
	other[6].payload++;
	other[7].window++;
	other[8].id++;
	other[9].flags |= TCP_FIN;
	for (size_t i = 0; i < ARRAY_SIZE(other); i++) {
		memset(copies, 0, sizeof(*copies));
		assert_false(have(&p, NOW, 0, 0));
		assert_false(have(&other[i], NOW + 1, 0, 0));
	}
}

/* Only the newest of each hash is remembered, and another packet is never taken for a copy. */
static void test_many(void **state)
{
	struct packet p = data(1);
	unsigned int found = 0;

	(void)state;
	for (__u32 i = 0; i < 100000; i++) {
		p.seq = i * 100;
		assert_false(have(&p, NOW + i, 0, 0));
	}
	for (__u32 i = 100000 - 500; i < 100000; i++) {
		p.seq = i * 100;
		found += have(&p, NOW + 100000 + i, 0, 0);
	}
	assert_in_range(found, 300, 500);
}

static void test_places(void **state)
{
	const struct inside bare = {}, carried = {.passed = "GRE"};
	__u8 a[20] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 8, 0}, b[20];

	(void)state;
	memcpy(b, a, sizeof(a));
	b[6] ^= 2; /* with Ethernet another sender's MAC, who may have sent again */
	assert_int_equal(frame_place(LINK_ETHERNET, a, 20, 0, &bare),
			 frame_place(LINK_ETHERNET, b, 20, 0, &bare));
	assert_true(frame_place(LINK_ETHERNET, a, 20, 0, &bare) !=
		    frame_place(LINK_ETHERNET, a, 20, 1, &bare));
	assert_true(frame_place(LINK_SLL2, a, 20, 0, &bare) !=
		    frame_place(LINK_SLL2, b, 20, 0, &bare));
	assert_int_equal(frame_place(LINK_IP, a, 20, 0, &bare),
			 frame_place(LINK_IP, b, 20, 0, &bare));
	b[6] ^= 2;
	b[18] ^= 1; /* not of the link layer any more */
	assert_int_equal(frame_place(LINK_SLL, a, 20, 0, &bare),
			 frame_place(LINK_SLL, b, 20, 0, &bare));
	assert_true(frame_place(LINK_IP, a, 20, 0, &bare) !=
		    frame_place(LINK_IP, a, 20, 0, &carried));
	frame_place(LINK_SLL2, a, 3, 0, &bare); /* cut short */
}

/* A mirror port shows each packet twice: all samples, no retransmissions. */
static void test_mirror_port(void **state)
{
	struct packet p = data(0), ack = data(0);
	struct line l;

	(void)state;
	line_open(&l, 0);
	ack.src = p.dst, ack.dst = p.src;
	ack.sport = p.dport, ack.dport = p.sport;
	ack.payload = 0;
	ack.seq = p.ack;
	for (__u32 i = 0; i < 41; i++) {
		p.seq += 100;
		ack.ack = p.seq + 100;
		p.id++;
		for (int copy = 0; copy < 2; copy++)
			run_packet(l.table, &p, NOW + i * 100 * MS + copy * 5000, 0,
				   DIRECTION_SENT);
		for (int copy = 0; copy < 2; copy++)
			run_packet(l.table, &ack, NOW + i * 100 * MS + 20 * MS + copy * 5000, 0,
				   DIRECTION_RECEIVED);
	}
	assert_int_equal(l.samples, 41);
	assert_true(rtt_is(l.rtt[40], 20 * MS));
	assert_int_equal(line_counter(&l, COUNTER_RETRANSMISSIONS), 0);
	assert_int_equal(line_counter(&l, COUNTER_COPIES), 41);
	line_close(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_same_id, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long_after, setup, teardown),
		cmocka_unit_test_setup_teardown(test_two_interfaces, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_id, setup, teardown),
		cmocka_unit_test_setup_teardown(test_every_field_tells, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many, setup, teardown),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_mirror_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
