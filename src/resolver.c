/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "resolver.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "log.h"
#include "resolver_tasks.h"

#define THREADS_MAX 4 /* so that names whose servers are silent do not hold up the others */

/* How long a stop waits for threads to leave. Idle ones need microseconds; a lookup that takes
 * longer is left to itself. */
#define STOP_WAIT_NS 20000000ull

/* What the last results of a host said: the event loop's side of a task. */
struct host_state {
	enum { UNKNOWN, RESOLVED, FAILING } state;
	struct outcome outcome; /* the last result; its addresses are the last that were found */
};

struct resolver {
	struct shared *shared;
	struct host_state *hosts; /* as many as tasks */
	int event_fd;
};

static bool has_task(const struct shared *shared, const char *host)
{
	for (size_t i = 0; i < shared->count; i++)
		if (strcmp(shared->tasks[i].host, host) == 0)
			return true;
	return false;
}

static int add_tasks(struct shared *shared, const struct instance *instance)
{
	for (size_t i = 0; i < instance->hosts_count; i++) {
		if (has_task(shared, instance->hosts[i]))
			continue;
		shared->tasks[shared->count].host = strdup(instance->hosts[i]);
		if (!shared->tasks[shared->count].host)
			return -ENOMEM;
		shared->count++;
	}
	return 0;
}

static void shared_init(struct shared *shared, const struct resolver_pace *pace)
{
	static const struct resolver_pace usual = {RESOLVER_REFRESH_MS, RESOLVER_RETRY_MS};
	pthread_condattr_t attr;

	shared->pace = pace ? *pace : usual;
	pthread_mutex_init(&shared->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&shared->wake, &attr);
	pthread_condattr_destroy(&attr);
}

static int make_tasks(struct shared *shared, const struct config *config)
{
	size_t names = 1;
	int err = 0;

	for (size_t i = 0; i < config->instances_count; i++)
		names += config->instances[i].hosts_count;
	shared->tasks = calloc(names, sizeof(*shared->tasks));
	if (!shared->tasks)
		return -ENOMEM;
	for (size_t i = 0; i < config->instances_count && !err; i++)
		err = add_tasks(shared, &config->instances[i]);
	return err;
}

/* Signals are the event loop's: the threads must not catch them. */
static int start_threads(struct shared *shared)
{
	sigset_t all, old;
	pthread_attr_t attr;
	int err = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_mutex_lock(&shared->lock);
	while (!err && shared->threads < THREADS_MAX && shared->threads < shared->count) {
		pthread_t thread;

		err = -pthread_create(&thread, &attr, resolver_work, shared);
		shared->threads += !err;
	}
	err = shared->threads ? 0 : err; /* one will do */
	pthread_mutex_unlock(&shared->lock);
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return err;
}

static int fill(struct resolver *resolver, const struct config *config)
{
	struct shared *shared = resolver->shared;
	int err = make_tasks(shared, config);

	if (err)
		return err;
	resolver->hosts = calloc(shared->count + 1, sizeof(*resolver->hosts));
	if (!resolver->hosts)
		return -ENOMEM;
	resolver->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (resolver->event_fd < 0)
		return -errno;
	shared->event_fd = resolver->event_fd;
	return start_threads(shared);
}

int resolver_start(struct resolver **result, const struct config *config,
		   const struct resolver_pace *pace)
{
	struct resolver *resolver = calloc(1, sizeof(*resolver));
	struct shared *shared = calloc(1, sizeof(*shared));
	int err;

	if (!resolver || !shared) {
		free(resolver);
		free(shared);
		err = -ENOMEM;
	} else {
		shared_init(shared, pace);
		resolver->shared = shared;
		resolver->event_fd = -1;
		err = fill(resolver, config);
		if (err)
			resolver_stop(resolver);
	}
	if (err)
		log_error("cannot start looking up host names: %s", strerror(-err));
	else
		*result = resolver;
	return err;
}

int resolver_fd(const struct resolver *resolver)
{
	return resolver->event_fd;
}

