/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The names of addresses: thousands of them, slow, hostile, and in nobody's way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "array.h"
#include "resolver_fixture.h"

#define ADDRESSES 64
#define MANY      100000

static const struct resolver_pace once = {.refresh_ms = 60000, .retry_ms = 60000};

static struct prefix *ips;
static struct instance instance;
static struct config config;

/* 192.0.2.0 and up, past the tests' network for the many. */
static void prepare(size_t count, const char *answer)
{
	instance.ips_count = count;
	pthread_mutex_lock(&lock);
	reverse_lookups = reverse_most = 0;
	reverse_answer = answer;
	reverse_error = EAI_NONAME;
	pthread_mutex_unlock(&lock);
}

static int group_setup(void **state)
{
	(void)state;
	ips = calloc(MANY, sizeof(*ips));
	for (unsigned int i = 0; ips && i < MANY; i++) {
		address_set_v4(&ips[i].addr, htonl(0xc0000200 + i));
		ips[i].bits = PREFIX_BITS;
	}
	instance.ips = ips;
	config = (struct config){
		.instances = &instance, .instances_count = 1, .reverse_names = true};
	return ips ? 0 : -1;
}

static int group_teardown(void **state)
{
	(void)state;
	free(ips);
	return 0;
}

static struct resolver *start_reverse(const struct resolver_pace *pace)
{
	struct resolver *resolver;

	assert_int_equal(resolver_start(&resolver, pace), 0);
	assert_int_equal(resolver_look_up(resolver, &config, NULL), 0);
	return resolver;
}

/* Waits until the name server was asked this often. */
static void await_lookups(unsigned int count)
{
	double end = now_s() + 30;

	while (read_number(&reverse_lookups) < count) {
		assert_true(now_s() < end);
		usleep(1000);
	}
}

static void test_names(void **state)
{
	bool seen[ADDRESSES] = {false};
	struct resolver_result result;
	struct resolver *resolver;
	struct address v6;

	(void)state;
	prepare(ADDRESSES, "host%u.test."); /* some libraries leave the dot */
	resolver = start_reverse(&once);
	for (int i = 0; i < ADDRESSES; i++) {
		unsigned int number;

		result = take(resolver);
		number = result.address.bytes[15];
		assert_int_equal(result.kind, RESOLVED_ADDRESS);
		assert_null(result.host);
		assert_int_equal(result.count, 0);
		assert_memory_equal(&result.address, &ips[number].addr, sizeof(v6));
		assert_int_equal(atoi(result.name + 4), number);
		assert_string_equal(strchr(result.name, '.'), ".test");
		assert_false(seen[number]);
		seen[number] = true;
	}
	assert_false(resolver_take(resolver, &result));
	resolver_stop(resolver);
	assert_int_equal(count_of(capture_read(&capture), "\n"), 0);
}

static void test_off(void **state)
{
	struct resolver *resolver;

	(void)state;
	prepare(ADDRESSES, "host%u.test");
	config.reverse_names = false;
	resolver = start_reverse(&once);
	assert_true(is_quiet(resolver, 100));
	assert_int_equal(read_number(&reverse_lookups), 0);
	config.reverse_names = true;
	resolver_stop(resolver);
}

static void test_hostile(void **state)
{
	static char long_name[300];
	static const char *const answers[] = {
		"evil.test|#env:prod",
		"evil.test,env:prod",
		"evil test",
		"evil.test\nmore:1|g",
		"10.0.0.9",
		"2001:db8::1",
		"",
		".",
		"..",
		"-a.test",
		"a..test",
		"\xc3\xa4.test",
		long_name,
	};
	struct resolver_result result;

	(void)state;
	memset(long_name, 'a', sizeof(long_name) - 1);
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		struct resolver *resolver;

		prepare(1, answers[i]);
		resolver = start_reverse(&once);
		assert_true(wait_for_result(resolver, PATIENCE_MS));
		if (resolver_take(resolver, &result))
			fail_msg("%s was believed", answers[i]);
		resolver_stop(resolver);
	}
	assert_int_equal(count_of(capture_read(&capture), "\n"), 0); /* normal, not worth a line */
}

/* "No name" is an answer, and not asked for again soon; silence is not an answer. */
static void test_retries(void **state)
{
	static const struct resolver_pace pace = {.refresh_ms = 60000, .retry_ms = 10};
	struct resolver_result result;
	struct resolver *resolver;

	(void)state;
	prepare(1, NULL);
	resolver = start_reverse(&pace);
	await_lookups(1);
	usleep(100000);
	assert_int_equal(read_number(&reverse_lookups), 1);
	resolver_stop(resolver);

	prepare(1, NULL);
	reverse_error = EAI_AGAIN;
	resolver = start_reverse(&pace);
	await_lookups(3);
	pthread_mutex_lock(&lock);
	reverse_answer = "host%u.test";
	pthread_mutex_unlock(&lock);
	result = take(resolver);
	assert_string_equal(result.name, "host0.test");
	resolver_stop(resolver);
}

