/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Addresses that are no longer in the answer to their host's name, and connections that go on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <net/if.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "capture.h"
#include "clock.h"
#include "run_packet.h"
#include "packets.h"
#include "peer_names.h"
#include "peering.h"
#include "some_links.h"

#define IDLE_S 100

/* The clock is ours to put forward. */
static time_t ahead_s;

int clock_gettime(clockid_t id, struct timespec *now)
{
	long err = syscall(SYS_clock_gettime, id, now);

	now->tv_sec += ahead_s;
	return (int)err;
}

static struct prefix ips[1];
static char *hosts[] = {"a.example", "b.example"};
static struct instance instances[] = {
	{.interface = "eth0", .ips = ips, .ips_count = 1, .hosts = hosts, .hosts_count = 2},
	{.interface = "eth1", .hosts = hosts, .hosts_count = 1},
};
static const struct config config = {.instances = instances,
				     .instances_count = 2,
				     .report_interval_s = 10,
				     .idle_ttl_s = IDLE_S};

static int setup(void **state)
{
	struct peers *peers;

	assert_int_equal(prefix_parse("192.0.2.99", ips), 0);
	assert_int_equal(peers_new(&peers, &config, &some_links), 0);
	*state = peers;
	return 0;
}

static int teardown(void **state)
{
	peers_free(*state);
	return 0;
}

static void set_host(struct peers *peers, const char *host, const char *text)
{
	struct address a = addr(text);

	assert_int_equal(peers_set_host(peers, host, &a, 1), 1);
	assert_int_equal(peers_update(peers), 1);
}

static void assert_name(const struct peers *peers, unsigned int ifindex, const char *text,
			const char *name)
{
	struct address a = addr(text);
	const char *found = peers_name(peers, ifindex, &a);

	if (name)
		assert_string_equal(found, name);
	else
		assert_null(found);
}

/* This much later: a walk that finds flows to one address, or to none. */
static int walk(struct peers *peers, time_t seconds, const char *text)
{
	ahead_s += seconds;
	if (text) {
		struct address a = addr(text);

		peers_see_flow(peers, 2, &a);
	}
	return peers_forget_idle(peers);
}

static void test_kept_with_flows(void **state)
{
	struct peers *peers = *state;

	assert_int_equal(walk(peers, 0, "192.0.2.1"), 0); /* nothing to see yet */
	set_host(peers, "a.example", "192.0.2.1");
	assert_false(peers_keep(peers));
	set_host(peers, "a.example", "192.0.2.2");
	assert_true(peers_keep(peers));
	for (int i = 0; i < 5; i++) {
		assert_int_equal(walk(peers, IDLE_S - 1, "192.0.2.1"), 0);
		assert_true(matches(peers, 2, "192.0.2.1"));
		assert_true(matches(peers, 3, "192.0.2.1")); /* on every interface of the host */
		assert_true(matches(peers, 2, "192.0.2.2"));
		assert_name(peers, 2, "192.0.2.1", "a.example");
		assert_int_equal(peers_count(peers), 5);
	}
	/* the table is made anew between the walk that saw it and the question */
	ahead_s += IDLE_S - 1;
	peers_see_flow(peers, 2, &(struct address){0});
	walk(peers, 0, "192.0.2.1");
	set_host(peers, "b.example", "192.0.2.7");
	assert_int_equal(walk(peers, IDLE_S - 1, NULL), 0);
	assert_true(matches(peers, 2, "192.0.2.1"));
	/* no flows for this long: no longer measured, but its name is known for late samples */
	assert_int_equal(walk(peers, 2, NULL), 1);
	assert_false(matches(peers, 2, "192.0.2.1"));
	assert_name(peers, 2, "192.0.2.1", "a.example");
	assert_false(peers_keep(peers));
	assert_int_equal(walk(peers, 200, NULL), 0);
	assert_name(peers, 2, "192.0.2.1", NULL);
	assert_true(matches(peers, 2, "192.0.2.2"));
}

