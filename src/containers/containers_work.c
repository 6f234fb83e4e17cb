/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The thread that looks for containers. It logs nothing: the event loop does, when it takes what
 * was found.
 */
#include "containers_work.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clock.h"
#include "privileges.h"
#include "scan.h"

#define GUARDS_MAX 512 /* descriptors; containers beyond that are followed by walks alone */
/* Between two walks there is this many times what the last one took; and after a change. */
#define SHARE      100
#define SHARE_SOON 10
/* An application is waited for with the shortest gap for this many of the longest: engines start
 * one that has failed again in less, at first. */
#define WAIT_GAPS 3

/* A process that was found in a container: when it ends, the container does, in most cases. */
struct guard {
	__u32 ifindex;
	pid_t pid;
};

struct worker {
	struct watch_list *list;
	struct pollfd *fds; /* wake_fd, then one for each guard */
	struct guard *guards;
	size_t guards_count;
	__u64 started_ns; /* the last walk */
	__u64 took_ns; /* .. took so much of a CPU: waiting for the kernel's locks costs nobody */
	__u64 gap_ns;  /* to the next one; 0: something has changed */
	__u64 changed_ns; /* the walk after the last change began */
};

/* ---- the list ---- */

struct watch_list *watch_list_new(void)
{
	struct watch_list *list = calloc(1, sizeof(*list));
	pthread_condattr_t attr;

	if (!list)
		return NULL;
	list->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (list->wake_fd < 0) {
		free(list);
		return NULL;
	}
	pthread_mutex_init(&list->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&list->gone, &attr);
	pthread_condattr_destroy(&attr);
	return list;
}

void watch_list_free(struct watch_list *list)
{
	close(list->wake_fd);
	pthread_cond_destroy(&list->gone);
	pthread_mutex_destroy(&list->lock);
	free(list->at);
	free(list);
}

/* ---- guards ---- */

/* The descriptor that guards the same process already, taken out of the old ones; or -1. */
static int take_guard(struct worker *w, const struct finding *finding)
{
	int fd = -1;

	for (size_t i = 0; i < w->guards_count && fd < 0; i++) {
		if (w->guards[i].ifindex != finding->end.ifindex ||
		    w->guards[i].pid != finding->resident.pid)
			continue;
		fd = w->fds[1 + i].fd;
		w->fds[1 + i].fd = -1;
	}
	return fd;
}

static void drop_guards(struct worker *w)
{
	for (size_t i = 0; i < w->guards_count; i++)
		if (w->fds[1 + i].fd >= 0)
			close(w->fds[1 + i].fd);
	free(w->fds);
	free(w->guards);
	w->fds = NULL;
	w->guards = NULL;
	w->guards_count = 0;
}

/* A process that has ended since it was found is not guarded: the next walk will see. */
static void add_guards(struct worker *w, struct worker *now, const struct scan *scan)
{
	for (size_t i = 0; i < scan->count && now->guards_count < GUARDS_MAX; i++) {
		const struct finding *finding = &scan->findings[i];
		int fd = finding->resident.pid ? take_guard(w, finding) : -1;

		if (fd < 0 && finding->resident.pid)
			fd = (int)syscall(SYS_pidfd_open, finding->resident.pid, 0);
		if (fd < 0)
			continue;
		now->guards[now->guards_count] =
			(struct guard){finding->end.ifindex, finding->resident.pid};
		now->fds[1 + now->guards_count++] = (struct pollfd){.fd = fd, .events = POLLIN};
	}
}

/* Without memory there are none. */
static void guard(struct worker *w, const struct scan *scan)
{
	struct worker now = *w;

	now.guards_count = 0;
	now.fds = calloc(1 + scan->count, sizeof(*now.fds));
	now.guards = calloc(1 + scan->count, sizeof(*now.guards));
	if (now.fds && now.guards) {
		add_guards(w, &now, scan);
	} else {
		free(now.fds);
		free(now.guards);
		now.fds = NULL;
		now.guards = NULL;
	}
	drop_guards(w);
	*w = now;
}

/* ---- what was found ---- */

/* Returns whether there is news. */
static bool note(struct watched *watched, const struct finding *finding)
{
	if (finding->end.nsid == NSID_UNKNOWN)
		return false;
	watched->end = finding->end;
	if (container_is_same(&watched->found, &finding->resident.container))
		return false;
	watched->found = finding->resident.container;
	watched->ready = true;
	return true;
}

static int compare(const void *a, const void *b)
{
	__u32 x = ((const struct watched *)a)->ifindex, y = ((const struct watched *)b)->ifindex;

	return (x > y) - (x < y);
}

static struct watched *find(const struct watch_list *list, __u32 ifindex)
{
	const struct watched key = {.ifindex = ifindex};

	if (!list->count)
		return NULL;
	return bsearch(&key, list->at, list->count, sizeof(key), compare);
}

