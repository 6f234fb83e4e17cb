/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The threads of the resolver. They log nothing: the event loop does, when it takes results. */
#include "resolver_tasks.h"

#include "clock.h"
#include "privileges.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>

void sleep_until(pthread_cond_t *condition, struct shared *shared, __u64 ns)
{
	struct timespec until = {
		.tv_sec = (time_t)(ns / NS_PER_S),
		.tv_nsec = (long)(ns % NS_PER_S),
	};

	pthread_cond_timedwait(condition, &shared->lock, &until);
}

struct shared *shared_new(void)
{
	struct shared *shared = calloc(1, sizeof(*shared));
	pthread_condattr_t attr;

	if (!shared)
		return NULL;
	pthread_mutex_init(&shared->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&shared->gone, &attr);
	for (int i = 0; i < LANES; i++) {
		shared->lanes[i].shared = shared;
		pthread_cond_init(&shared->lanes[i].wake, &attr);
	}
	pthread_condattr_destroy(&attr);
	shared->ready_end = &shared->ready;
	return shared;
}

void shared_free(struct shared *shared)
{
	for (size_t i = 0; i < shared->count; i++)
		task_free(shared->tasks[i]);
	free(shared->tasks);
	for (int i = 0; i < LANES; i++) {
		free(shared->lanes[i].due);
		pthread_cond_destroy(&shared->lanes[i].wake);
	}
	pthread_cond_destroy(&shared->gone);
	pthread_mutex_destroy(&shared->lock);
	free(shared);
}

struct task *task_new(enum resolved kind, const char *host, const struct address *address)
{
	struct task *task = calloc(1, sizeof(*task));

	if (!task)
		return NULL;
	task->kind = kind;
	task->address = *address;
	if (!host)
		return task;
	task->host = strdup(host);
	if (task->host)
		return task;
	free(task);
	return NULL;
}

void task_free(struct task *task)
{
	if (!task)
		return;
	outcome_clear(&task->outcome);
	outcome_clear(&task->known);
	free(task->host);
	free(task);
}

void lane_push(struct lane *lane, struct task *task)
{
	size_t at = lane->due_count++;

	for (; at && lane->due[(at - 1) / 2]->due_ns > task->due_ns; at = (at - 1) / 2)
		lane->due[at] = lane->due[(at - 1) / 2];
	lane->due[at] = task;
}

static struct task *lane_pop(struct lane *lane)
{
	struct task *first = lane->due[0], *task = lane->due[--lane->due_count];
	size_t at = 0, child;

	for (; (child = 2 * at + 1) < lane->due_count; at = child) {
		if (child + 1 < lane->due_count &&
		    lane->due[child + 1]->due_ns < lane->due[child]->due_ns)
			child++;
		if (lane->due[child]->due_ns >= task->due_ns)
			break;
		lane->due[at] = lane->due[child];
	}
	lane->due[at] = task;
	return first;
}

/* Most addresses have no name: that is an answer, not a failure to be retried soon. */
static bool has_failed(const struct task *task, const struct outcome *outcome)
{
	if (task->kind == RESOLVED_ADDRESS && outcome_is_final(outcome))
		return false;
	return outcome->error || outcome->unknown;
}

static __u64 pause_after(const struct task *task, const struct resolver_pace *pace)
{
	__u64 ms = pace->refresh_ms;

	if (task->failures && task->failures < 32)
		ms = (__u64)pace->retry_ms << (task->failures - 1);
	return (ms < pace->refresh_ms ? ms : pace->refresh_ms) * NS_PER_MS;
}

static void make_ready(struct shared *shared, struct task *task, const struct outcome *outcome)
{
	outcome_clear(&task->outcome);
	task->outcome = *outcome;
	if (!task->ready) {
		task->ready = true;
		task->next_ready = NULL;
		*shared->ready_end = task;
		shared->ready_end = &task->next_ready;
	}
	if (!shared->stopping)
		eventfd_write(shared->event_fd, 1);
}

/* Looks one name up, releasing the lock meanwhile. */
static void work_on(struct lane *lane, struct task *task)
{
	struct shared *shared = lane->shared;
	unsigned int families = task->families;
	struct outcome outcome;

	task->busy = true;
	pthread_mutex_unlock(&shared->lock);
	outcome = task->kind == RESOLVED_ADDRESS ? lookup_address(&task->address)
						 : lookup_host(task->host, families);
	pthread_mutex_lock(&shared->lock);
	task->busy = false;
	if (task->dropped) {
		outcome_clear(&outcome);
		task_free(task);
		return;
	}
	task->failures = has_failed(task, &outcome) ? task->failures + 1 : 0;
	if (!outcome.error)
		task->families = outcome.families | outcome.unknown;
	task->due_ns = monotonic_ns() + pause_after(task, &shared->pace);
	make_ready(shared, task, &outcome);
	lane_push(lane, task);
	pthread_cond_signal(&lane->wake); /* this task may now be the first that is due */
}

void *resolver_work(void *arg)
{
	struct lane *lane = arg;
	struct shared *shared = lane->shared;
	bool last;

	privileges_shed_thread(0); /* it reads what name servers say */
	pthread_mutex_lock(&shared->lock);
	while (!shared->stopping) {
		__u64 now = monotonic_ns(), due = lane->next_ns;
		struct task *task;

		if (!lane->due_count) {
			pthread_cond_wait(&lane->wake, &shared->lock);
			continue;
		}
		if (due < lane->due[0]->due_ns)
			due = lane->due[0]->due_ns;
		if (due > now) {
			sleep_until(&lane->wake, shared, due);
			continue;
		}
		lane->next_ns = now + lane->gap_ns;
		task = lane_pop(lane);
		pthread_cond_signal(&lane->wake); /* let another thread wait for the next one */
		work_on(lane, task);
	}
	shared->threads--;
	last = shared->threads == 0 && shared->abandoned;
	pthread_cond_signal(&shared->gone);
	pthread_mutex_unlock(&shared->lock);
	if (last)
		shared_free(shared);
	return NULL;
}
