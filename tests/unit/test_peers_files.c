/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The peers of capture files: a file is an interface of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "peering.h"
#include "some_links.h"

/* The second interface does not exist. */
static void test_file(void **state)
{
	struct prefix ips[3];
	struct instance two[] = {
		{.interface = "file", .pcap = "x.pcap", .ips = ips, .ips_count = 2},
		{.interface = "no-such-one", .ips = ips + 2, .ips_count = 1},
	};
	const struct config file_config = {.instances = two, .instances_count = 2};
	struct address one = addr("10.0.0.1"), other = addr("10.1.2.3");
	char text[PREFIX_TEXT];
	struct flow_key flow;
	struct peers *peers;
	__u32 file;

	(void)state;
	fill(ips, (const char *[]){"10.0.0.1", "10.1.0.0/16", "10.0.0.9", NULL});
	assert_int_equal(peers_new(&peers, &file_config, &some_links), 0);
	file = peers_file_index(peers, "x.pcap");
	assert_true(file > INT32_MAX);
	flow = flow_to(file, &other);
	assert_int_equal(peers_file_index(peers, "y.pcap"), 0);
	assert_true(matches(peers, file, "10.0.0.1"));
	assert_true(matches(peers, file, "10.1.2.3"));
	assert_false(matches(peers, file, "10.0.0.9"));
	assert_false(matches(peers, 0, "10.0.0.9"));
	assert_false(matches(peers, 2, "10.0.0.1"));
	assert_int_equal(peers_set_address_name(peers, &one, "one.example"), 1);
	assert_string_equal(peers_name(peers, file, &one), "one.example");
	assert_string_equal(peers_entry(peers, &flow, text), "10.1.0.0/16");
	assert_string_equal(interface_of(peers, file, "10.0.0.1"), "file");
	assert_int_equal(peers_count(peers), 0);
	assert_int_equal(peers_follow_links(peers, &some_links, NULL, NULL), PEERS_SAME);
	peers_free(peers);
}

static void note_instance(void *arg, const struct instance *instance)
{
	const struct instance ***next = arg;

	*(*next)++ = instance;
}

/* Whose tags an address gets with a file. */
static void assert_instances(const struct peers *peers, const char *path,
			     const struct instance *first, const struct instance *second)
{
	const struct instance *found[8] = {0}, **next = found;
	struct address peer = addr("10.0.0.1");
	struct flow_key flow = flow_to(peers_file_index(peers, path), &peer);

	peers_each_instance(peers, &flow, note_instance, &next);
	assert_ptr_equal(found[0], first);
	assert_ptr_equal(found[1], second);
}

/* The same peer in several files, and in one file for two instances; then a reload in which the
 * files stand in another order, one is gone, and one has come. */
static void test_files(void **state)
{
	struct prefix ips[1];
	struct instance before[] = {
		{.interface = "file", .pcap = "x.pcap", .ips = ips, .ips_count = 1},
		{.interface = "file", .pcap = "y.pcap", .ips = ips, .ips_count = 1},
		{.interface = "file", .pcap = "x.pcap", .ips = ips, .ips_count = 1},
	};
	struct instance after[] = {
		{.interface = "file", .pcap = "z.pcap", .ips = ips, .ips_count = 1},
		{.interface = "file", .pcap = "y.pcap", .ips = ips, .ips_count = 1},
		{.interface = "file", .pcap = "z.pcap", .ips = ips, .ips_count = 1},
	};
	const struct config a = {.instances = before, .instances_count = 3};
	const struct config b = {.instances = after, .instances_count = 3};
	struct peers *old, *peers;
	__u32 x, y;

	(void)state;
	fill(ips, (const char *[]){"10.0.0.1", NULL});
	assert_int_equal(peers_new(&old, &a, &some_links), 0);
	x = peers_file_index(old, "x.pcap");
	y = peers_file_index(old, "y.pcap");
	assert_int_not_equal(x, y);
	assert_instances(old, "x.pcap", &before[0], &before[2]);
	assert_instances(old, "y.pcap", &before[1], NULL);

	assert_int_equal(peers_new(&peers, &b, &some_links), 0);
	assert_int_equal(peers_inherit(peers, old), 0);
	peers_free(old);
	assert_int_equal(peers_file_index(peers, "y.pcap"), y);
	assert_int_not_equal(peers_file_index(peers, "z.pcap"), x);
	assert_int_not_equal(peers_file_index(peers, "z.pcap"), y);
	assert_instances(peers, "z.pcap", &after[0], &after[2]);
	assert_instances(peers, "y.pcap", &after[1], NULL);
	assert_false(matches(peers, x, "10.0.0.1"));
	assert_true(matches(peers, y, "10.0.0.1"));
	peers_free(peers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests_name("peers_files", tests, NULL, NULL);
}
