/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Host names: found, lost, moved, and silent servers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "array.h"
#include "resolver_fixture.h"

static void test_localhost_and_invalid(void **state)
{
	char *hosts[] = {"localhost", "nobody.invalid"};
	struct resolver *resolver = start(hosts, 2, NULL);
	struct resolver_result result;
	bool seen[2] = {false, false};
	struct addrinfo *list = NULL;
	/* A bare chroot may have no /etc/hosts. */
	bool known = getaddrinfo("localhost", NULL, NULL, &list) == 0;

	(void)state;
	for (int i = 0; i < 2; i++) {
		result = take(resolver);
		if (strcmp(result.host, "localhost") == 0) {
			assert_int_equal(result.error == NULL, known);
			assert_true(!known || has(&result, "127.0.0.1") || has(&result, "::1"));
			seen[0] = true;
		} else {
			assert_string_equal(result.host, "nobody.invalid");
			assert_int_equal(result.count, 0);
			assert_non_null(result.error);
			seen[1] = true;
		}
	}
	assert_true(seen[0] && seen[1]);
	assert_false(resolver_take(resolver, &result));
	assert_false(wait_for_result(resolver, 0));
	resolver_stop(resolver);
	if (known)
		freeaddrinfo(list);
	assert_int_equal(count_of(capture_read(&capture), "INFO host localhost is at "), known);
	assert_int_equal(count_of(capture_read(&capture), "WARNING host nobody.invalid"), 1);
}

static void test_no_hosts(void **state)
{
	struct resolver *resolver = start(NULL, 0, NULL);
	struct resolver_result result;

	(void)state;
	assert_false(wait_for_result(resolver, 20));
	assert_false(resolver_take(resolver, &result));
	resolver_stop(resolver);
	resolver_stop(NULL);
}

static void test_order_is_no_change(void **state)
{
	static const struct resolver_pace pace = {.refresh_ms = 10, .retry_ms = 10};
	char *hosts[] = {"rotating.test"};
	struct resolver *resolver = start(hosts, 1, &pace);

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct resolver_result result = take(resolver);

		assert_int_equal(result.count, 2);
		assert_true(has(&result, "192.0.2.1"));
		assert_true(has(&result, "192.0.2.2"));
	}
	resolver_stop(resolver);
	assert_non_null(strstr(capture_read(&capture),
			       "INFO host rotating.test is at 192.0.2.1 and 1 more\n"));
	assert_int_equal(count_of(capture.text, "\n"), 1);
}

static void test_changes_of_state(void **state)
{
	static const struct resolver_pace pace = {.refresh_ms = 10, .retry_ms = 5};
	static const char *const expected[] = {
		"WARNING host moving.test is not found: Name or service not known; nothing is "
		"measured for it, and it is looked up again\n",
		"INFO host moving.test is found again at 192.0.2.1\n",
		"INFO host moving.test has moved to 2001:db8::1\n",
		"WARNING host moving.test is not found: Too many open files; its last known "
		"addresses stay in use, and it is looked up again\n",
		"INFO host moving.test is found again at 2001:db8::1\n",
	};
	char *hosts[] = {"moving.test"};
	struct resolver *resolver;

	(void)state;
	answer_with(NULL, EAI_NONAME);
	resolver = start(hosts, 1, &pace);
	take_until(resolver, NULL);
	take_until(resolver, NULL);
	answer_with("192.0.2.1", 0);
	take_until(resolver, "192.0.2.1");
	take_until(resolver, "192.0.2.1");
	answer_with("2001:db8::1", 0);
	take_until(resolver, "2001:db8::1");
	answer_with(NULL, EAI_SYSTEM);
	take_until(resolver, NULL);
	take_until(resolver, NULL);
	answer_with("2001:db8::1", 0);
	take_until(resolver, "2001:db8::1");
	resolver_stop(resolver);

	capture_read(&capture);
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
		assert_int_equal(count_of(capture.text, expected[i]), 1);
	assert_int_equal(count_of(capture.text, "\n"), 5);
}

/* 10, 20, 40, 80, 80 .. ms: four failures take 70 ms, and six 230. */
static void test_back_off(void **state)
{
	static const struct resolver_pace pace = {.refresh_ms = 80, .retry_ms = 10};
	char *hosts[] = {"moving.test"};
	double begin = now_s(), took;
	struct resolver *resolver;

	(void)state;
	answer_with(NULL, EAI_AGAIN);
	resolver = start(hosts, 1, &pace);
	for (int i = 0; i < 6; i++)
		take_until(resolver, NULL);
	took = now_s() - begin;
	resolver_stop(resolver);
	assert_true(took > 0.229);
	assert_true(took < 2);
}

/* Takes results until one has this many addresses. */
static void take_until_count(struct resolver *resolver, size_t count)
{
	while (take(resolver).count != count)
		;
}

/* If the IPv6 half of an answer is missing, the old IPv6 addresses stay, and it is asked for again
 * soon. */
static void test_half_an_answer(void **state)
{
	static const struct resolver_pace often = {.refresh_ms = 10, .retry_ms = 10};
	static const struct resolver_pace pace = {.refresh_ms = 60000, .retry_ms = 10};
	char *hosts[] = {"both.test"};
	struct resolver *resolver = start(hosts, 1, &often);

	(void)state;
	take_until_count(resolver, 2);
	set_flag(&v6_is_silent, true);
	for (int i = 0; i < 5; i++)
		assert_int_equal(take(resolver).count, 2);
	set_flag(&v6_is_silent, false);
	set_flag(&v6_is_gone, true);
	take_until_count(resolver, 1);
	resolver_stop(resolver);
	assert_non_null(strstr(capture_read(&capture), "INFO host both.test is at "));
	assert_int_equal(count_of(capture.text, "INFO host both.test has moved to 192.0.2.9\n"), 1);
	assert_int_equal(count_of(capture.text, "\n"), 2);

	/* A host that never had any does not wait for them. */
	resolver = start(hosts, 1, &pace);
	take_until_count(resolver, 1);
	assert_true(is_quiet(resolver, 100));
	set_flag(&v6_is_gone, false);
	resolver_stop(resolver);
}

