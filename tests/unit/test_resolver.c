/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * getaddrinfo is ours for names under .test, which answer as a test wishes, hang, or change;
 * everything else goes to the C library. No network is needed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <time.h>

#include "capture.h"
#include "resolver.h"

/* Longer than the C library tries a name server that does not answer. */
#define PATIENCE_MS 60000

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t released = PTHREAD_COND_INITIALIZER;
static bool hanging;
static unsigned int inside;       /* lookups that hang now */
static unsigned int lookups;      /* so far */
static const char *moving_answer; /* of moving.test; NULL: fails */
static int lookup_error = EAI_NONAME;

typedef int getaddrinfo_fn(const char *, const char *, const struct addrinfo *, struct addrinfo **);

static int numeric(const char *text, const struct addrinfo *hints, struct addrinfo **result)
{
	struct addrinfo numeric_hints = *hints;
	getaddrinfo_fn *real = (getaddrinfo_fn *)dlsym(RTLD_NEXT, "getaddrinfo");

	numeric_hints.ai_flags |= AI_NUMERICHOST;
	return real(text, NULL, &numeric_hints, result);
}

static void hang(void)
{
	pthread_mutex_lock(&lock);
	inside++;
	while (hanging)
		pthread_cond_wait(&released, &lock);
	inside--;
	pthread_cond_broadcast(&released);
	pthread_mutex_unlock(&lock);
}

/* What the C library gives for a host with several addresses, in an order that changes. */
static int rotating(const struct addrinfo *hints, struct addrinfo **result, bool turn)
{
	int err = numeric(turn ? "192.0.2.1" : "192.0.2.2", hints, result);

	return err ? err : numeric(turn ? "192.0.2.2" : "192.0.2.1", hints, &(*result)->ai_next);
}

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
		struct addrinfo **result)
{
	const char *answer;
	unsigned int number;
	int error;

	if (!strstr(host, ".test"))
		return ((getaddrinfo_fn *)dlsym(RTLD_NEXT, "getaddrinfo"))(host, service, hints,
									   result);
	if (strcmp(host, "hanging.test") == 0)
		hang();
	pthread_mutex_lock(&lock);
	number = lookups++;
	answer = strcmp(host, "moving.test") ? "192.0.2.9" : moving_answer;
	error = lookup_error;
	pthread_mutex_unlock(&lock);
	if (strcmp(host, "rotating.test") == 0)
		return rotating(hints, result, number & 1);
	if (answer)
		return numeric(answer, hints, result);
	errno = EMFILE;
	return error;
}

static void answer_with(const char *answer, int error)
{
	pthread_mutex_lock(&lock);
	moving_answer = answer;
	lookup_error = error;
	pthread_mutex_unlock(&lock);
}

static struct capture capture;

static int setup(void **state)
{
	(void)state;
	log_capture(&capture);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	log_release(&capture);
	return 0;
}

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct resolver *start(char **hosts, size_t count, const struct resolver_pace *pace)
{
	struct instance instances[] = {
		{.hosts = hosts, .hosts_count = count},
		{.hosts = hosts, .hosts_count = count}, /* the same again */
	};
	struct config config = {.instances = instances, .instances_count = 2};
	struct resolver *resolver;

	assert_int_equal(resolver_start(&resolver, &config, pace), 0);
	return resolver;
}

static bool wait_for_result(struct resolver *resolver, int ms)
{
	struct pollfd fd = {.fd = resolver_fd(resolver), .events = POLLIN};

	return poll(&fd, 1, ms) == 1;
}

/* The next result, however long it takes. */
static struct resolver_result take(struct resolver *resolver)
{
	struct resolver_result result;

	while (!resolver_take(resolver, &result))
		assert_true(wait_for_result(resolver, PATIENCE_MS));
	return result;
}

static bool has(const struct resolver_result *result, const char *text)
{
	char found[ADDRESS_TEXT];

	for (size_t i = 0; i < result->count; i++)
		if (strcmp(address_format(&result->addrs[i], found), text) == 0)
			return true;
	return false;
}

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

/* Takes results until one is an answer (or a failure, for NULL). */
static void take_until(struct resolver *resolver, const char *answer)
{
	for (;;) {
		struct resolver_result result = take(resolver);

		if (answer ? has(&result, answer) : result.count == 0)
			return;
	}
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
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
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
		LOGGED_TEST(test_stop_while_hanging),
		LOGGED_TEST(test_stop_at_once),
	};

	return cmocka_run_group_tests_name("resolver", tests, NULL, NULL);
}
