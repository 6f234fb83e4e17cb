/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The warning for instances whose peers are all addresses of this host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "capture.h"
#include "local_addresses.h"
#include "peering.h"
#include "some_links.h"

static struct capture capture;

/* 127.0.0.1 and ::1 are this host's wherever loopback is up. */
static bool has_loopback(void)
{
	struct local_addresses local = {0};
	struct address a = addr("127.0.0.1"), b = addr("::1");
	bool has = !local_addresses_read(&local) && local_addresses_have(&local, &a) &&
		   local_addresses_have(&local, &b);

	local_addresses_free(&local);
	return has;
}

static int local_warnings(struct peers *peers)
{
	peers_warn_local(peers);
	return count_of(capture_read(&capture), "all peers are addresses of this host");
}

static int set_host(struct peers *peers, const char *first, const char *second)
{
	struct address addrs[] = {addr(first), addr(second)};

	assert_true(peers_set_host(peers, "here.example", addrs, 2) >= 0);
	return peers_update(peers);
}

static void test_local(void **state)
{
	char *hosts[] = {"here.example"};
	struct prefix ips[4];
	struct instance some[] = {
		{.interface = "eth0", .ips = ips, .ips_count = 1}, /* this host */
		{.interface = "eth0", .ips = ips, .ips_count = 2}, /* .. and another */
		{.interface = "eth1", .ips = ips, .ips_count = 1, .hosts = hosts, .hosts_count = 1},
		{.interface = "eth1", .ips = ips + 2, .ips_count = 1}, /* a network */
		{.interface = "lo", .ips = ips, .ips_count = 1},       /* where that is measured */
		{.interface = "file", .pcap = "x", .ips = ips, .ips_count = 1},
	};
	const struct config local_config = {.instances = some, .instances_count = 6};
	struct peers *peers;

	(void)state;
	if (!has_loopback()) {
		print_message("SKIP: loopback is down or has no IPv6\n");
		skip();
	}
	log_capture(&capture);
	fill(ips, (const char *[]){"127.0.0.1", "192.0.2.1", "127.0.0.0/8", NULL});
	assert_int_equal(peers_new(&peers, &local_config, &some_links), 0);
	assert_int_equal(local_warnings(peers), 1);
	assert_non_null(strstr(capture.text, "WARNING instances[0] on eth0: all peers"));
	assert_int_equal(local_warnings(peers), 1); /* said once */
	assert_int_equal(set_host(peers, "::1", "2001:db8::77"), 1);
	assert_int_equal(local_warnings(peers), 1);
	assert_int_equal(set_host(peers, "::1", "127.0.0.1"), 1);
	assert_int_equal(local_warnings(peers), 2);
	assert_non_null(strstr(capture.text, "WARNING instances[2] on eth1: all peers"));
	assert_int_equal(local_warnings(peers), 2);
	peers_free(peers);
	log_release(&capture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_local),
	};

	return cmocka_run_group_tests_name("peers_local", tests, NULL, NULL);
}