/* Silent servers of addresses keep neither hosts nor the StatsD server waiting, nor the end. */
static void test_others_do_not_wait(void **state)
{
	char *hosts[] = {"quick.test"};
	bool seen[3] = {false, false, false};
	struct resolver *resolver;
	double begin;

	(void)state;
	prepare(ADDRESSES, "host%u.test");
	set_flag(&reverse_hanging, true);
	instance.hosts = hosts;
	resolver = start_reverse(&once); /* without hosts, so that addresses come first */
	await_lookups(2);
	instance.hosts_count = 1;
	assert_int_equal(resolver_look_up(resolver, &config, "server.test"), 0);
	for (int i = 0; i < 2; i++)
		seen[take(resolver).kind] = true;
	assert_true(seen[RESOLVED_HOST] && seen[RESOLVED_SERVER]);
	assert_int_equal(read_number(&reverse_most), 2);

	/* A new list while they hang: they are forgotten, and their results are none. */
	instance.hosts_count = instance.ips_count = 0;
	assert_int_equal(resolver_look_up(resolver, &config, NULL), 0);
	assert_int_equal(resolver_look_up(resolver, &config, NULL), 0);
	instance.ips_count = ADDRESSES;
	assert_int_equal(resolver_look_up(resolver, &config, NULL), 0);
	begin = now_s();
	resolver_stop(resolver);
	assert_true(now_s() - begin < 1);
	set_flag(&reverse_hanging, false);
	while (read_number(&reverse_inside))
		usleep(1000);
	usleep(50000); /* let the forgotten threads clean up, so that leak checkers see it */
}

/* One after the other, with a gap: they must not flood the name server. */
static void test_gap(void **state)
{
	static const struct resolver_pace pace = {
		.refresh_ms = 60000, .retry_ms = 60000, .reverse_gap_ms = 20};
	double begin = now_s(), took;
	struct resolver *resolver;

	(void)state;
	prepare(21, "host%u.test");
	resolver = start_reverse(&pace);
	for (int i = 0; i < 21; i++)
		take(resolver);
	took = now_s() - begin;
	resolver_stop(resolver);
	assert_true(took > 0.399);
	assert_true(took < 10);
}

/* A reload looks up what has come, and again what is due. */
static void test_reload(void **state)
{
	struct resolver_pace pace = once;
	struct resolver_result result;
	struct resolver *resolver;

	(void)state;
	prepare(20, "host%u.test");
	resolver = start_reverse(&pace);
	for (int i = 0; i < 20; i++)
		take(resolver);
	assert_int_equal(resolver_look_up(resolver, &config, NULL), 0);
	assert_true(is_quiet(resolver, 100));
	instance.ips_count = 21;
	assert_int_equal(resolver_look_up(resolver, &config, NULL), 0);
	result = take(resolver);
	assert_int_equal(result.address.bytes[15], 20);
	assert_string_equal(result.name, "host20.test");
	assert_true(is_quiet(resolver, 100));
	assert_int_equal(read_number(&reverse_lookups), 21);
	resolver_stop(resolver);
}

/* The interval of the configuration counts, from the reload on. */
static void test_interval(void **state)
{
	struct resolver *resolver;

	(void)state;
	prepare(1, "host%u.test");
	config.resolve_interval_s = 86400;
	resolver = start_reverse(NULL);
	take(resolver);
	config.resolve_interval_s = 1;
	assert_int_equal(resolver_look_up(resolver, &config, NULL), 0);
	take(resolver);
	take(resolver);
	resolver_stop(resolver);
}

/* Some fifty times what it takes: what this tells is n squared. */
static void test_many(void **state)
{
	static const struct resolver_pace pace = {
		.refresh_ms = 60000, .retry_ms = 60000, .reverse_gap_ms = 10};
	double begin = now_s(), first, second;
	struct resolver *resolver;

	(void)state;
	prepare(MANY, "host%u.test");
	resolver = start_reverse(&pace);
	first = now_s();
	assert_int_equal(resolver_look_up(resolver, &config, NULL), 0);
	second = now_s();
	take(resolver);
	resolver_stop(resolver);
	print_message("%d addresses: listed in %.0f ms, again in %.0f ms\n", MANY,
		      (first - begin) * 1e3, (second - first) * 1e3);
	assert_true(first - begin < 4);
	assert_true(second - first < 4);
	prepare(0, NULL);
}

int main(void)
{
#define LOGGED_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		LOGGED_TEST(test_names),
		LOGGED_TEST(test_off),
		LOGGED_TEST(test_hostile),
		LOGGED_TEST(test_retries),
		LOGGED_TEST(test_others_do_not_wait),
		LOGGED_TEST(test_gap),
		LOGGED_TEST(test_reload),
		LOGGED_TEST(test_interval),
		LOGGED_TEST(test_many),
	};

	return cmocka_run_group_tests_name("resolver_reverse", tests, group_setup, group_teardown);
}
