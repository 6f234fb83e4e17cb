/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whom to measure, while interfaces and names come and go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "peering.h"
#include "some_links.h"

/* The clock is ours to put forward. */
static time_t ahead_s;

int clock_gettime(clockid_t id, struct timespec *now)
{
	long err = syscall(SYS_clock_gettime, id, now);

	now->tv_sec += ahead_s;
	return (int)err;
}

static struct prefix ips_a[6], ips_b[3], ips_c[1];
static char *hosts_a[] = {"db.example.", "web.example"};
static char *hosts_c[] = {"web.example"};

/* a and b on eth0, c on eth1. */
static struct instance instances[] = {
	{.interface = "eth0", .ips = ips_a, .ips_count = 6, .hosts = hosts_a, .hosts_count = 2},
	{.interface = "eth0", .ips = ips_b, .ips_count = 3},
	{.interface = "eth1", .ips = ips_c, .ips_count = 1, .hosts = hosts_c, .hosts_count = 1},
};
static const struct config config = {.instances = instances,
				     .instances_count = 3,
				     .reverse_names = true,
				     .report_interval_s = 10,
				     .idle_ttl_s = 100};

static int setup(void **state)
{
	static const char *const a[] = {"10.0.0.1",   "10.0.0.1",      "10.1.0.0/16", "10.1.0.0/16",
					"10.0.0.0/8", "2001:db8::/32", NULL};
	static const char *const b[] = {"10.0.0.1", "10.1.2.3", "::/0", NULL};
	static const char *const c[] = {"10.0.0.1", NULL};
	struct peers *peers;

	some_link[1].interface.ifindex = 2;
	fill(ips_a, a);
	fill(ips_b, b);
	fill(ips_c, c);
	assert_int_equal(peers_new(&peers, &config, &some_links), 0);
	*state = peers;
	return 0;
}

static int teardown(void **state)
{
	peers_free(*state);
	return 0;
}

static const char *name_of(const struct peers *peers, unsigned int ifindex, const char *text)
{
	struct address a = addr(text);

	return peers_name(peers, ifindex, &a);
}

/* Instances as letters, "ab" say, in the order they were told. */
static void note_instance(void *arg, const struct instance *instance)
{
	char letter[2] = {(char)('a' + (instance - instances)), '\0'};

	strcat(arg, letter);
}

static void assert_instances(const struct peers *peers, unsigned int ifindex, const char *text,
			     const char *expected)
{
	struct address a = addr(text);
	struct flow_key flow = flow_to(ifindex, &a);
	char told[16] = "";

	peers_each_instance(peers, &flow, note_instance, told);
	assert_string_equal(told, expected);
}

static int set_host(struct peers *peers, const char *host, const char *first, const char *second)
{
	struct address addrs[2];
	size_t count = 0;

	if (first)
		addrs[count++] = addr(first);
	if (second)
		addrs[count++] = addr(second);
	return peers_set_host(peers, host, addrs, count) < 0 ? -1 : peers_update(peers);
}

/* No address has flows, for longer than any is kept. */
static void forget_all(struct peers *peers)
{
	ahead_s += 101;
	peers_forget_idle(peers);
	assert_false(peers_keep(peers));
}

static int set_name(struct peers *peers, const char *text, const char *name)
{
	struct address a = addr(text);

	return peers_set_address_name(peers, &a, name);
}

static void assert_entry(const struct peers *peers, unsigned int ifindex, const char *text,
			 const char *expected)
{
	struct address a = addr(text);
	struct flow_key flow = flow_to(ifindex, &a);
	char room[PREFIX_TEXT];
	const char *entry = peers_entry(peers, &flow, room);

	if (expected)
		assert_string_equal(entry, expected);
	else
		assert_null(entry);
}

static void test_match(void **state)
{
	struct peers *peers = *state;

	assert_true(matches(peers, 2, "10.0.0.1"));
	assert_true(matches(peers, 2, "10.200.0.1"));
	assert_true(matches(peers, 2, "2001:db8::1"));
	assert_true(matches(peers, 2, "2001:db9::1")); /* b's ::/0 */
	assert_false(matches(peers, 2, "11.0.0.1"));   /* which is for IPv6 */
	assert_true(matches(peers, 3, "10.0.0.1"));
	assert_false(matches(peers, 3, "10.200.0.1"));
	assert_false(matches(peers, 4, "10.0.0.1"));
	assert_false(matches(peers, 0, "10.0.0.1"));
}

static void test_instances(void **state)
{
	struct peers *peers = *state;

	assert_instances(peers, 2, "10.0.0.1", "ab");
	assert_instances(peers, 3, "10.0.0.1", "c");
	assert_instances(peers, 2, "10.1.2.3", "ba"); /* b by address, a by two networks */
	assert_instances(peers, 2, "10.1.2.4", "a");
	assert_instances(peers, 2, "2001:db8::1", "ab");
	assert_instances(peers, 2, "11.0.0.1", "");
	assert_instances(peers, 3, "2001:db8::1", "");
}