/* With the lock held. */
static void publish(struct watch_list *list, const struct scan *scan, int err)
{
	bool news = err != list->error;

	list->error = err;
	for (size_t i = 0; i < scan->count && !err; i++) {
		struct watched *watched = find(list, scan->findings[i].end.ifindex);

		news |= watched && note(watched, &scan->findings[i]);
	}
	if (!err && scan->behind) {
		list->vain = scan->visible ? 0 : list->vain + 1;
		news |= list->vain > 0;
	}
	if (news && !list->stopping)
		eventfd_write(list->event_fd, 1);
}

/* ---- walks ---- */

/* With the lock held. */
static int begin_scan(const struct watch_list *list, struct scan *scan)
{
	*scan = (struct scan){
		.count = list->count,
		.stop = &list->stopping,
		.findings = calloc(list->count + 1, sizeof(*scan->findings)),
	};
	for (size_t i = 0; scan->findings && i < list->count; i++)
		scan->findings[i].end.ifindex = list->at[i].ifindex;
	return scan->findings ? 0 : -ENOMEM;
}

static bool is_settled(const struct scan *scan)
{
	for (size_t i = 0; i < scan->count; i++)
		if (!scan->findings[i].resident.settled)
			return false;
	return true;
}

/* cpu_ns: of this thread before the walk. */
static void set_gap(struct worker *w, __u64 cpu_ns, bool settled)
{
	const struct containers_pace *pace = &w->list->pace;
	__u64 longest = pace->rescan_ms * NS_PER_MS;

	w->took_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu_ns;
	if (!w->gap_ns)
		w->changed_ns = w->started_ns;
	if (w->started_ns - w->changed_ns >= WAIT_GAPS * longest)
		settled = true;
	w->gap_ns = settled ? longest : pace->gap_ms * NS_PER_MS;
	if (w->gap_ns < SHARE * w->took_ns)
		w->gap_ns = SHARE * w->took_ns;
}

/* With the lock held, but not meanwhile. */
static void walk(struct worker *w)
{
	struct watch_list *list = w->list;
	struct scan scan;
	__u64 cpu_ns;
	int err = begin_scan(list, &scan);

	list->added = false;
	pthread_mutex_unlock(&list->lock);
	w->started_ns = monotonic_ns();
	cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	if (!err)
		err = scan_run(&scan);
	set_gap(w, cpu_ns, !err && is_settled(&scan));
	if (!err)
		guard(w, &scan);
	pthread_mutex_lock(&list->lock);
	publish(list, &scan, err);
	free(scan.findings);
}

/* ---- the thread ---- */

static bool some_guard_woke(struct worker *w)
{
	bool any = false;

	for (size_t i = 0; i < w->guards_count; i++) {
		if (!w->fds[1 + i].revents)
			continue;
		any = true;
		close(w->fds[1 + i].fd);
		w->fds[1 + i].fd = -1;
	}
	return any;
}

/* Without the lock: until something happens, or it is time. */
static void wait_for(struct worker *w, __u64 now, __u64 due)
{
	struct pollfd alone, *fds = w->fds ? w->fds : &alone;
	int ms = due == ~0ull ? -1 : (int)((due - now + NS_PER_MS - 1) / NS_PER_MS);
	eventfd_t ignored;

	fds[0] = (struct pollfd){.fd = w->list->wake_fd, .events = POLLIN};
	if (poll(fds, 1 + w->guards_count, ms) <= 0)
		return;
	if (fds[0].revents)
		eventfd_read(w->list->wake_fd, &ignored);
	if (some_guard_woke(w))
		w->gap_ns = 0;
}

/* When the next walk is due: what has just come does not wait for the usual time. */
static __u64 due_of(const struct worker *w)
{
	const struct watch_list *list = w->list;
	__u64 least = list->pace.gap_ms * NS_PER_MS;

	if (!list->count)
		return ~0ull;
	if (!w->started_ns)
		return 0;
	if (least < SHARE_SOON * w->took_ns)
		least = SHARE_SOON * w->took_ns;
	return w->started_ns + (list->added || w->gap_ns < least ? least : w->gap_ns);
}

void *containers_work(void *arg)
{
	struct worker w = {.list = arg};
	struct watch_list *list = w.list;
	bool abandoned;

	privileges_shed_thread(NEED_OTHERS);
	pthread_mutex_lock(&list->lock);
	while (!list->stopping) {
		__u64 now = monotonic_ns(), due = due_of(&w);

		if (list->added)
			w.gap_ns = 0;
		if (now >= due) {
			walk(&w);
			continue;
		}
		pthread_mutex_unlock(&list->lock);
		wait_for(&w, now, due);
		pthread_mutex_lock(&list->lock);
	}
	drop_guards(&w);
	list->running = false;
	abandoned = list->abandoned;
	pthread_cond_signal(&list->gone);
	pthread_mutex_unlock(&list->lock);
	if (abandoned)
		watch_list_free(list);
	return NULL;
}