/* Takes an outcome out of the shared tasks. Returns the task's index, or -1 if none waits. */
static ssize_t fetch(struct shared *shared, struct outcome *outcome)
{
	ssize_t found = -1;
	eventfd_t ignored;

	pthread_mutex_lock(&shared->lock);
	for (size_t i = 0; i < shared->count && found < 0; i++)
		if (shared->tasks[i].ready)
			found = (ssize_t)i;
	if (found >= 0) {
		*outcome = shared->tasks[found].outcome;
		shared->tasks[found].outcome.addrs = NULL;
		shared->tasks[found].ready = false;
	} else {
		eventfd_read(shared->event_fd, &ignored);
	}
	pthread_mutex_unlock(&shared->lock);
	return found;
}

static bool same_addresses(const struct outcome *a, const struct outcome *b)
{
	return a->count == b->count &&
	       memcmp(a->addrs, b->addrs, a->count * sizeof(*a->addrs)) == 0;
}

static void log_resolved(const char *host, const char *what, const struct outcome *outcome)
{
	char first[ADDRESS_TEXT];

	address_format(&outcome->addrs[0], first);
	if (outcome->count == 1)
		log_info("host %s %s %s", host, what, first);
	else
		log_info("host %s %s %s and %zu more", host, what, first, outcome->count - 1);
}

/* Notes a success. The new addresses replace the old ones. */
static void note_resolved(struct host_state *state, const char *host, struct outcome *outcome)
{
	if (state->state == FAILING)
		log_resolved(host, "is found again at", outcome);
	else if (state->state == UNKNOWN)
		log_resolved(host, "is at", outcome);
	else if (!same_addresses(&state->outcome, outcome))
		log_resolved(host, "has moved to", outcome);
	state->state = RESOLVED;
	free(state->outcome.addrs);
	state->outcome = *outcome;
}

/* Notes a failure. The old addresses stay. */
static void note_failed(struct host_state *state, const char *host, struct outcome *outcome)
{
	if (state->state != FAILING)
		log_warning("host %s is not found: %s; %s, and it is looked up again", host,
			    outcome->error,
			    state->outcome.count ? "its last known addresses stay in use"
						 : "nothing is measured for it");
	state->state = FAILING;
	memcpy(state->outcome.error, outcome->error, sizeof(outcome->error));
	free(outcome->addrs);
}

bool resolver_take(struct resolver *resolver, struct resolver_result *result)
{
	struct outcome outcome;
	struct host_state *state;
	ssize_t i = fetch(resolver->shared, &outcome);

	if (i < 0)
		return false;
	state = &resolver->hosts[i];
	result->host = resolver->shared->tasks[i].host;
	if (outcome.count) {
		note_resolved(state, result->host, &outcome);
		result->addrs = state->outcome.addrs;
		result->count = state->outcome.count;
		result->error = NULL;
	} else {
		note_failed(state, result->host, &outcome);
		result->addrs = NULL;
		result->count = 0;
		result->error = state->outcome.error;
	}
	return true;
}

/* Tells the threads to leave, and waits a moment for them. Returns true if nobody is left. */
static bool dismiss_threads(struct shared *shared)
{
	__u64 deadline = monotonic_ns() + STOP_WAIT_NS;
	bool alone;

	pthread_mutex_lock(&shared->lock);
	shared->stopping = true;
	pthread_cond_broadcast(&shared->wake);
	while (shared->threads && monotonic_ns() < deadline)
		sleep_until(shared, deadline);
	alone = shared->threads == 0;
	shared->abandoned = !alone;
	pthread_mutex_unlock(&shared->lock);
	return alone;
}

void resolver_stop(struct resolver *resolver)
{
	size_t count;

	if (!resolver)
		return;
	count = resolver->hosts ? resolver->shared->count : 0;
	for (size_t i = 0; i < count; i++)
		free(resolver->hosts[i].outcome.addrs);
	if (dismiss_threads(resolver->shared))
		shared_free(resolver->shared);
	if (resolver->event_fd >= 0)
		close(resolver->event_fd);
	free(resolver->hosts);
	free(resolver);
}