static void test_list(void **state)
{
	struct peers *peers = *state;
	size_t hosts = 0;

	/* a: one address, three networks; b: two addresses, one network; c: one address */
	assert_int_equal(peers_count(peers), 8);
	for (size_t i = 0; i < peers_count(peers); i++) {
		const struct peer *peer = peers_at(peers, i);

		hosts += prefix_is_host(&peer->prefix);
		assert_int_equal(peer->set,
				 peers_set_of(peers, peer->instance == &instances[2] ? 3 : 2));
		assert_null(peer->name);
	}
	assert_int_equal(hosts, 4);
}

static void test_hosts(void **state)
{
	struct peers *peers = *state;

	assert_int_equal(set_host(peers, "unknown.example", "192.0.2.1", NULL), 0);
	assert_int_equal(set_host(peers, "web.example", "192.0.2.1", "192.0.2.2"), 1);
	assert_int_equal(peers_count(peers), 8 + 4);
	assert_instances(peers, 2, "192.0.2.1", "a");
	assert_instances(peers, 3, "192.0.2.2", "c");
	assert_string_equal(name_of(peers, 3, "192.0.2.2"), "web.example");
	assert_null(name_of(peers, 2, "10.0.0.1"));
	assert_null(name_of(peers, 2, "10.200.0.1"));

	/* the same in another order, or twice, is no change */
	assert_int_equal(set_host(peers, "web.example", "192.0.2.2", "192.0.2.1"), 0);
	assert_int_equal(set_host(peers, "web.example", "192.0.2.3", "192.0.2.3"), 1);
	assert_int_equal(set_host(peers, "web.example", "192.0.2.3", NULL), 0);
	forget_all(peers);
	assert_false(matches(peers, 2, "192.0.2.1"));
	assert_true(matches(peers, 2, "192.0.2.3"));

	/* a host at an address that is listed itself gives it the name */
	assert_int_equal(set_host(peers, "db.example.", "10.0.0.1", NULL), 1);
	assert_string_equal(name_of(peers, 2, "10.0.0.1"), "db.example");
	assert_instances(peers, 2, "10.0.0.1", "ab");
	assert_null(name_of(peers, 3, "10.0.0.1"));

	/* and two names at one address are one peer, by the first name */
	assert_int_equal(set_host(peers, "web.example", "10.0.0.1", NULL), 1);
	assert_string_equal(name_of(peers, 2, "10.0.0.1"), "db.example");
	assert_string_equal(name_of(peers, 3, "10.0.0.1"), "web.example");
	forget_all(peers);
	assert_int_equal(peers_count(peers), 8);

	assert_int_equal(set_host(peers, "web.example", NULL, NULL), 1);
	assert_int_equal(set_host(peers, "web.example", NULL, NULL), 0);
}

/* Addresses take effect with the update, all together. */
static void test_update(void **state)
{
	struct peers *peers = *state;
	struct address a = addr("192.0.2.1"), b = addr("192.0.2.2");

	assert_int_equal(peers_update(peers), 0);
	assert_int_equal(peers_set_host(peers, "web.example", &a, 1), 1);
	assert_int_equal(peers_set_host(peers, "db.example.", &b, 1), 1);
	assert_false(matches(peers, 2, "192.0.2.1"));
	assert_int_equal(peers_update(peers), 1);
	assert_true(matches(peers, 2, "192.0.2.1"));
	assert_true(matches(peers, 2, "192.0.2.2"));
	assert_int_equal(peers_update(peers), 0);
}

