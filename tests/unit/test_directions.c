/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which way a packet goes: first by this host's addresses, then by the frame's, then by the peers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "config.h"
#include "directions.h"
#include "packets.h"
#include "some_links.h"

enum { NEITHER = 0, SENT = DIRECTION_SENT, RECEIVED = DIRECTION_RECEIVED, BOTH = SENT | RECEIVED };

/* 10.0.0.1 is this host; 10.0.0.8 and .9 are peers; .5 and .6 are anybody. */
static struct directions directions;
static struct interface interface = {.name = "lo", .mac = {2, 0, 0, 0, 0, 1}};
static struct config *config;
static struct peers *peers;

static const __u8 OURS[6] = {2, 0, 0, 0, 0, 1}, OTHER[6] = {2, 0, 0, 0, 0, 2};

static unsigned int way(enum link_layer link, const __u8 from[6], const __u8 to[6], __u8 src,
			__u8 dst)
{
	const struct packet p = {.src = test_v4(src), .dst = test_v4(dst)};
	__u8 frame[14];

	memcpy(frame, to, 6);
	memcpy(frame + 6, from, 6);
	return directions_of(&directions, &interface, link, frame, &p);
}

static void test_by_address(void **state)
{
	(void)state;
	assert_int_equal(way(LINK_IP, OTHER, OTHER, 1, 8), SENT);
	assert_int_equal(way(LINK_IP, OTHER, OTHER, 8, 1), RECEIVED);
	assert_int_equal(way(LINK_IP, OTHER, OTHER, 1, 1), BOTH); /* loopback */
	/* Whatever else says something else. */
	assert_int_equal(way(LINK_ETHERNET, OTHER, OURS, 1, 5), SENT);
	assert_int_equal(way(LINK_ETHERNET, OURS, OTHER, 8, 1), RECEIVED);
}

static void test_by_link(void **state)
{
	(void)state;
	assert_int_equal(way(LINK_ETHERNET, OURS, OTHER, 5, 6), SENT);
	assert_int_equal(way(LINK_ETHERNET, OTHER, OURS, 5, 6), RECEIVED);
	assert_int_equal(way(LINK_ETHERNET, OURS, OTHER, 8, 5),
			 SENT);                                     /* before the peers are asked */
	assert_int_equal(way(LINK_IP, OURS, OTHER, 5, 6), NEITHER); /* there is no such header */
}

static void test_by_peer(void **state)
{
	(void)state;
	if (!interface.ifindex)
		skip(); /* no loopback interface */
	assert_int_equal(way(LINK_ETHERNET, OTHER, OTHER, 5, 8), SENT);
	assert_int_equal(way(LINK_IP, OTHER, OTHER, 9, 5), RECEIVED);
	assert_int_equal(way(LINK_IP, OTHER, OTHER, 5, 6), NEITHER);
	assert_int_equal(directions.unknown, 0);
	assert_int_equal(way(LINK_IP, OTHER, OTHER, 8, 9), NEITHER);
	assert_int_equal(directions.unknown, 1);
}

static int setup(void **state)
{
	char *arguments[] = {"10.0.0.8", "10.0.0.9"};
	const struct address here = test_v4(1);

	(void)state;
	assert_int_equal(config_from_arguments("lo", arguments, 2, &config), 0);
	assert_int_equal(peers_new(&peers, config, &some_links), 0);
	assert_int_equal(local_addresses_set(&directions.local, &here, 1), 0);
	directions.peers = peers;
	if (peers_count(peers))
		interface.ifindex = peers_interface_at(peers, 0).number;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	peers_free(peers);
	config_free(config);
	local_addresses_free(&directions.local);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_address),
		cmocka_unit_test(test_by_link),
		cmocka_unit_test(test_by_peer),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
