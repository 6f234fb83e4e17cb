/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A resolver under test. getaddrinfo is ours for names under .test, which answer as a test wishes,
 * hang, or change, and so is getnameinfo for 192.0.2.0/24; everything else goes to the C library.
 * No network is needed.
 */
#ifndef METRO_TEST_RESOLVER_FIXTURE_H
#define METRO_TEST_RESOLVER_FIXTURE_H

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
static bool v6_is_silent; /* nobody answers about the IPv6 address of both.test */
static bool v6_is_gone;   /* it has none any more */

static unsigned int reverse_lookups; /* so far */
static unsigned int reverse_inside;  /* at a time now .. */
static unsigned int reverse_most;    /* .. and at most */
static bool reverse_hanging;
static const char *reverse_answer; /* %u stands for the last byte; NULL: reverse_error */
static int reverse_error = EAI_NONAME;

typedef int getnameinfo_fn(const struct sockaddr *, socklen_t, char *, socklen_t, char *, socklen_t,
			   int);
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

/* As the C library does: it does not say that nobody answered about a family if there is another.
 */
static int both(const struct addrinfo *hints, struct addrinfo **result)
{
	bool silent, gone;
	int err;

	pthread_mutex_lock(&lock);
	silent = v6_is_silent;
	gone = v6_is_gone;
	pthread_mutex_unlock(&lock);
	if (hints->ai_family == AF_INET6) {
		if (silent || gone)
			return silent ? EAI_AGAIN : EAI_NODATA;
		return numeric("2001:db8::9", hints, result);
	}
	err = numeric("192.0.2.9", hints, result);
	if (err || silent || gone || hints->ai_family == AF_INET)
		return err;
	return numeric("2001:db8::9", hints, &(*result)->ai_next);
}

int getnameinfo(const struct sockaddr *sa, socklen_t size, char *host, socklen_t host_size,
		char *service, socklen_t service_size, int flags)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)sa;
	__u32 addr = sa->sa_family == AF_INET ? ntohl(v4->sin_addr.s_addr) : 0;
	const char *answer;
	int error;

	if (addr >> 8 != 0xc00002)
		return ((getnameinfo_fn *)dlsym(RTLD_NEXT, "getnameinfo"))(
			sa, size, host, host_size, service, service_size, flags);
	assert_int_equal(flags & NI_NAMEREQD, NI_NAMEREQD);
	pthread_mutex_lock(&lock);
	reverse_lookups++;
	reverse_inside++;
	reverse_most = reverse_inside > reverse_most ? reverse_inside : reverse_most;
	pthread_cond_broadcast(&released);
	while (reverse_hanging)
		pthread_cond_wait(&released, &lock);
	reverse_inside--;
	pthread_cond_broadcast(&released);
	answer = reverse_answer;
	error = reverse_error;
	pthread_mutex_unlock(&lock);
	if (!answer)
		return error;
	snprintf(host, host_size, answer, addr & 255);
	return 0;
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
	if (strcmp(host, "both.test") == 0)
		return both(hints, result);
	if (strcmp(host, "rotating.test") == 0)
		return rotating(hints, result, number & 1);
	if (answer)
		return numeric(answer, hints, result);
	errno = EMFILE;
	return error;
}

static inline void answer_with(const char *answer, int error)
{
	pthread_mutex_lock(&lock);
	moving_answer = answer;
	lookup_error = error;
	pthread_mutex_unlock(&lock);
}

static struct capture capture;

static inline void set_flag(bool *flag, bool value)
{
	pthread_mutex_lock(&lock);
	*flag = value;
	pthread_cond_broadcast(&released);
	pthread_mutex_unlock(&lock);
}

static inline unsigned int read_number(const unsigned int *number)
{
	unsigned int value;

	pthread_mutex_lock(&lock);
	value = *number;
	pthread_mutex_unlock(&lock);
	return value;
}

static inline int setup(void **state)
{
	(void)state;
	log_capture(&capture);
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	log_release(&capture);
	return 0;
}

static inline double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static inline struct resolver *start(char **hosts, size_t count, const struct resolver_pace *pace)
{
	struct instance instances[] = {
		{.hosts = hosts, .hosts_count = count},
		{.hosts = hosts, .hosts_count = count}, /* the same again */
	};
	struct config config = {
		.instances = instances, .instances_count = 2, .resolve_interval_s = 300};
	struct resolver *resolver;

	assert_int_equal(resolver_start(&resolver, pace), 0);
	assert_int_equal(resolver_look_up(resolver, &config, NULL), 0);
	return resolver;
}

static inline bool wait_for_result(struct resolver *resolver, int ms)
{
	struct pollfd fd = {.fd = resolver_fd(resolver), .events = POLLIN};

	return poll(&fd, 1, ms) == 1;
}

/* No result now, and none for this long. */
static inline bool is_quiet(struct resolver *resolver, int ms)
{
	struct resolver_result result;

	return !resolver_take(resolver, &result) && !wait_for_result(resolver, ms);
}

/* The next result, however long it takes. */
static inline struct resolver_result take(struct resolver *resolver)
{
	struct resolver_result result;

	while (!resolver_take(resolver, &result))
		assert_true(wait_for_result(resolver, PATIENCE_MS));
	return result;
}

static inline bool has(const struct resolver_result *result, const char *text)
{
	char found[ADDRESS_TEXT];

	for (size_t i = 0; i < result->count; i++)
		if (strcmp(address_format(&result->addrs[i], found), text) == 0)
			return true;
	return false;
}

/* Takes results until one is an answer (or a failure, for NULL). */
static inline void take_until(struct resolver *resolver, const char *answer)
{
	for (;;) {
		struct resolver_result result = take(resolver);

		if (answer ? has(&result, answer) : result.count == 0)
			return;
	}
}

#endif
