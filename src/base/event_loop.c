/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Handlers may remove any descriptor while events wait, so what is removed is freed only
 * afterwards. */
#include "event_loop.h"
#include "units.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <utlist.h>

#define EVENTS 8 /* taken from the kernel at a time */

struct source {
	int fd; /* -1: removed, to be freed once no event can refer to it */
	event_handler handler;
	void *arg;
	struct source *next;
};

struct event_loop {
	int epoll;
	struct source *sources;
};

int event_loop_new(struct event_loop **loop)
{
	struct event_loop *l = calloc(1, sizeof(*l));
	int err;

	if (!l)
		return -ENOMEM;
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll < 0) {
		err = -errno;
		free(l);
		return err;
	}
	*loop = l;
	return 0;
}

static void purge(struct event_loop *l, bool all)
{
	struct source *s, *next;

	LL_FOREACH_SAFE(l->sources, s, next)
	{
		if (s->fd >= 0 && !all)
			continue;
		LL_DELETE(l->sources, s);
		free(s);
	}
}

void event_loop_free(struct event_loop *l)
{
	if (!l)
		return;
	purge(l, true);
	close(l->epoll);
	free(l);
}

int event_loop_add(struct event_loop *l, int fd, event_handler handler, void *arg)
{
	struct epoll_event event = {.events = EPOLLIN};
	struct source *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	*s = (struct source){.fd = fd, .handler = handler, .arg = arg};
	event.data.ptr = s;
	if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &event)) {
		err = -errno;
		free(s);
		return err;
	}
	LL_PREPEND(l->sources, s);
	return 0;
}

void event_loop_remove(struct event_loop *l, int fd)
{
	struct source *s;

	LL_SEARCH_SCALAR(l->sources, s, fd, fd);
	if (!s)
		return;
	epoll_ctl(l->epoll, EPOLL_CTL_DEL, fd, NULL);
	s->fd = -1;
}

void event_loop_await_room(struct event_loop *l, int fd, bool room)
{
	struct epoll_event event = {.events = room ? EPOLLOUT : EPOLLIN};
	struct source *s;

	LL_SEARCH_SCALAR(l->sources, s, fd, fd);
	if (!s)
		return;
	event.data.ptr = s;
	epoll_ctl(l->epoll, EPOLL_CTL_MOD, fd, &event);
}

int event_loop_once(struct event_loop *l, bool wait)
{
	struct epoll_event events[EVENTS];
	int n;

	n = epoll_wait(l->epoll, events, EVENTS, wait ? -1 : 0);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n; i++) {
		struct source *s = events[i].data.ptr;

		if (s->fd >= 0)
			s->handler(s->arg, s->fd);
	}
	purge(l, false);
	return 0;
}

int event_signals(const sigset_t *set)
{
	int fd;

	if (sigprocmask(SIG_BLOCK, set, NULL))
		return -errno;
	fd = signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

int event_signal_take(int fd, int *value)
{
	struct signalfd_siginfo info;

	if (read(fd, &info, sizeof(info)) != sizeof(info))
		return 0;
	if (value)
		*value = info.ssi_code == SI_QUEUE ? info.ssi_int : 0;
	return (int)info.ssi_signo;
}

int event_timer_set(int fd, double interval_s)
{
	struct itimerspec spec;

	spec.it_interval.tv_sec = (time_t)interval_s;
	spec.it_interval.tv_nsec =
		(long)((interval_s - (double)spec.it_interval.tv_sec) * (double)NS_PER_S);
	spec.it_value = spec.it_interval;
	return timerfd_settime(fd, 0, &spec, NULL) ? -errno : 0;
}

int event_timer(double interval_s)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), err;

	if (fd < 0)
		return -errno;
	err = event_timer_set(fd, interval_s);
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

void event_timer_take(int fd)
{
	uint64_t expirations;

	/* Missed intervals count as one long interval: nothing is reported twice. */
	while (read(fd, &expirations, sizeof(expirations)) > 0)
		;
}
