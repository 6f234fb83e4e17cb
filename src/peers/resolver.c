/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The event loop's side: what is to be looked up, starting and dismissing threads, and taking their
 * results. */
#include "resolver.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "clock.h"
#include "descriptor.h"
#include "log.h"
#include "resolver_list.h"
#include "resolver_tasks.h"
#include "worker.h"

/* How long a stop waits for threads to end. Idle ones need microseconds; a lookup that takes longer
 * is left behind. */
#define STOP_WAIT_NS 20000000ull

/* This many lookups at a time, so that names whose servers are silent do not hold up others of
 * their kind. Addresses are not urgent. */
static const unsigned int threads_max[LANES] = {
	[RESOLVED_HOST] = 4,
	[RESOLVED_ADDRESS] = 2,
	[RESOLVED_SERVER] = 1,
};

struct resolver {
	struct shared *shared;
	const struct resolver_pace *pace; /* NULL: the usual one */
	struct resolver_pace own_pace;
	int event_fd;
};

/* ---- what to look up ---- */

/* The list's tasks in its order, those that were there and new ones. NULL: out of memory. */
static struct task **make_tasks(const struct wanted_list *list)
{
	struct task **tasks = calloc(list->count + 1, sizeof(*tasks));
	size_t i = 0;

	for (; tasks && i < list->count; i++) {
		const struct wanted *w = &list->at[i];

		tasks[i] = w->task ? w->task : task_new(w->kind, w->host, &w->address);
		if (!tasks[i])
			break;
	}
	if (!tasks || i == list->count)
		return tasks;
	while (i-- > 0)
		if (!list->at[i].task)
			task_free(tasks[i]);
	free(tasks);
	return NULL;
}

static int make_heaps(const struct wanted_list *list, struct task **heaps[LANES])
{
	bool fine = true;

	for (int i = 0; i < LANES; i++) {
		heaps[i] = calloc(list->count_of[i] + 1, sizeof(*heaps[i]));
		fine &= heaps[i] != NULL;
	}
	for (int i = 0; i < LANES && !fine; i++)
		free(heaps[i]);
	return fine ? 0 : -ENOMEM;
}

static void drop_unwanted(struct shared *shared, const struct wanted_list *list)
{
	struct task **link = &shared->ready;

	for (size_t i = 0; i < shared->count; i++)
		shared->tasks[i]->dropped = true;
	for (size_t i = 0; i < list->count; i++)
		if (list->at[i].task)
			list->at[i].task->dropped = false;
	while (*link) {
		if ((*link)->dropped)
			*link = (*link)->next_ready;
		else
			link = &(*link)->next_ready;
	}
	shared->ready_end = link;
	for (size_t i = 0; i < shared->count; i++)
		if (shared->tasks[i]->dropped && !shared->tasks[i]->busy)
			task_free(shared->tasks[i]);
}

static void put_in_lane(struct shared *shared, struct task *task)
{
	__u64 latest = monotonic_ns() + shared->pace.refresh_ms * NS_PER_MS;

	if (task->busy)
		return; /* its thread puts it there */
	if (task->kind != RESOLVED_ADDRESS)
		task->due_ns = 0;
	else if (task->due_ns > latest)
		task->due_ns = latest;
	lane_push(&shared->lanes[task->kind], task);
}

/* Takes over tasks and heaps. */
static void replace_tasks(struct shared *shared, const struct wanted_list *list,
			  struct task **tasks, struct task **heaps[LANES])
{
	drop_unwanted(shared, list);
	free(shared->tasks);
	shared->tasks = tasks;
	shared->count = list->count;
	for (int i = 0; i < LANES; i++) {
		free(shared->lanes[i].due);
		shared->lanes[i].due = heaps[i];
		shared->lanes[i].due_count = 0;
		shared->lanes[i].gap_ns =
			i == RESOLVED_ADDRESS ? shared->pace.reverse_gap_ms * NS_PER_MS : 0;
	}
	for (size_t i = 0; i < list->count; i++)
		put_in_lane(shared, tasks[i]);
	for (int i = 0; i < LANES; i++)
		pthread_cond_broadcast(&shared->lanes[i].wake);
}

