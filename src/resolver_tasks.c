/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The threads of the resolver. They log nothing: the event loop does, when it takes results. */
#include "resolver_tasks.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>

#define NS_PER_S  1000000000ull
#define NS_PER_MS 1000000ull

__u64 monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (__u64)now.tv_sec * NS_PER_S + (__u64)now.tv_nsec;
}

void sleep_until(struct shared *shared, __u64 ns)
{
	struct timespec until = {
		.tv_sec = (time_t)(ns / NS_PER_S),
		.tv_nsec = (long)(ns % NS_PER_S),
	};

	pthread_cond_timedwait(&shared->wake, &shared->lock, &until);
}

void shared_free(struct shared *shared)
{
	for (size_t i = 0; i < shared->count; i++) {
		free(shared->tasks[i].host);
		free(shared->tasks[i].outcome.addrs);
	}
	free(shared->tasks);
	pthread_cond_destroy(&shared->wake);
	pthread_mutex_destroy(&shared->lock);
	free(shared);
}

static bool to_address(const struct sockaddr *from, struct address *addr)
{
	switch (from->sa_family) {
	case AF_INET:
		address_set_v4(addr, ((const struct sockaddr_in *)from)->sin_addr.s_addr);
		return true;
	case AF_INET6:
		memcpy(addr->bytes, &((const struct sockaddr_in6 *)from)->sin6_addr,
		       sizeof(addr->bytes));
		return true;
	default:
		return false;
	}
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct address));
}

/* Name servers rotate their answers: sorted, the same addresses are the same. */
static void sort_once_each(struct outcome *outcome)
{
	size_t kept = 0;

	qsort(outcome->addrs, outcome->count, sizeof(*outcome->addrs), compare);
	for (size_t i = 0; i < outcome->count; i++)
		if (i == 0 || compare(&outcome->addrs[kept - 1], &outcome->addrs[i]) != 0)
			outcome->addrs[kept++] = outcome->addrs[i];
	outcome->count = kept;
}

static void collect(const struct addrinfo *list, struct outcome *outcome)
{
	size_t count = 0;

	for (const struct addrinfo *info = list; info; info = info->ai_next)
		count++;
	outcome->addrs = calloc(count + 1, sizeof(*outcome->addrs));
	if (!outcome->addrs) {
		snprintf(outcome->error, sizeof(outcome->error), "out of memory");
		return;
	}
	for (const struct addrinfo *info = list; info; info = info->ai_next)
		if (to_address(info->ai_addr, &outcome->addrs[outcome->count]))
			outcome->count++;
	if (outcome->count)
		sort_once_each(outcome);
	else
		snprintf(outcome->error, sizeof(outcome->error), "no IPv4 or IPv6 address");
}

static struct outcome look_up(const char *host)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct outcome outcome = {0};
	struct addrinfo *list = NULL;
	int err = getaddrinfo(host, NULL, &hints, &list);

	if (err) {
		snprintf(outcome.error, sizeof(outcome.error), "%s",
			 err == EAI_SYSTEM ? strerror(errno) : gai_strerror(err));
		return outcome;
	}
	collect(list, &outcome);
	freeaddrinfo(list);
	return outcome;
}

/* The task that is due first among those that no thread is at, or NULL. */
static struct task *next_task(struct shared *shared)
{
	struct task *next = NULL;

	for (size_t i = 0; i < shared->count; i++) {
		struct task *task = &shared->tasks[i];

		if (!task->busy && (!next || task->due_ns < next->due_ns))
			next = task;
	}
	return next;
}

static __u64 pause_after(const struct task *task, const struct resolver_pace *pace)
{
	__u64 ms = pace->refresh_ms;

	if (task->failures && task->failures < 32)
		ms = (__u64)pace->retry_ms << (task->failures - 1);
	return (ms < pace->refresh_ms ? ms : pace->refresh_ms) * NS_PER_MS;
}

/* Looks one name up, without the lock meanwhile. */
static void work_on(struct shared *shared, struct task *task)
{
	struct outcome outcome;

	task->busy = true;
	pthread_mutex_unlock(&shared->lock);
	outcome = look_up(task->host);
	pthread_mutex_lock(&shared->lock);
	task->busy = false;
	task->failures = outcome.count ? 0 : task->failures + 1;
	task->due_ns = monotonic_ns() + pause_after(task, &shared->pace);
	free(task->outcome.addrs);
	task->outcome = outcome;
	task->ready = true;
	if (!shared->stopping)
		eventfd_write(shared->event_fd, 1);
	pthread_cond_broadcast(&shared->wake); /* this task may now be the first that is due */
}

void *resolver_work(void *arg)
{
	struct shared *shared = arg;
	bool last;

	pthread_mutex_lock(&shared->lock);
	while (!shared->stopping) {
		struct task *task = next_task(shared);

		if (!task)
			pthread_cond_wait(&shared->wake, &shared->lock);
		else if (task->due_ns > monotonic_ns())
			sleep_until(shared, task->due_ns);
		else
			work_on(shared, task);
	}
	shared->threads--;
	last = shared->threads == 0 && shared->abandoned;
	pthread_cond_broadcast(&shared->wake);
	pthread_mutex_unlock(&shared->lock);
	if (last)
		shared_free(shared);
	return NULL;
}