/* What a host's former address was measured for is reported with the host's name and tags. */
static void test_former_addresses(void **state)
{
	struct peers *peers = *state;

	assert_int_equal(set_host(peers, "web.example", "192.0.2.1", "192.0.2.2"), 1);
	assert_int_equal(set_host(peers, "web.example", "192.0.2.2", "10.1.2.4"), 1);
	forget_all(peers);
	assert_false(matches(peers, 3, "192.0.2.1"));
	assert_int_equal(peers_count(peers), 8 + 4);
	assert_string_equal(name_of(peers, 3, "192.0.2.1"), "web.example");
	assert_instances(peers, 3, "192.0.2.1", "c");
	assert_entry(peers, 3, "192.0.2.1", "web.example");

	/* also after the next change, and one that comes back is there again */
	assert_int_equal(set_host(peers, "web.example", "192.0.2.3", "192.0.2.2"), 1);
	assert_string_equal(name_of(peers, 3, "192.0.2.1"), "web.example");
	assert_string_equal(name_of(peers, 2, "10.1.2.4"), "web.example");
	assert_instances(peers, 2, "10.1.2.4", "a"); /* by two networks and as former */
	assert_int_equal(set_host(peers, "web.example", "192.0.2.1", NULL), 1);
	assert_true(matches(peers, 3, "192.0.2.1"));

	/* where it is another host's now, that name counts */
	assert_int_equal(set_host(peers, "db.example.", "192.0.2.3", NULL), 1);
	assert_string_equal(name_of(peers, 2, "192.0.2.3"), "db.example");
	assert_string_equal(name_of(peers, 3, "192.0.2.3"), "web.example");

	/* and in the end it is forgotten */
	forget_all(peers);
	assert_string_equal(name_of(peers, 3, "192.0.2.3"), "web.example");
	ahead_s += 100;
	assert_string_equal(name_of(peers, 3, "192.0.2.1"), "web.example");
	assert_null(name_of(peers, 3, "192.0.2.3"));
	assert_instances(peers, 3, "192.0.2.3", "");
	assert_entry(peers, 3, "192.0.2.3", NULL);
	assert_null(name_of(peers, 2, "10.1.2.4"));
	assert_instances(peers, 2, "10.1.2.4", "a");
	assert_entry(peers, 2, "10.1.2.4", "10.1.0.0/16");
	assert_int_equal(set_host(peers, "web.example", "192.0.2.9", NULL), 1);
	assert_string_equal(name_of(peers, 3, "192.0.2.1"), "web.example");
	assert_null(name_of(peers, 3, "192.0.2.3"));
}

static void test_reverse_names(void **state)
{
	struct peers *peers = *state;

	assert_int_equal(set_name(peers, "10.0.0.1", "one.example"), 1);
	assert_int_equal(set_name(peers, "10.0.0.1", "one.example"), 0);
	assert_string_equal(name_of(peers, 2, "10.0.0.1"), "one.example");
	assert_string_equal(name_of(peers, 3, "10.0.0.1"), "one.example");
	assert_null(name_of(peers, 4, "10.0.0.1"));
	assert_int_equal(set_name(peers, "10.0.0.1", "uno.example"), 1);
	assert_string_equal(name_of(peers, 2, "10.0.0.1"), "uno.example");

	/* the configuration's own name wins, on the interface where it gives one */
	assert_int_equal(set_host(peers, "db.example.", "10.0.0.1", NULL), 1);
	assert_string_equal(name_of(peers, 2, "10.0.0.1"), "db.example");
	assert_string_equal(name_of(peers, 3, "10.0.0.1"), "uno.example");
	assert_int_equal(set_host(peers, "db.example.", "192.0.2.1", NULL), 1);
	assert_string_equal(name_of(peers, 2, "10.0.0.1"), "uno.example");
}

static void test_entry(void **state)
{
	struct peers *peers = *state;

	assert_entry(peers, 2, "10.0.0.1", "10.0.0.1");
	assert_entry(peers, 2, "10.1.9.9", "10.1.0.0/16");
	assert_entry(peers, 2, "10.2.0.1", "10.0.0.0/8");
	assert_entry(peers, 2, "10.1.2.3", "10.1.2.3");
	assert_entry(peers, 2, "2001:db8::1", "2001:db8::/32");
	assert_entry(peers, 2, "2001:db9::1", "::/0");
	assert_entry(peers, 2, "11.0.0.1", NULL);
	assert_entry(peers, 3, "10.2.0.1", NULL);
	assert_int_equal(set_name(peers, "10.0.0.1", "one.example"), 1);
	assert_entry(peers, 2, "10.0.0.1", "10.0.0.1"); /* as configured */
	assert_int_equal(set_host(peers, "db.example.", "10.1.2.3", "10.1.9.9"), 1);
	assert_entry(peers, 2, "10.1.2.3", "db.example");
	assert_entry(peers, 2, "10.1.9.9", "db.example");
}