static int start_lane(struct lane *lane, unsigned int threads)
{
	int err = 0;

	while (!err && lane->threads < threads) {
		err = worker_start(resolver_work, lane);
		lane->threads += !err;
		lane->shared->threads += !err;
	}
	return lane->threads || !threads ? 0 : err; /* one is enough */
}

static int start_threads(struct shared *shared, const size_t count_of[LANES])
{
	int err = 0;

	for (int i = 0; i < LANES && !err; i++)
		err = start_lane(&shared->lanes[i], count_of[i] < threads_max[i]
							    ? (unsigned int)count_of[i]
							    : threads_max[i]);
	return err;
}

static struct resolver_pace pace_of(const struct resolver *resolver, const struct config *config)
{
	if (resolver->pace)
		return *resolver->pace;
	return (struct resolver_pace){
		.refresh_ms = config->resolve_interval_s * 1000,
		.retry_ms = RESOLVER_RETRY_MS,
		.reverse_gap_ms = RESOLVER_REVERSE_GAP_MS,
	};
}

static int apply(struct resolver *resolver, const struct config *config,
		 const struct wanted_list *list)
{
	struct shared *shared = resolver->shared;
	struct task **heaps[LANES], **tasks;
	int err = make_heaps(list, heaps);

	if (err)
		return err;
	tasks = make_tasks(list);
	if (!tasks) {
		for (int i = 0; i < LANES; i++)
			free(heaps[i]);
		return -ENOMEM;
	}
	pthread_mutex_lock(&shared->lock);
	shared->pace = pace_of(resolver, config);
	replace_tasks(shared, list, tasks, heaps);
	err = start_threads(shared, list->count_of);
	pthread_mutex_unlock(&shared->lock);
	return err;
}

int resolver_look_up(struct resolver *resolver, const struct config *config, const char *server)
{
	struct shared *shared = resolver->shared;
	struct wanted_list list;
	int err = wanted_list_make(&list, config, server, shared->tasks, shared->count);

	if (!err) {
		err = apply(resolver, config, &list);
		free(list.at);
	}
	if (err)
		log_error("cannot look up all names: %s", strerror(-err));
	return err;
}

/* ---- what was found ---- */

/* Takes an outcome out of the shared tasks. Returns its task, or NULL if none waits. */
static struct task *fetch(struct shared *shared, struct outcome *outcome)
{
	struct task *task;
	eventfd_t ignored;

	pthread_mutex_lock(&shared->lock);
	task = shared->ready;
	if (task) {
		shared->ready = task->next_ready;
		if (!shared->ready)
			shared->ready_end = &shared->ready;
		task->ready = false;
		*outcome = task->outcome;
		task->outcome = (struct outcome){0};
	} else {
		eventfd_read(shared->event_fd, &ignored);
	}
	pthread_mutex_unlock(&shared->lock);
	return task;
}

static bool same_addresses(const struct outcome *a, const struct outcome *b)
{
	return a->count == b->count &&
	       memcmp(a->addrs, b->addrs, a->count * sizeof(*a->addrs)) == 0;
}

static const char *kind_name(const struct task *task)
{
	return task->kind == RESOLVED_SERVER ? "StatsD server" : "host";
}

static void log_resolved(const struct task *task, const char *what, const struct outcome *outcome)
{
	const char *kind = kind_name(task);
	char first[ADDRESS_TEXT];

	address_format(&outcome->addrs[0], first);
	if (outcome->count == 1)
		log_info("%s %s %s %s", kind, task->host, what, first);
	else
		log_info("%s %s %s %s and %zu more", kind, task->host, what, first,
			 outcome->count - 1);
}

/* What is worth a log line, or NULL. Which address of the StatsD server is used is for the sink to
 * log. */
static const char *news(const struct task *task, const struct outcome *outcome)
{
	if (task->kind == RESOLVED_SERVER && (task->state != FAILING || !task->known.count))
		return NULL;
	if (task->state == FAILING)
		return "is found again at";
	if (task->state == UNKNOWN)
		return "is at";
	return same_addresses(&task->known, outcome) ? NULL : "has moved to";
}

