/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Has all that depends on interfaces look at them again when something about them changed. */
#include "following.h"

#include "descriptor.h"
#include "link_watch.h"
#include "log.h"
#include "selection.h"

#include <stdio.h>
#include <string.h>

#define WAIT_NS  (FOLLOWING_WAIT_MS * NS_PER_MS)
#define CHECK_NS NS_PER_S /* between checks that others' changes ask for */

/* ---- news ---- */

/* A look in so long, or sooner; those that take longer come less often. */
static void arm(struct following *f, __u64 wait)
{
	__u64 now = monotonic_ns(), due = now + wait, next = f->looked_ns + 10 * f->look_cost_ns;

	if (due < next)
		due = next;
	if (due < now + NS_PER_MS)
		due = now + NS_PER_MS; /* no time at all would stop the timer */
	if (f->due_ns && f->due_ns <= due)
		return;
	f->due_ns = due;
	event_timer_set(f->timer, (double)(due - now) / NS_PER_S);
}

static void on_watch(void *arg, int fd)
{
	struct following *f = arg;
	unsigned int news = link_watch_take(fd);

	f->filters_changed |= (news & NEWS_FILTERS) != 0;
	if (news)
		arm(f, WAIT_NS);
}

static void on_timer(void *arg, int fd)
{
	struct following *f = arg;

	event_timer_take(fd);
	event_timer_set(fd, 0);
	f->due_ns = 0;
	f->changed(f->arg);
}

static void on_opened(void *arg, int fd)
{
	struct following *f = arg;

	(void)fd;
	f->opened(f->arg);
}

/* ---- life ---- */

static int hear(struct following *f)
{
	int err = f->watch < 0 ? f->watch : 0;

	if (!err)
		err = f->timer < 0 ? f->timer : 0;
	if (!err)
		err = attaching_start(&f->monitor.attaching);
	if (!err)
		err = event_loop_add(f->loop, f->watch, on_watch, f);
	if (!err)
		err = event_loop_add(f->loop, f->timer, on_timer, f);
	if (!err)
		err = event_loop_add(f->loop, attaching_fd(f->monitor.attaching), on_opened, f);
	return err;
}

int following_start(struct following *f, struct event_loop *loop, const struct config *config)
{
	int err;

	f->loop = loop;
	f->monitor = (struct monitor){.must_find = f->must_find,
				      .leaving = f->leaving,
				      .refused = f->refused,
				      .arg = f->arg};
	f->watch = link_watch_open();
	f->timer = event_timer(0);
	err = hear(f);
	if (!err)
		following_configure(f, config);
	return err;
}

void following_configure(struct following *f, const struct config *config)
{
	f->config = config;
	relations_forget(&f->relations);
	f->routes = selection_config_asks_routes(config);
	link_watch_routes(f->watch, f->routes);
	if (monitor_configure(&f->monitor, config))
		log_error("out of memory: what is missing of the interfaces is not told");
}

static void forget(struct following *f, int *fd)
{
	if (*fd >= 0)
		event_loop_remove(f->loop, *fd);
	descriptor_close(fd);
}

void following_stop(struct following *f)
{
	forget(f, &f->watch);
	forget(f, &f->timer);
	if (f->monitor.attaching) {
		event_loop_remove(f->loop, attaching_fd(f->monitor.attaching));
		attaching_stop(f->monitor.attaching);
	}
	f->monitor.attaching = NULL;
	monitor_free(&f->monitor);
	relations_forget(&f->relations);
}

/* ---- looks ---- */

static void peers_follow(struct following *f, struct backend *backend, struct peers *peers,
			 const struct links *links)
{
	switch (peers_follow_links(peers, links, f->leaving, f->arg)) {
	case PEERS_SETS:
		backend->ops->set_peers(backend, peers);
		break;
	case PEERS_INTERFACES:
		backend->ops->set_interfaces(backend, peers);
		break;
	case PEERS_SAME:
		break;
	}
}

/* Not for every change of anybody's: a check asks the kernel for each interface. */
static void check(struct following *f, struct backend *backend, bool now)
{
	__u64 age = monotonic_ns() - f->checked_ns;

	if (!now && age < CHECK_NS) {
		arm(f, CHECK_NS - age);
		return;
	}
	monitor_check(&f->monitor, backend);
	f->filters_changed = false;
	f->checked_ns = monotonic_ns();
}

static void say_later(struct following *f, __u64 wait)
{
	if (wait)
		arm(f, wait);
}

void following_look(struct following *f, struct backend *backend, struct peers *peers, bool all)
{
	__u64 begin = monotonic_ns();
	struct links links;
	int err = links_read(&links, f->routes);

	if (err) {
		log_error("cannot list the network interfaces: %s", strerror(-err));
	} else {
		if (!links.whole)
			arm(f, WAIT_NS);
		peers_follow(f, backend, peers, &links);
		say_later(f, monitor_look(&f->monitor, backend, &links, all));
		relations_look(&f->relations, f->config, &links);
	}
	links_free(&links);
	if (backend->ops->refresh)
		backend->ops->refresh(backend);
	f->looked_ns = monotonic_ns();
	f->look_cost_ns = f->looked_ns - begin;
	if (all || f->filters_changed)
		check(f, backend, all);
}

void following_take(struct following *f, struct backend *backend)
{
	say_later(f, monitor_take(&f->monitor, backend));
}

int following_attach(struct following *f, struct backend *backend, char reason[BACKEND_REASON])
{
	struct links links;
	int err = links_read(&links, f->routes);

	if (err)
		snprintf(reason, BACKEND_REASON, "cannot list the network interfaces: %s",
			 strerror(-err));
	else
		err = monitor_start(&f->monitor, backend, &links, reason);
	if (!err)
		relations_look(&f->relations, f->config, &links);
	links_free(&links);
	return err;
}
