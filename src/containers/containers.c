/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The event loop's side of looking for containers: what to watch, and what was found. */
#include "containers.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "containers_work.h"
#include "log.h"
#include "worker.h"

/* How long a stop waits for the thread: microseconds, or to the end of a walk's present step. */
#define STOP_WAIT_NS 20000000ull

#define VAIN_WALKS   3 /* it may take a moment until the first process of a container is there */

/* The host's PID namespace: PROC_PID_INIT_INO of the kernel's linux/proc_ns.h. */
#define HOST_NAMESPACE_INODE 0xeffffffcu

struct containers {
	struct watch_list *list;
	struct container_table table;
	int event_fd;
	int told_error;
	bool told_vain;
};

/* ---- what to watch ---- */

static int compare(const void *a, const void *b)
{
	const struct watched *x = a, *y = b;

	return x->ifindex < y->ifindex ? -1 : x->ifindex > y->ifindex;
}

/* Takes over what is known of those that stay. Returns whether others have come. */
static bool take_over(struct watched *at, size_t count, const struct watch_list *from)
{
	bool added = false;

	for (size_t i = 0; i < count; i++) {
		const struct watched *known =
			from->count ? bsearch(&at[i], from->at, from->count, sizeof(*at), compare)
				    : NULL;

		if (known)
			at[i] = *known;
		added |= !known;
	}
	return added;
}

static bool is_watched(const struct watch_list *list, __u32 ifindex)
{
	struct watched key = {.ifindex = ifindex};

	return bsearch(&key, list->at, list->count, sizeof(key), compare);
}

/* Backwards: an entry that goes moves those behind it. */
static void forget_others(struct containers *containers)
{
	static const struct container none;
	struct container_table *table = &containers->table;

	for (size_t i = table->count; i-- > 0;)
		if (!is_watched(containers->list, table->at[i].ifindex))
			container_table_set(table, table->at[i].ifindex, &none);
}

int containers_watch(struct containers *containers, const __u32 *ifindices, size_t count)
{
	struct watch_list *list = containers->list;
	struct watched *at = calloc(count + 1, sizeof(*at));
	bool added;

	if (!at)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		at[i].ifindex = ifindices[i];
	qsort(at, count, sizeof(*at), compare);
	pthread_mutex_lock(&list->lock);
	added = take_over(at, count, list);
	free(list->at);
	list->at = at;
	list->count = count;
	list->added |= added;
	pthread_mutex_unlock(&list->lock);
	forget_others(containers);
	if (added)
		eventfd_write(list->wake_fd, 1);
	return 0;
}

/* ---- what was found ---- */

static void log_change(const struct container_entry *now)
{
	const struct container *container = &now->container;
	char name[IF_NAMESIZE] = "";

	if (log_get_level() > LEVEL_DEBUG)
		return;
	if_indextoname(now->ifindex, name);
	if (container_is_empty(container))
		log_debug("%s: no container at the other end any more", name);
	else
		log_debug("%s: at the other end is container %s%s%s", name,
			  *container->id ? container->id : "(several, or none yet)",
			  *container->pod_uid ? " of pod " : "", container->pod_uid);
}

/* What the thread has found since the last time. */
struct news {
	struct container_entry *at;
	size_t count;
	int error;
	unsigned int vain;
};

static int fetch(struct watch_list *list, struct news *news)
{
	eventfd_t ignored;

	*news = (struct news){.at = calloc(list->count + 1, sizeof(*news->at))};
	if (!news->at)
		return -ENOMEM;
	pthread_mutex_lock(&list->lock);
	eventfd_read(list->event_fd, &ignored);
	for (size_t i = 0; i < list->count; i++) {
		if (!list->at[i].ready)
			continue;
		list->at[i].ready = false;
		news->at[news->count++] =
			(struct container_entry){list->at[i].ifindex, list->at[i].found};
	}
	news->error = list->error;
	news->vain = list->vain;
	pthread_mutex_unlock(&list->lock);
	return 0;
}

/* What became something else and what it was before again is no news. */
static bool is_news(const struct container_table *table, const struct container_entry *now)
{
	const struct container *known = container_table_find(table, now->ifindex);

	return known ? !container_is_same(known, &now->container)
		     : !container_is_empty(&now->container);
}

static bool some_gives_way(const struct container_table *table, const struct news *news)
{
	for (size_t i = 0; i < news->count; i++)
		if (is_news(table, &news->at[i]) &&
		    container_table_find(table, news->at[i].ifindex))
			return true;
	return false;
}

