/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One thread with three queues of jobs, and one of results. */
#include "attaching.h"
#include "descriptor.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <utlist.h>

#define KINDS 3

struct attaching {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed; /* there is a job, or one is done, or it is time to stop */
	struct attaching_job *waiting[KINDS]; /* by kind */
	struct attaching_job *done;
	struct attaching_job *busy; /* the thread's, without the lock */
	bool running, stopping;     /* the thread */
	int event_fd;
};

/* ---- the thread ---- */

static void work(struct attaching_job *job)
{
	const struct backend_ops *ops = job->backend->ops;

	switch (job->kind) {
	case ATTACHING_OPEN:
		job->err = ops->open(job->backend, &job->interface, job->ways, &job->hold,
				     job->reason);
		break;
	case ATTACHING_CHECK:
		job->err = ops->check(job->hold, &job->interface, job->reason);
		break;
	case ATTACHING_SHUT:
		ops->shut(job->hold);
		break;
	}
}

static struct attaching_job *next_job(struct attaching *a)
{
	for (int kind = 0; kind < KINDS; kind++) {
		struct attaching_job *job = a->waiting[kind];

		if (job) {
			LL_DELETE(a->waiting[kind], job);
			return job;
		}
	}
	return NULL;
}

static void finish_job(struct attaching *a, struct attaching_job *job)
{
	if (job->kind == ATTACHING_SHUT) {
		free(job);
		return;
	}
	LL_APPEND(a->done, job);
	eventfd_write(a->event_fd, 1);
}

static void *run(void *arg)
{
	struct attaching *a = arg;

	pthread_mutex_lock(&a->lock);
	for (;;) {
		struct attaching_job *job = next_job(a);

		if (!job && a->stopping)
			break;
		if (!job) {
			pthread_cond_wait(&a->changed, &a->lock);
			continue;
		}
		a->busy = job;
		pthread_mutex_unlock(&a->lock);
		work(job);
		pthread_mutex_lock(&a->lock);
		a->busy = NULL;
		finish_job(a, job);
		pthread_cond_broadcast(&a->changed);
	}
	pthread_mutex_unlock(&a->lock);
	return NULL;
}

/* With the first job, and again after each attaching_cancel: a thread has what capabilities there
 * were when it began, and another backend needs others. Returns 0 or -errno. */
static int start_thread(struct attaching *a)
{
	int err = a->running ? 0 : -pthread_create(&a->thread, NULL, run, a);

	a->running = !err;
	return err;
}

static void end_thread(struct attaching *a)
{
	if (!a->running)
		return;
	pthread_mutex_lock(&a->lock);
	a->stopping = true;
	pthread_cond_broadcast(&a->changed);
	pthread_mutex_unlock(&a->lock);
	pthread_join(a->thread, NULL);
	a->stopping = a->running = false;
}

/* ---- life ---- */

int attaching_start(struct attaching **result)
{
	struct attaching *a = calloc(1, sizeof(*a));
	int err;

	if (!a)
		return -ENOMEM;
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->changed, NULL);
	a->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (a->event_fd < 0) {
		err = -errno;
		free(a);
		return err;
	}
	*result = a;
	return 0;
}

void attaching_stop(struct attaching *a)
{
	if (!a)
		return;
	attaching_cancel(a);
	pthread_cond_destroy(&a->changed);
	pthread_mutex_destroy(&a->lock);
	close(a->event_fd);
	free(a);
}

int attaching_fd(const struct attaching *a)
{
	return a->event_fd;
}

/* ---- jobs ---- */

static struct attaching_job *job_new(enum attaching_kind kind, struct backend *backend,
				     struct hold *hold)
{
	struct attaching_job *job = calloc(1, sizeof(*job));

	if (job)
		*job = (struct attaching_job){.kind = kind, .backend = backend, .hold = hold};
	return job;
}