/* Addresses that take turns, each walk finding flows to all of them. */
static void test_rotation(void **state)
{
	static const char *const texts[] = {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"};
	struct peers *peers = *state;

	for (int i = 0; i < 40; i++) {
		set_host(peers, "a.example", texts[i % 4]);
		for (int j = 0; j < 4; j++)
			assert_int_equal(matches(peers, 2, texts[j]), j <= i);
		for (int j = 0; j < 4 && j <= i; j++) {
			struct address a = addr(texts[j]);

			peers_see_flow(peers, 2, &a);
		}
		walk(peers, IDLE_S / 2, NULL);
	}
}

static void test_names_of_kept(void **state)
{
	struct peers *peers = *state;

	/* an address that is listed itself loses the name at once */
	set_host(peers, "a.example", "192.0.2.99");
	assert_name(peers, 2, "192.0.2.99", "a.example");
	set_host(peers, "a.example", "192.0.2.1");
	assert_name(peers, 2, "192.0.2.99", NULL);
	assert_true(matches(peers, 2, "192.0.2.99"));
	assert_name(peers, 3, "192.0.2.99", "a.example"); /* there it is not listed */

	/* and one that is another host's now has that name, in the instance that has both */
	set_host(peers, "a.example", "192.0.2.2");
	set_host(peers, "b.example", "192.0.2.1");
	assert_name(peers, 2, "192.0.2.1", "b.example");
	assert_name(peers, 3, "192.0.2.1", "a.example");
}

/* While an instance rests there are no flows to see, whatever connections there are. */
static void test_rest(void **state)
{
	struct peers *peers = *state;

	set_host(peers, "a.example", "192.0.2.1");
	set_host(peers, "a.example", "192.0.2.2");
	assert_true(peers_rest(peers, 0, true));
	for (int i = 0; i < 5; i++)
		assert_int_equal(walk(peers, IDLE_S - 1, NULL), 0);
	assert_true(peers_rest(peers, 0, false));
	assert_true(matches(peers, 2, "192.0.2.1"));
	assert_int_equal(walk(peers, IDLE_S + 1, NULL), 1);
	assert_false(matches(peers, 2, "192.0.2.1"));
}

static void test_reload(void **state)
{
	struct peers *old = *state, *peers;

	set_host(old, "a.example", "192.0.2.1");
	set_host(old, "a.example", "192.0.2.2");
	assert_int_equal(peers_new(&peers, &config, &some_links), 0);
	assert_int_equal(peers_inherit(peers, old), 0);
	assert_true(matches(peers, 2, "192.0.2.1"));
	assert_true(matches(peers, 2, "192.0.2.2"));
	assert_true(peers_keep(peers));
	assert_int_equal(walk(peers, IDLE_S + 1, NULL), 1);
	assert_false(matches(peers, 2, "192.0.2.1"));
	peers_free(peers);
}

/* With more than may be kept, those without flows go first, then the oldest, and it is said once.
 */
static void test_bound(void **state)
{
	struct peers *peers = *state;
	struct address a = addr("10.0.0.0");
	struct capture log;

	log_capture(&log);
	for (unsigned int i = 0; i < KEPT_MAX + 100; i++) {
		a.bytes[14] = (__u8)(i / 256);
		a.bytes[15] = (__u8)i;
		assert_int_equal(peers_set_host(peers, "a.example", &a, 1), 1);
		assert_int_equal(peers_update(peers), 1);
		if (i % 50 == 10)
			walk(peers, 0, "10.0.0.3");
	}
	assert_true(matches(peers, 2, "10.0.0.3")); /* has flows */
	assert_false(matches(peers, 2, "10.0.0.4"));
	assert_true(matches(peers, 2, "10.0.1.0"));
	assert_int_equal(peers_count(peers), 1 + 2 * (KEPT_MAX + 1));
	assert_string_equal(capture_read(&log), "");

	for (unsigned int i = 0; i < KEPT_MAX + 100; i++) { /* all have flows, younger ones */
		for (size_t k = 0; k < peers_count(peers); k++)
			peers_see_flow(peers, 2, &peers_at(peers, k)->prefix.addr);
		walk(peers, 1, NULL);
		a.bytes[13] = 1;
		a.bytes[14] = (__u8)(i / 256);
		a.bytes[15] = (__u8)i;
		assert_int_equal(peers_set_host(peers, "a.example", &a, 1), 1);
		assert_int_equal(peers_update(peers), 1);
	}
	assert_int_equal(peers_count(peers), 1 + 2 * (KEPT_MAX + 1));
	assert_int_equal(count_of(capture_read(&log), "\n"), 1);
	assert_non_null(
		strstr(capture_read(&log),
		       "WARNING host a.example: more than 512 former addresses, which the"));
	log_release(&log);
}

static void take_record(void *arg, const struct flow_record *record)
{
	*(unsigned int *)arg += record->count;
}

/* One request and its answer, to the first address. */
static void exchange(struct flow_table *table, __u32 seq, __u64 now_ns)
{
	struct address local = test_v4(1), peer = addr("192.0.2.1");
	struct packet data = {.src = local,
			      .dst = peer,
			      .sport = 40000,
			      .dport = 443,
			      .seq = seq,
			      .payload = 10,
			      .flags = TCP_ACK};
	struct packet ack = {.src = peer,
			     .dst = local,
			     .sport = 443,
			     .dport = 40000,
			     .ack = seq + 10,
			     .flags = TCP_ACK};

	run_packet(table, &data, now_ns, 2, DIRECTION_SENT);
	run_packet(table, &ack, now_ns + 5000000, 2, DIRECTION_RECEIVED);
}

/* With the table of the libpcap backend: a connection that goes on has all its samples while its
 * address is out of the answer, and the address goes once the connection has been idle. */
static void test_flow_table(void **state)
{
	struct peers *peers = *state;
	unsigned int samples = 0, expected = 0;
	struct flow_table_settings settings = {
		.engine = {.mark_mask = 31, .batch_limit = 15, .batch_age = 1 << 20},
		.max_flows = 16,
		.emit = take_record,
		.arg = &samples,
	};
	__u64 now_ns = 1000 * NS_PER_S;
	struct flow_table *table;

	assert_int_equal(flow_table_new(&table, &settings), 0);
	set_host(peers, "a.example", "192.0.2.1");
	flow_table_set_peers(table, peers);
	for (int i = 0; i < 300 + 2 * IDLE_S + 3; i++) {
		struct sweep_terms terms;

		now_ns += NS_PER_S;
		ahead_s++;
		if (i < 300) {
			exchange(table, 1000 + 10 * (__u32)i, now_ns);
			expected++;
		}
		if (i % 10 == 5) {
			set_host(peers, "a.example", i % 20 == 5 ? "192.0.2.2" : "192.0.2.3");
			flow_table_set_peers(table, peers);
		}
		terms = sweep_terms(now_ns, IDLE_S * NS_PER_S, 60 * NS_PER_S);
		while (!flow_table_sweep(table, &terms))
			;
		if (peers_forget_idle(peers) > 0)
			flow_table_set_peers(table, peers);
		assert_int_equal(samples, expected);
		if (i < 300 + IDLE_S - 1)
			assert_true(matches(peers, 2, "192.0.2.1"));
	}
	assert_int_equal(samples, 300);
	assert_false(matches(peers, 2, "192.0.2.1"));
	flow_table_free(table);
}

int main(void)
{
#define PEERS_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		PEERS_TEST(test_kept_with_flows),
		PEERS_TEST(test_rotation),
		PEERS_TEST(test_names_of_kept),
		PEERS_TEST(test_reload),
		PEERS_TEST(test_rest),
		PEERS_TEST(test_bound),
		PEERS_TEST(test_flow_table),
	};

	return cmocka_run_group_tests_name("peers kept", tests, NULL, NULL);
}