/* Notes a success. The new addresses replace the old ones. */
static void note_resolved(struct task *task, struct outcome *outcome)
{
	const char *what = news(task, outcome);

	if (what)
		log_resolved(task, what, outcome);
	task->state = RESOLVED;
	outcome_clear(&task->known);
	task->known = *outcome;
}

/* Notes a failure. The old addresses stay. */
static void note_failed(struct task *task, const struct outcome *outcome)
{
	const char *nothing = task->kind == RESOLVED_SERVER ? "nothing is sent to it"
							    : "nothing is measured for it";

	if (task->state != FAILING)
		log_warning("%s %s is not found: %s; %s, and it is looked up again",
			    kind_name(task), task->host, outcome_error(outcome),
			    task->known.count ? "its last known addresses stay in use" : nothing);
	task->state = FAILING;
}

static void take_host(struct task *task, struct outcome *outcome, struct resolver_result *result)
{
	/* A family that no server answered for keeps its addresses. */
	if (!outcome->error && outcome->unknown &&
	    outcome_add(outcome, task->known.addrs, task->known.count, outcome->unknown))
		outcome->error = EAI_MEMORY;
	result->host = task->host;
	if (outcome->error) {
		note_failed(task, outcome);
		result->error = outcome_error(outcome);
		outcome_clear(outcome);
		return;
	}
	note_resolved(task, outcome);
	result->addrs = task->known.addrs;
	result->count = task->known.count;
}

/* Returns whether there is a new name. Without one, the last name that was found stays. */
static bool take_address(struct task *task, struct outcome *outcome, struct resolver_result *result)
{
	char text[ADDRESS_TEXT];

	if (outcome->error) {
		log_debug("address %s has no name: %s", address_format(&task->address, text),
			  outcome_error(outcome));
		outcome_clear(outcome);
		return false;
	}
	outcome_clear(&task->known);
	task->known = *outcome;
	result->address = task->address;
	result->name = task->known.name;
	return true;
}

bool resolver_take(struct resolver *resolver, struct resolver_result *result)
{
	struct outcome outcome;
	struct task *task;

	while ((task = fetch(resolver->shared, &outcome))) {
		*result = (struct resolver_result){.kind = task->kind};
		if (task->kind == RESOLVED_ADDRESS) {
			if (take_address(task, &outcome, result))
				return true;
		} else {
			take_host(task, &outcome, result);
			return true;
		}
	}
	return false;
}

/* ---- life ---- */

int resolver_start(struct resolver **result, const struct resolver_pace *pace)
{
	struct resolver *resolver = calloc(1, sizeof(*resolver));
	struct shared *shared = shared_new();
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), err = fd < 0 ? -errno : -ENOMEM;

	if (!resolver || !shared || fd < 0) {
		log_error("cannot start looking up names: %s", strerror(-err));
		if (shared)
			shared_free(shared);
		descriptor_close(&fd);
		free(resolver);
		return err;
	}
	if (pace) {
		resolver->own_pace = *pace;
		resolver->pace = &resolver->own_pace;
	}
	resolver->shared = shared;
	resolver->event_fd = shared->event_fd = fd;
	*result = resolver;
	return 0;
}

int resolver_fd(const struct resolver *resolver)
{
	return resolver->event_fd;
}

/* Tells the threads to end, and waits a moment for them. Returns true if none is left. */
static bool dismiss_threads(struct shared *shared)
{
	__u64 deadline = monotonic_ns() + STOP_WAIT_NS;
	bool alone;

	pthread_mutex_lock(&shared->lock);
	shared->stopping = true;
	for (int i = 0; i < LANES; i++)
		pthread_cond_broadcast(&shared->lanes[i].wake);
	while (shared->threads && monotonic_ns() < deadline)
		sleep_until(&shared->gone, shared, deadline);
	alone = shared->threads == 0;
	shared->abandoned = !alone;
	pthread_mutex_unlock(&shared->lock);
	return alone;
}

void resolver_stop(struct resolver *resolver)
{
	if (!resolver)
		return;
	if (dismiss_threads(resolver->shared))
		shared_free(resolver->shared);
	close(resolver->event_fd);
	free(resolver);
}
