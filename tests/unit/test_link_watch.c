/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What news there are of what happens in a network namespace of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "link_watch.h"
#include "emulated.h"
#include "namespace.h"

static int watch = -1;

static int teardown(void **state)
{
	(void)state;
	if (watch >= 0)
		close(watch);
	watch = -1;
	return 0;
}

static void begin(void)
{
	enter_namespace();
	add_link("m0", 70);
	assert_true(run_tool("ip addr add 192.0.2.1/24 dev m0; ip link set m0 up;"
			     "ip link set m0-end up"));
	watch = link_watch_open();
	assert_true(watch >= 0);
	usleep(100000); /* the kernel's own thread notes that the link is there */
	link_watch_take(watch);
}

static unsigned int news_of(const char *command)
{
	assert_true(run_tool(command));
	return link_watch_take(watch);
}

static void test_links(void **state)
{
	(void)state;
	begin();
	assert_int_equal(link_watch_take(watch), 0);
	assert_true(news_of("ip addr add 192.0.2.7/24 dev m0") & NEWS_LINKS);
	assert_true(news_of("ip link add m1 type veth peer name m1-end") & NEWS_LINKS);
	assert_true(news_of("ip link set m1 name m2") & NEWS_LINKS);
	/* Another may have come in its place, without our filters. */
	assert_int_equal(news_of("ip link del m2") & (NEWS_LINKS | NEWS_FILTERS),
			 NEWS_LINKS | NEWS_FILTERS);
	assert_int_equal(link_watch_take(watch), 0);
}

/* Of routes only where they matter, and then of default ones. */
static void test_routes(void **state)
{
	(void)state;
	begin();
	assert_int_equal(news_of("ip route add default via 192.0.2.2"), 0);
	link_watch_routes(watch, true);
	assert_int_equal(news_of("ip route del default"), NEWS_LINKS);
	assert_int_equal(news_of("ip route add 198.51.100.0/24 via 192.0.2.2"), 0);
	assert_int_equal(news_of("ip route add default via 192.0.2.2"), NEWS_LINKS);
	link_watch_routes(watch, false);
	assert_int_equal(news_of("ip route del default"), 0);
}

static void test_filters(void **state)
{
	(void)state;
	skip_emulated("no news of filters");
	begin();
	if (!run_tool("tc qdisc add dev m0 clsact"))
		skip();
	link_watch_take(watch);
	assert_int_equal(news_of("tc filter add dev m0 egress pref 9 bpf bytecode '1,6 0 0 1,'"),
			 NEWS_FILTERS);
	assert_int_equal(news_of("tc filter del dev m0 egress"), NEWS_FILTERS);
	assert_int_equal(news_of("tc qdisc del dev m0 clsact"), NEWS_FILTERS);
}

/* More than the socket holds. */
static void test_lost(void **state)
{
	FILE *batch;

	(void)state;
	begin();
	batch = popen("ip -batch -", "w");
	assert_non_null(batch);
	for (int i = 0; i < 3000; i++)
		fprintf(batch, "link set m0 mtu %d\n", 1000 + i % 2);
	assert_int_equal(pclose(batch), 0);
	assert_int_equal(link_watch_take(watch), NEWS_LINKS | NEWS_FILTERS);
	assert_int_equal(link_watch_take(watch), 0);
}

#define T(name) cmocka_unit_test_teardown(test_##name, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {T(links), T(routes), T(filters), T(lost)};

	return cmocka_run_group_tests_name("link_watch", tests, NULL, NULL);
}
