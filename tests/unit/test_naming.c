/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What becomes of the resolver's results. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <net/if.h>

#include "local_addresses.h"
#include "naming.h"
#include "peering.h"
#include "plans.h"
#include "resolver_fixture.h"

static struct event_loop *loop;
static struct naming naming;
static struct plan plan;

static unsigned int heard, changes, servers;
static char last_heard[64];
static struct address server;

static void on_heard(void *arg, const char *host)
{
	assert_ptr_equal(arg, &plan);
	heard++;
	snprintf(last_heard, sizeof(last_heard), "%s", host);
}

static void on_server(void *arg, const struct address *addrs, size_t count)
{
	assert_ptr_equal(arg, &plan);
	assert_int_equal(count, 1);
	servers++;
	server = *addrs;
}

static void on_changed(void *arg)
{
	assert_ptr_equal(arg, &plan);
	changes++;
}

static const struct naming_ops ops = {
	.heard = on_heard, .server = on_server, .changed = on_changed};

static int begin(void **state)
{
	setup(state);
	heard = changes = servers = 0;
	plan = (struct plan){};
	naming = (struct naming){.ops = &ops, .arg = &plan};
	assert_int_equal(event_loop_new(&loop), 0);
	assert_int_equal(naming_start(&naming, loop), 0);
	return 0;
}

static int end(void **state)
{
	naming_stop(&naming);
	naming_stop(&naming);
	event_loop_free(loop);
	plan_free(&plan);
	return teardown(state);
}

static void follow(const char *instances, const char *name)
{
	struct plan next = plan_of(instances);

	assert_int_equal(naming_follow(&naming, next.config, next.peers, name), 0);
	plan_free(&plan);
	plan = next;
}

/* Turns the loop until the number is reached. */
static void wait_for(const unsigned int *number, unsigned int least)
{
	while (*number < least)
		assert_int_equal(event_loop_once(loop, true), 0);
}

static struct address address_of(const char *text)
{
	struct address addr;

	assert_int_equal(address_parse(text, &addr), 0);
	return addr;
}

static bool is_peer(const char *text)
{
	struct address addr = address_of(text);

	return matches_address(plan.peers, if_nametoindex("lo"), &addr);
}

/* 127.0.0.1 is this host's wherever loopback is up. */
static bool has_loopback(void)
{
	struct address addr = address_of("127.0.0.1");
	struct local_addresses local = {0};
	bool has = !local_addresses_read(&local) && local_addresses_have(&local, &addr);

	local_addresses_free(&local);
	return has;
}

static void test_host(void **state)
{
	(void)state;
	answer_with("192.0.2.33", 0);
	follow("instances:\n- {interface: lo, hosts: [moving.test]}\n", NULL);
	assert_false(is_peer("192.0.2.33"));
	wait_for(&changes, 1);
	assert_true(is_peer("192.0.2.33"));
	assert_int_equal(heard, 1);
	assert_string_equal(last_heard, "moving.test");
	assert_int_equal(servers, 0);
}

/* There was an answer, but nothing to tell the backends. */
static void test_host_fails(void **state)
{
	(void)state;
	answer_with(NULL, EAI_NONAME);
	follow("instances:\n- {interface: lo, hosts: [moving.test]}\n", NULL);
	wait_for(&heard, 1);
	assert_int_equal(event_loop_once(loop, false), 0);
	assert_int_equal(changes, 0);
	assert_non_null(strstr(capture_read(&capture), "moving.test"));
}

/* Other addresses for the same name; and where they are all this host's, that is said. */
static void test_moves(void **state)
{
	(void)state;
	answer_with("192.0.2.33", 0);
	follow("instances:\n- {interface: lo, hosts: [moving.test]}\n", NULL);
	wait_for(&changes, 1);
	answer_with("192.0.2.34", 0);
	follow("instances:\n- {interface: lo, hosts: [moving.test]}\n"
	       "- {interface: metro-none, hosts: [moving.test]}\n",
	       NULL);
	wait_for(&changes, 2);
	assert_true(is_peer("192.0.2.34"));
	assert_null(strstr(capture_read(&capture), "addresses of this host"));
	answer_with("127.0.0.1", 0);
	follow("instances:\n- {interface: metro-none, hosts: [moving.test]}\n", NULL);
	wait_for(&changes, 3);
	assert_int_equal(count_of(capture_read(&capture), "addresses of this host"),
			 has_loopback());
}

/* It is for the tag alone: the backends need not know. */
static void test_address(void **state)
{
	struct address addr = address_of("192.0.2.5");
	const char *name = NULL;

	(void)state;
	reverse_answer = "host%u.example";
	follow("instances:\n- {interface: lo, ips: [192.0.2.5]}\n", NULL);
	while (!name) {
		assert_int_equal(event_loop_once(loop, true), 0);
		name = peers_name(plan.peers, if_nametoindex("lo"), &addr);
	}
	assert_string_equal(name, "host5.example");
	assert_int_equal(changes + heard + servers, 0);
}

static void test_server(void **state)
{
	struct address addr = address_of("192.0.2.9");

	(void)state;
	follow("instances:\n- {interface: lo, ips: [10.0.0.1]}\ninit_config: {reverse_names: "
	       "false}\n",
	       "server.test");
	wait_for(&servers, 1);
	assert_memory_equal(&server, &addr, sizeof(addr));
	assert_int_equal(changes + heard, 0);
}

static void test_server_fails(void **state)
{
	(void)state;
	answer_with(NULL, EAI_NONAME);
	follow("instances:\n- {interface: lo, ips: [10.0.0.1]}\ninit_config: {reverse_names: "
	       "false}\n",
	       "moving.test");
	while (!strstr(capture_read(&capture), "moving.test"))
		assert_int_equal(event_loop_once(loop, true), 0);
	assert_int_equal(servers, 0);
}

/* Stopped, it says nothing more, and does not wait for a lookup that hangs. */
static void test_stop(void **state)
{
	(void)state;
	set_flag(&hanging, true);
	follow("instances:\n- {interface: lo, hosts: [hanging.test]}\n", NULL);
	while (!read_number(&inside))
		usleep(1000);
	naming_stop(&naming);
	set_flag(&hanging, false);
	while (read_number(&inside))
		usleep(1000);
	assert_int_equal(event_loop_once(loop, false), 0);
	assert_int_equal(heard + changes + servers, 0);
}

#define T(name) cmocka_unit_test_setup_teardown(test_##name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(host), T(host_fails), T(moves), T(address), T(server), T(server_fails), T(stop),
	};

	return cmocka_run_group_tests_name("naming", tests, NULL, NULL);
}
