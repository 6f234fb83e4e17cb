/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Snapshots of interfaces, in a network namespace of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "clock.h"
#include "links.h"
#include "namespace.h"

#include <linux/if_arp.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

static struct links links;

static const struct link *named(const char *name)
{
	const struct link *link = links_named(&links, name);

	assert_non_null(link);
	assert_ptr_equal(links_find(&links, link->interface.ifindex), link);
	return link;
}

static void look(bool default_routes)
{
	links_free(&links);
	assert_int_equal(links_read(&links, default_routes), 0);
	assert_true(links.whole);
	for (size_t i = 1; i < links.count; i++)
		assert_true(links.at[i - 1].interface.ifindex < links.at[i].interface.ifindex);
}

static int teardown(void **state)
{
	(void)state;
	links_free(&links);
	return 0;
}

static void test_loopback(void **state)
{
	(void)state;
	enter_namespace();
	look(true);
	assert_int_equal(named("lo")->interface.ifindex, 1);
	assert_int_equal(named("lo")->interface.type, ARPHRD_LOOPBACK);
	assert_int_equal(named("lo")->flags & (IFF_UP | IFF_LOOPBACK), IFF_UP | IFF_LOOPBACK);
	assert_false(named("lo")->is_default);
	assert_int_equal(named("lo")->lower, 0);
	assert_int_equal(named("lo")->lower_netns, -1);
	assert_string_equal(named("lo")->altnames, "");
	assert_null(links_named(&links, ""));
	assert_null(links_named(&links, "none"));
	assert_null(links_find(&links, 0));
	assert_null(links_find(&links, 4000));
	links_free(&links);
	assert_null(links_find(&links, 1));
	assert_null(links_named(&links, "lo"));
}

/* The same as one by one. */
static void test_same(void **state)
{
	struct interface one;

	(void)state;
	enter_namespace();
	add_link("m0", 70);
	assert_true(run_tool("ip link set m0 address 02:00:00:00:00:07"));
	look(false);
	for (size_t i = 0; i < links.count; i++) {
		assert_int_equal(interface_find(links.at[i].interface.name, &one), 0);
		assert_memory_equal(&one, &links.at[i].interface, sizeof(one));
	}
	assert_int_equal(named("m0")->interface.mac[5], 7);
	assert_int_equal(links.count, 3);
}

static void test_relations(void **state)
{
	(void)state;
	enter_namespace();
	add_link("m0", 70);
	assert_true(run_tool("ip link add br0 type bridge"));
	assert_true(run_tool("ip link set m0 master br0"));
	look(false);
	assert_string_equal(named("br0")->kind, "bridge");
	assert_string_equal(named("m0")->kind, "veth");
	assert_int_equal(named("m0")->master, named("br0")->interface.ifindex);
	assert_int_equal(named("m0")->lower, named("m0-end")->interface.ifindex);
	assert_int_equal(named("m0")->lower_netns, -1);
	if (run_tool(
		    "ip link add link m0-end name m0.7 type vlan id 7")) { /* not in every kernel */
		look(false);
		assert_string_equal(named("m0.7")->kind, "vlan");
		assert_int_equal(named("m0.7")->lower, named("m0-end")->interface.ifindex);
	}
	if (run_tool("ip link add vx0 type vxlan id 7 dev m0-end dstport 4789")) {
		look(false);
		assert_int_equal(named("vx0")->lower, named("m0-end")->interface.ifindex);
	}
}

/* The other end is in another network namespace. */
static void test_elsewhere(void **state)
{
	char command[64];
	pid_t child;
	int status;

	(void)state;
	enter_namespace();
	add_link("m0", 70);
	child = fork();
	if (!child) {
		unshare(CLONE_NEWNET);
		pause();
	}
	sleep(1);
	snprintf(command, sizeof(command), "ip link set m0-end netns %d", (int)child);
	assert_true(run_tool(command));
	look(false);
	assert_true(named("m0")->lower_netns >= 0);
	assert_true(named("m0")->lower > 0);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
}

static void test_altnames(void **state)
{
	const char *name;

	(void)state;
	enter_namespace();
	add_link("m0", 70);
	if (!run_tool("ip link property add dev m0 altname other altname "
		      "a-name-that-is-longer-than-fifteen"))
		skip();
	look(false);
	assert_ptr_equal(named("other"), named("m0"));
	assert_ptr_equal(named("a-name-that-is-longer-than-fifteen"), named("m0"));
	name = link_next_name(named("m0"), NULL);
	assert_string_equal(name, "m0");
	name = link_next_name(named("m0"), name);
	assert_string_equal(name, "other");
	name = link_next_name(named("m0"), name);
	assert_string_equal(name, "a-name-that-is-longer-than-fifteen");
	assert_null(link_next_name(named("m0"), name));
	assert_null(link_next_name(named("lo"), link_next_name(named("lo"), NULL)));
	assert_string_equal(named("m0-end")->altnames, "");
}

static size_t defaults(void)
{
	size_t count = 0;

	look(true);
	for (size_t i = 0; i < links.count; i++)
		count += links.at[i].is_default;
	return count;
}

static void test_default_routes(void **state)
{
	(void)state;
	enter_namespace();
	add_link("m0", 70);
	add_link("m1", 80);
	assert_true(run_tool("ip addr add 192.0.2.1/24 dev m0; ip addr add 198.51.100.1/24 dev m1;"
			     "for i in m0 m0-end m1 m1-end; do ip link set $i up; done"));
	assert_int_equal(defaults(), 0);
	assert_true(run_tool("ip route add default via 192.0.2.2"));
	assert_int_equal(defaults(), 1);
	assert_true(named("m0")->is_default);
	assert_true(run_tool("ip route replace default nexthop via 192.0.2.2 "
			     "nexthop via 198.51.100.2"));
	assert_int_equal(defaults(), 2);
	assert_true(named("m1")->is_default);
	assert_true(run_tool("ip route del default"));
	/* Other tables, other networks, and what leads nowhere. */
	assert_true(run_tool("ip route add default via 192.0.2.2 table 7"));
	assert_true(run_tool("ip route add 128.0.0.0/1 via 192.0.2.2"));
	assert_true(run_tool("ip route add unreachable default"));
	assert_int_equal(defaults(), 0);
	if (run_tool("ip -6 route add default dev m1")) {
		assert_int_equal(defaults(), 1);
		assert_true(named("m1")->is_default);
		look(false);
		assert_false(named("m1")->is_default);
	}
}

/* Far below what would be felt. */
static void test_many(void **state)
{
	const int count = 1000;
	__u64 begin;
	FILE *batch;

	(void)state;
	enter_namespace();
	batch = popen("ip -batch -", "w");
	assert_non_null(batch);
	for (int i = 0; i < count / 2; i++)
		fprintf(batch, "link add many%d type veth peer name end%d\n", i, i);
	if (pclose(batch))
		skip();
	look(false);
	assert_int_equal(links.count, count + 1);
	begin = monotonic_ns();
	look(false);
	begin = monotonic_ns() - begin;
	print_message("# %d links in %.2f ms\n", count, (double)begin / NS_PER_MS);
	assert_true(begin < 500 * NS_PER_MS);
	assert_string_equal(named("many499")->kind, "veth");
}

#define T(name) cmocka_unit_test_teardown(test_##name, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(loopback), T(same),           T(relations), T(elsewhere),
		T(altnames), T(default_routes), T(many),
	};

	return cmocka_run_group_tests_name("links", tests, NULL, NULL);
}