static void test_server(void **state)
{
	static const struct resolver_pace pace = {.refresh_ms = 10, .retry_ms = 5};
	struct config config = {.instances_count = 0};
	struct resolver_result result;
	struct resolver *resolver;

	(void)state;
	answer_with("192.0.2.1", 0);
	assert_int_equal(resolver_start(&resolver, &pace), 0);
	assert_int_equal(resolver_look_up(resolver, &config, "moving.test"), 0);
	result = take(resolver);
	assert_int_equal(result.kind, RESOLVED_SERVER);
	assert_string_equal(result.host, "moving.test");
	assert_true(has(&result, "192.0.2.1"));
	answer_with("2001:db8::1", 0);
	take_until(resolver, "2001:db8::1");
	answer_with(NULL, EAI_AGAIN);
	take_until(resolver, NULL);
	answer_with("2001:db8::1", 0);
	take_until(resolver, "2001:db8::1");
	assert_int_equal(resolver_look_up(resolver, &config, NULL), 0); /* no more */
	assert_true(is_quiet(resolver, 100));
	resolver_stop(resolver);
	capture_read(&capture);
	assert_non_null(strstr(capture.text, "WARNING StatsD server moving.test is not found: "));
	assert_non_null(strstr(capture.text,
			       "INFO StatsD server moving.test is found again at 2001:db8::1\n"));
	assert_int_equal(count_of(capture.text, "\n"), 2);
}

/* Names that stay are asked for at once, and what is known of them is not logged again. */
static void test_other_names(void **state)
{
	static const struct resolver_pace pace = {.refresh_ms = 60000, .retry_ms = 60000};
	char *hosts[] = {"moving.test", "quick.test", "both.test"};
	struct instance instance = {.hosts = hosts, .hosts_count = 2};
	struct config config = {.instances = &instance, .instances_count = 1};
	struct resolver *resolver;

	(void)state;
	answer_with("192.0.2.1", 0);
	assert_int_equal(resolver_start(&resolver, &pace), 0);
	assert_int_equal(resolver_look_up(resolver, &config, NULL), 0);
	take(resolver);
	take(resolver);
	answer_with("192.0.2.2", 0);
	instance.hosts = hosts + 1; /* without the first, with the last */
	assert_int_equal(resolver_look_up(resolver, &config, NULL), 0);
	for (int i = 0; i < 2; i++)
		assert_string_not_equal(take(resolver).host, "moving.test");
	assert_true(is_quiet(resolver, 100));

	/* Results that wait for a name that nobody wants any more are no results. */
	instance.hosts = hosts;
	assert_int_equal(resolver_look_up(resolver, &config, NULL), 0);
	assert_true(wait_for_result(resolver, PATIENCE_MS));
	instance.hosts_count = 0;
	assert_int_equal(resolver_look_up(resolver, &config, NULL), 0);
	assert_true(is_quiet(resolver, 100));
	resolver_stop(resolver);
	assert_int_equal(count_of(capture_read(&capture), "INFO host quick.test "), 1);
}

static void test_stop_while_hanging(void **state)
{
	char *hosts[] = {"hanging.test", "quick.test"};
	struct resolver_result result;
	struct resolver *resolver;
	double begin;

	(void)state;
	hanging = true; /* nobody looks yet */
	resolver = start(hosts, 2, NULL);
	result = take(resolver); /* the one that hangs does not hold up the other */
	assert_string_equal(result.host, "quick.test");
	assert_true(has(&result, "192.0.2.9"));
	begin = now_s();
	resolver_stop(resolver);
	assert_true(now_s() - begin < 1);

	/* Let the forgotten thread clean up, so that leak checkers see it do so. */
	pthread_mutex_lock(&lock);
	assert_int_equal(inside, 1);
	hanging = false;
	pthread_cond_broadcast(&released);
	while (inside)
		pthread_cond_wait(&released, &lock);
	pthread_mutex_unlock(&lock);
	usleep(50000);
}

static void test_stop_at_once(void **state)
{
	char *hosts[] = {"quick.test", "rotating.test", "a.test", "b.test", "c.test", "d.test"};

	(void)state;
	for (int i = 0; i < 200; i++) {
		struct resolver *resolver = start(hosts, 6, NULL);

		if (i & 1)
			take(resolver);
		resolver_stop(resolver);
	}
}

int main(void)
{
#define LOGGED_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		LOGGED_TEST(test_localhost_and_invalid),
		LOGGED_TEST(test_no_hosts),
		LOGGED_TEST(test_order_is_no_change),
		LOGGED_TEST(test_changes_of_state),
		LOGGED_TEST(test_back_off),
		LOGGED_TEST(test_half_an_answer),
		LOGGED_TEST(test_server),
		LOGGED_TEST(test_other_names),
		LOGGED_TEST(test_stop_while_hanging),
		LOGGED_TEST(test_stop_at_once),
	};

	return cmocka_run_group_tests_name("resolver", tests, NULL, NULL);
}