static int submit(struct attaching *a, struct attaching_job *job)
{
	int err = job ? start_thread(a) : -ENOMEM;

	if (err) {
		free(job);
		return err;
	}
	pthread_mutex_lock(&a->lock);
	LL_APPEND(a->waiting[job->kind], job);
	pthread_cond_broadcast(&a->changed);
	pthread_mutex_unlock(&a->lock);
	return 0;
}

int attaching_open(struct attaching *a, struct backend *backend, const struct interface *interface,
		   unsigned int ways)
{
	struct attaching_job *job = job_new(ATTACHING_OPEN, backend, NULL);

	if (job) {
		job->interface = *interface;
		job->ways = ways;
	}
	return submit(a, job);
}

int attaching_check(struct attaching *a, struct backend *backend, struct hold *hold)
{
	struct attaching_job *job = job_new(ATTACHING_CHECK, backend, hold);

	if (job)
		job->interface = hold->interface;
	return submit(a, job);
}

bool attaching_is_checking(struct attaching *a)
{
	bool is;

	pthread_mutex_lock(&a->lock);
	is = a->waiting[ATTACHING_CHECK] != NULL;
	pthread_mutex_unlock(&a->lock);
	return is;
}

static void forget_checks(struct attaching_job **jobs, const struct hold *hold)
{
	struct attaching_job *job, *next;

	LL_FOREACH_SAFE(*jobs, job, next)
	{
		if (job->kind != ATTACHING_CHECK || job->hold != hold)
			continue;
		LL_DELETE(*jobs, job);
		free(job);
	}
}

/* Nobody checks it any more, and nobody hears of its check: another may get its address. */
static void forget_hold(struct attaching *a, const struct hold *hold)
{
	while (a->busy && a->busy->kind == ATTACHING_CHECK && a->busy->hold == hold)
		pthread_cond_wait(&a->changed, &a->lock);
	forget_checks(&a->waiting[ATTACHING_CHECK], hold);
	forget_checks(&a->done, hold);
}

void attaching_shut(struct attaching *a, struct backend *backend, struct hold *hold, bool first)
{
	struct attaching_job *job = job_new(ATTACHING_SHUT, backend, hold);

	if (start_thread(a)) {
		free(job);
		job = NULL;
	}
	pthread_mutex_lock(&a->lock);
	forget_hold(a, hold);
	if (job && first)
		LL_PREPEND(a->waiting[ATTACHING_OPEN], job); /* in the queue that is served first */
	else if (job)
		LL_APPEND(a->waiting[ATTACHING_SHUT], job);
	pthread_cond_broadcast(&a->changed);
	pthread_mutex_unlock(&a->lock);
	if (!job)
		backend->ops->shut(hold);
}

struct attaching_job *attaching_take(struct attaching *a)
{
	struct attaching_job *job;
	eventfd_t ignored;

	pthread_mutex_lock(&a->lock);
	job = a->done;
	if (job)
		LL_DELETE(a->done, job);
	else
		eventfd_read(a->event_fd, &ignored);
	pthread_mutex_unlock(&a->lock);
	return job;
}

/* ---- an end ---- */

/* Of those in a queue, what nobody wants any more; what shuts something stays. */
static void drop_jobs(struct attaching_job **jobs)
{
	struct attaching_job *job, *next;

	LL_FOREACH_SAFE(*jobs, job, next)
	{
		if (job->kind == ATTACHING_SHUT)
			continue;
		LL_DELETE(*jobs, job);
		if (job->kind == ATTACHING_OPEN && job->hold)
			job->backend->ops->shut(job->hold);
		free(job);
	}
}

static bool is_idle(const struct attaching *a)
{
	for (int kind = 0; kind < KINDS; kind++)
		if (a->waiting[kind])
			return false;
	return !a->busy;
}

void attaching_cancel(struct attaching *a)
{
	pthread_mutex_lock(&a->lock);
	for (int kind = 0; kind < KINDS; kind++)
		drop_jobs(&a->waiting[kind]);
	while (!is_idle(a))
		pthread_cond_wait(&a->changed, &a->lock);
	drop_jobs(&a->done);
	pthread_mutex_unlock(&a->lock);
	end_thread(a);
}
