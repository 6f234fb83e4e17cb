/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The sentence about what was seen where there are no samples. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "seen.h"

static __u64 counters[COUNTERS];
static char text[SEEN_TEXT];

static int clear(void **state)
{
	(void)state;
	memset(counters, 0, sizeof(counters));
	return 0;
}

static void assert_says(const struct seen *seen, const char *expected)
{
	assert_true(seen_matters(seen, counters));
	assert_string_equal(seen_explain(seen, counters, text), expected);
}

static void test_nothing(void **state)
{
	const struct seen file = {0};

	(void)state;
	assert_says(&file, "no samples: 0 packets seen");
}

static void test_no_tcp(void **state)
{
	struct seen seen = {.packets = 12};

	(void)state;
	assert_says(&seen, "no samples: 12 packets seen, no TCP");
	seen.filtered = 9;
	assert_says(&seen, "no samples: 12 packets seen, 9 of these left out by --filter, no TCP; "
			   "try another --filter");
	counters[COUNTER_PARSE_ERRORS] = 3;
	assert_says(&seen, "no samples: 12 packets seen, 9 of these left out by --filter, no TCP, "
			   "3 with headers cut short or wrong; capture more of each packet "
			   "(tcpdump -s 256)");
}

static void test_unread(void **state)
{
	struct seen seen = {.packets = 5};

	(void)state;
	for (int i = 0; i < 3; i++)
		seen_count(seen.unread, "ESP");
	seen_count(seen.links, "177");
	assert_says(&seen,
		    "no samples: 5 packets seen, no TCP; not read: 3 ESP, 1 of link type 177; "
		    "capture on the tunnel's own interface, where packets are not wrapped");
	counters[COUNTER_SAMPLES] = 7;
	counters[COUNTER_FRAGMENTS] = 2;
	assert_says(&seen, "not read: 3 ESP, 1 of link type 177, 2 IP fragments");
}

static void test_good(void **state)
{
	const struct seen seen = {.packets = 5, .tcp = 5, .tcp_ours = 5, .data = 2};

	(void)state;
	counters[COUNTER_SAMPLES] = 1;
	assert_false(seen_matters(&seen, counters));
	counters[COUNTER_FRAGMENTS] = 1; /* as ever: counted, and no more */
	assert_false(seen_matters(&seen, counters));
}

static void test_not_ours(void **state)
{
	struct seen seen = {.packets = 5, .tcp = 4, .ours = SEEN_LOCAL};

	(void)state;
	assert_says(&seen, "no samples: 5 packets seen, 4 TCP, none of it to or from the --local "
			   "addresses; try "
			   "another --local, or none");
	seen.ours = SEEN_PEERS;
	assert_says(&seen,
		    "no samples: 5 packets seen, 4 TCP, none of it to or from the peers; are "
		    "the peers right?");
}

static void test_one_way(void **state)
{
	struct seen seen = {.packets = 50, .tcp = 50, .tcp_ours = 50, .data = 40};

	(void)state;
	counters[COUNTER_FLOWS] = 2;
	assert_says(&seen, "no samples: 50 packets seen, 50 TCP, 40 with data, 2 of 2 flows "
			   "never answered; the capture must have both directions of a "
			   "connection");
	seen.answered = 1;
	counters[COUNTER_ACKS_AMBIGUOUS] = 3;
	assert_says(&seen, "no samples: 50 packets seen, 50 TCP, 40 with data, 1 of 2 flows "
			   "never answered, 3 ACKs left out since data was sent again");
	seen = (struct seen){
		.packets = 9, .tcp = 9, .tcp_ours = 9, .sent = 9, .received = 9, .acks_alone = 9};
	counters[COUNTER_FLOWS] = counters[COUNTER_ACKS_AMBIGUOUS] = 0;
	assert_says(&seen, "no samples: 9 packets seen, 9 TCP, none with data to measure, 9 ACKs "
			   "of data that was not seen; the capture must have both directions of a "
			   "connection");
}

/* With the right --local, what the other side answers is there, what it answers to is not. */
static void test_one_way_local(void **state)
{
	struct seen seen = {
		.packets = 9, .tcp = 9, .tcp_ours = 9, .received = 9, .ours = SEEN_LOCAL};

	(void)state;
	assert_says(&seen, "no samples: 9 packets seen, 9 TCP, 9 of it to or from the --local "
			   "addresses, none with data to measure; the capture must have both "
			   "directions of a connection");
	seen.received = 0;
	seen.sent = 9;
	assert_says(&seen, "no samples: 9 packets seen, 9 TCP, 9 of it to or from the --local "
			   "addresses, none with data to measure; the capture must have both "
			   "directions of a connection");
}

