/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Datagrams to a path and to an abstract name, and what happens when nobody takes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "array.h"
#include "clock.h"
#include "manager.h"
#include "unique.h"

static char path[64], name[64];

static int setup(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "/tmp/metro-notify-%llx", unique_number());
	snprintf(name, sizeof(name), "@metro-notify-%llx", unique_number());
	unlink(path);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

static void test_addresses(void **state)
{
	static const char *const bad[] = {"", "/", "@", "relative/path", "tcp:1"};
	char text[sizeof(((struct sockaddr_un *)0)->sun_path) + 2];
	struct notify_address address;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(notify_address_parse(bad[i], &address), -EINVAL);
		assert_int_equal(address.length, 0);
	}
	memset(text, 'a', sizeof(text));
	text[0] = '@';
	text[sizeof(text) - 2] = '\0';
	assert_int_equal(notify_address_parse(text, &address), -EINVAL);
	text[sizeof(text) - 3] = '\0';
	assert_int_equal(notify_address_parse(text, &address), 0);
	assert_int_equal(address.length, sizeof(address.name) - 1);
	assert_int_equal(address.name.sun_path[0], '\0');
}

static void test_arrives(void **state)
{
	const char *const places[] = {path, name};
	int socket = notify_socket();

	(void)state;
	assert_true(socket >= 0);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		struct notify_address address;
		int manager = manager_open(places[i]);

		assert_int_equal(notify_address_parse(places[i], &address), 0);
		assert_int_equal(notify_send(socket, &address, "READY=1", true), 0);
		assert_int_equal(notify_send(socket, &address, "STATUS=x", false), 0);
		assert_told(manager, "READY=1");
		assert_told(manager, "STATUS=x");
		close(manager);
		assert_int_equal(notify_send(socket, &address, "x", true), -ECONNREFUSED);
	}
	close(socket);
}

/* A queue that is full: lost at once, or after a second; the loop must not stand still for longer.
 */
static void test_nobody_reads(void **state)
{
	int socket = notify_socket(), manager = manager_open(name), sent = 0, err;
	struct notify_address address;
	__u64 begin;

	(void)state;
	assert_int_equal(notify_address_parse(name, &address), 0);
	while (!(err = notify_send(socket, &address, "x", false)))
		assert_true(++sent < 100000);
	assert_int_equal(err, -EAGAIN);
	begin = monotonic_ms();
	assert_int_equal(notify_send(socket, &address, "x", true), -EAGAIN);
	assert_in_range(monotonic_ms() - begin, 900, 10000);
	close(manager);
	close(socket);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_addresses, setup, teardown),
		cmocka_unit_test_setup_teardown(test_arrives, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nobody_reads, setup, teardown),
	};

	return cmocka_run_group_tests_name("notify", tests, NULL, NULL);
}