static void test_rest(void **state)
{
	struct peers *peers = *state;

	assert_false(peers_rest(peers, 0, false));
	assert_true(peers_rest(peers, 0, true));
	assert_false(peers_rest(peers, 0, true));
	assert_true(matches(peers, 2, "10.0.0.1")); /* b's, too */
	assert_true(matches(peers, 2, "10.1.2.3"));
	assert_false(matches(peers, 2, "10.1.2.4"));
	assert_true(matches(peers, 2, "2001:db8::1")); /* b's ::/0 */
	assert_int_equal(peers_count(peers), 4);
	for (size_t i = 0; i < peers_count(peers); i++)
		assert_ptr_not_equal(peers_at(peers, i)->instance, &instances[0]);

	/* what was measured before is still reported */
	assert_instances(peers, 2, "10.0.0.1", "ab");
	assert_instances(peers, 2, "10.1.2.4", "a");
	assert_entry(peers, 2, "10.1.2.4", "10.1.0.0/16");
	assert_int_equal(set_host(peers, "db.example.", "10.1.2.4", NULL), 1);
	assert_string_equal(name_of(peers, 2, "10.1.2.4"), "db.example");
	assert_false(matches(peers, 2, "10.1.2.4")); /* also after a rebuild */
	assert_int_equal(peers_count(peers), 4);

	assert_true(peers_rest(peers, 1, true));
	assert_false(matches(peers, 2, "10.0.0.1"));
	assert_true(matches(peers, 3, "10.0.0.1"));
	assert_int_equal(peers_count(peers), 1);
	assert_true(peers_rest(peers, 0, false));
	assert_true(matches(peers, 2, "10.0.0.1"));
	assert_true(matches(peers, 2, "10.1.2.4"));
	assert_int_equal(peers_count(peers), 6);
}

static void test_inherit(void **state)
{
	struct peers *old = *state, *peers;
	struct config other;

	assert_int_equal(set_host(old, "web.example", "192.0.2.1", NULL), 1);
	assert_int_equal(set_name(old, "10.0.0.1", "one.example"), 1);
	assert_int_equal(peers_new(&peers, &config, &some_links), 0);
	assert_false(matches(peers, 2, "192.0.2.1"));
	assert_int_equal(peers_inherit(peers, old), 0);
	assert_true(matches(peers, 2, "192.0.2.1"));
	assert_true(matches(peers, 3, "192.0.2.1"));
	assert_string_equal(name_of(peers, 3, "10.0.0.1"), "one.example");
	peers_free(peers);

	/* unless they are no longer asked for */
	other = config;
	other.reverse_names = false;
	assert_int_equal(peers_new(&peers, &other, &some_links), 0);
	assert_int_equal(peers_inherit(peers, old), 0);
	assert_null(name_of(peers, 3, "10.0.0.1"));
	peers_free(peers);
}

static unsigned int changes; /* of interfaces */

/* Called while the interface that goes still has its name. */
static void see_before(void *arg)
{
	assert_non_null(interface_of(arg, changes ? 3 : 2, "10.0.0.1"));
	changes++;
}

static enum peers_change follow(struct peers *peers, const struct links *links)
{
	return peers_follow_links(peers, links, see_before, peers);
}

static void test_interfaces(void **state)
{
	const struct link without[] = {some_link[0], some_link[2]};
	const struct links gone = {.at = (struct link *)without, .count = 2, .whole = true};
	struct peers *peers = *state;

	assert_int_equal(set_host(peers, "web.example", "192.0.2.1", NULL), 1);
	assert_int_equal(follow(peers, &some_links), PEERS_SAME);
	assert_string_equal(interface_of(peers, 2, "10.0.0.1"), "eth0");
	assert_string_equal(interface_of(peers, 3, "10.0.0.1"), "eth1");
	assert_null(interface_of(peers, 4, "10.0.0.1"));
	assert_null(interface_of(peers, 0, "10.0.0.1"));

	assert_int_equal(follow(peers, &gone), PEERS_INTERFACES);
	assert_false(matches(peers, 2, "10.0.0.1"));
	assert_false(matches(peers, 0, "10.0.0.1"));
	assert_false(matches(peers, 2, "10.200.0.1"));
	assert_true(matches(peers, 3, "10.0.0.1"));
	assert_int_equal(peers_interfaces_count(peers), 1);
	assert_false(peers_any(peers, 2));
	assert_true(peers_any(peers, 3));

	some_link[1].interface.ifindex = 9; /* back, as another */
	assert_int_equal(follow(peers, &some_links), PEERS_INTERFACES);
	assert_true(matches(peers, 9, "192.0.2.1"));
	assert_true(matches(peers, 9, "10.200.0.1"));
	assert_string_equal(interface_of(peers, 9, "10.0.0.1"), "eth0");
	assert_null(interface_of(peers, 2, "10.0.0.1"));
	assert_int_equal(changes, 1); /* when one went */
	assert_int_equal(set_host(peers, "web.example", "192.0.2.2", NULL), 1);
	assert_true(matches(peers, 9, "192.0.2.2"));
}

int main(void)
{
#define PEERS_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		PEERS_TEST(test_match),
		PEERS_TEST(test_instances),
		PEERS_TEST(test_list),
		PEERS_TEST(test_hosts),
		PEERS_TEST(test_inherit),
		PEERS_TEST(test_interfaces),
		PEERS_TEST(test_former_addresses),
		PEERS_TEST(test_update),
		PEERS_TEST(test_reverse_names),
		PEERS_TEST(test_entry),
		PEERS_TEST(test_rest),
	};

	return cmocka_run_group_tests_name("peers", tests, NULL, NULL);
}