static int apply(struct containers *containers, const struct news *news,
		 const struct containers_listener *listener)
{
	struct container_table *table = &containers->table;
	int err = 0;

	if (some_gives_way(table, news))
		listener->before(listener->arg);
	for (size_t i = 0; i < news->count && !err; i++) {
		const struct container_entry *now = &news->at[i];

		if (!is_news(table, now))
			continue;
		err = container_table_set(table, now->ifindex, &now->container);
		if (err)
			break;
		log_change(now);
		listener->changed(listener->arg, now->ifindex);
	}
	return err;
}

static bool in_host_namespace(void)
{
	struct stat stat_of;

	return !stat("/proc/self/ns/pid", &stat_of) && stat_of.st_ino == HOST_NAMESPACE_INODE;
}

static void tell_vain(void)
{
	if (!in_host_namespace())
		log_warning("containers: none of the processes behind the interfaces is visible: "
			    "bpf-metro needs the host's PID namespace (Kubernetes: hostPID: true; "
			    "Docker: --pid host)");
	else if (access("/proc/1/comm", R_OK))
		log_warning(
			"containers: none of the processes behind the interfaces is visible: "
			"/proc is mounted with hidepid, and seeing others' processes takes "
			"CAP_SYS_PTRACE, which bpf-metro only keeps if it has it at the start and "
			"an instance has containers: true by then");
	else
		log_debug("containers: there is no process behind any of the interfaces");
}

static void tell_trouble(struct containers *containers, int error, unsigned int vain)
{
	if (error && error != containers->told_error)
		log_warning("containers cannot be looked for: %s; trying again", strerror(-error));
	if (!error && containers->told_error)
		log_info("containers are looked for again");
	containers->told_error = error;
	if (vain < VAIN_WALKS || containers->told_vain)
		return;
	tell_vain();
	containers->told_vain = true;
}

void containers_follow(struct containers *containers, const struct containers_listener *listener)
{
	struct news news;
	int err = fetch(containers->list, &news);

	if (!err)
		err = apply(containers, &news, listener);
	if (err)
		log_error("out of memory: containers stay as they were");
	else
		tell_trouble(containers, news.error, news.vain);
	free(news.at);
}

const struct container_table *containers_table(const struct containers *containers)
{
	return &containers->table;
}

/* ---- life ---- */

static int start(struct containers *containers, const struct containers_pace *pace)
{
	struct watch_list *list = watch_list_new();
	int err = -errno;

	if (!list)
		return err;
	list->pace =
		pace ? *pace : (struct containers_pace){CONTAINERS_RESCAN_MS, CONTAINERS_GAP_MS};
	containers->event_fd = list->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	list->running = true;
	err = list->event_fd < 0 ? -errno : worker_start(containers_work, list);
	if (err) {
		if (list->event_fd >= 0)
			close(list->event_fd);
		watch_list_free(list);
		return err;
	}
	containers->list = list;
	return 0;
}

int containers_start(struct containers **result, const struct containers_pace *pace)
{
	struct containers *containers = calloc(1, sizeof(*containers));
	int err = containers ? start(containers, pace) : -ENOMEM;

	if (err) {
		log_error("cannot start looking for containers: %s", strerror(-err));
		free(containers);
		return err;
	}
	*result = containers;
	return 0;
}

int containers_fd(const struct containers *containers)
{
	return containers->event_fd;
}

/* Returns true if the thread is gone. */
static bool dismiss_thread(struct watch_list *list)
{
	__u64 deadline = monotonic_ns() + STOP_WAIT_NS;
	struct timespec until = {
		.tv_sec = (time_t)(deadline / NS_PER_S),
		.tv_nsec = (long)(deadline % NS_PER_S),
	};
	bool alone;
	int err = 0;

	pthread_mutex_lock(&list->lock);
	list->stopping = true;
	eventfd_write(list->wake_fd, 1);
	while (list->running && !err)
		err = pthread_cond_timedwait(&list->gone, &list->lock, &until);
	alone = !list->running;
	list->abandoned = !alone;
	pthread_mutex_unlock(&list->lock);
	return alone;
}

void containers_stop(struct containers *containers)
{
	if (!containers)
		return;
	if (dismiss_thread(containers->list))
		watch_list_free(containers->list);
	close(containers->event_fd);
	container_table_clear(&containers->table);
	free(containers);
}