static void test_no_data(void **state)
{
	struct seen seen = {.packets = 9,
			    .tcp = 9,
			    .tcp_ours = 8,
			    .sent = 4,
			    .received = 4,
			    .ours = SEEN_LOCAL};

	(void)state;
	assert_says(&seen, "no samples: 9 packets seen, 9 TCP, 8 of it to or from the --local "
			   "addresses, none with data to measure; do others send the data? Try "
			   "another --local, or none");
	seen.ours = SEEN_PEERS;
	assert_says(&seen, "no samples: 9 packets seen, 9 TCP, 8 of it to or from the peers, none "
			   "with data to measure; do the peers send the data? Peers must be the "
			   "hosts that receive it");
	seen.ours = SEEN_ALL;
	assert_says(&seen, "no samples: 9 packets seen, 9 TCP, none with data to measure");
}

/* More kinds than there is room for, in the struct and in the sentence. */
static void test_many_kinds(void **state)
{
	struct seen seen = {.packets = 1000};
	char name[SEEN_NAME];
	size_t length;

	(void)state;
	for (int turn = 0; turn < 2; turn++) {
		for (int i = 0; i < SEEN_KINDS + 5; i++) {
			snprintf(name, sizeof(name), "%05d, which has a long name", i);
			seen_count(seen.unread, name);
		}
	}
	assert_int_equal(seen.unread[0].packets, 2);
	assert_int_equal(seen.unread[SEEN_KINDS - 1].packets, 12);
	assert_string_equal(seen.unread[SEEN_KINDS - 1].name, "others");
	counters[COUNTER_FRAGMENTS] = 7;
	for (int i = 0; i < SEEN_KINDS + 5; i++) {
		snprintf(name, sizeof(name), "%d", i);
		seen_count(seen.links, name);
		seen_count(seen.inside, name);
	}
	length = strlen(seen_explain(&seen, counters, text));
	assert_in_range(length, SEEN_TEXT / 2, SEEN_TEXT - 128);
	assert_non_null(strstr(text, "1 of these in 0, "));
	assert_non_null(strstr(text, " of these in others; not read: 2 00000, which has a long "));
	assert_non_null(strstr(text, " others, 1 of link type 0, "));
	assert_non_null(strstr(text, " of link type others, 7 IP fragments; capture on "));
}

static void test_inside(void **state)
{
	struct seen seen = {.packets = 2, .tcp = 2, .tcp_ours = 2, .sent = 2, .received = 2};

	(void)state;
	seen_count(seen.inside, "VXLAN");
	seen_count(seen.inside, "GRE");
	assert_says(&seen, "no samples: 2 packets seen, 2 TCP, 1 of these in VXLAN, 1 of these in "
			   "GRE, none with data to measure");
}

static void test_ports(void **state)
{
	struct seen seen = {.packets = 9, .tcp = 7, .other_ports = 7};

	(void)state;
	assert_says(&seen, "no samples: 9 packets seen, 7 TCP, 7 of these left out by --port; are "
			   "the ports right?");
	seen.other_ports = 6;
	seen.tcp_ours = seen.sent = seen.received = 1;
	assert_says(&seen, "no samples: 9 packets seen, 7 TCP, 6 of these left out by --port, none "
			   "with data to measure");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_nothing, clear),
		cmocka_unit_test_setup(test_no_tcp, clear),
		cmocka_unit_test_setup(test_unread, clear),
		cmocka_unit_test_setup(test_good, clear),
		cmocka_unit_test_setup(test_not_ours, clear),
		cmocka_unit_test_setup(test_one_way, clear),
		cmocka_unit_test_setup(test_one_way_local, clear),
		cmocka_unit_test_setup(test_no_data, clear),
		cmocka_unit_test_setup(test_many_kinds, clear),
		cmocka_unit_test_setup(test_inside, clear),
		cmocka_unit_test_setup(test_ports, clear),
	};

	return cmocka_run_group_tests_name("seen", tests, NULL, NULL);
}
