/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Has all that depends on interfaces look at them again when something about them changed. */
#include "following.h"

#include <unistd.h>

static void on_watch(void *arg, int fd)
{
	struct following *f = arg;

	if (interface_watch_drain(fd))
		f->changed(f->arg);
}

int following_start(struct following *f, struct event_loop *loop, const struct config *config)
{
	int err;

	f->loop = loop;
	f->monitor = (struct monitor){.leaving = f->leaving, .arg = f->arg};
	f->watch = interface_watch();
	if (f->watch < 0)
		return f->watch;
	err = event_loop_add(loop, f->watch, on_watch, f);
	return err ? err : monitor_configure(&f->monitor, config, NULL);
}

void following_look(struct following *f, struct backend *backend, struct peers *peers)
{
	if (peers_refresh_interfaces(peers, f->leaving, f->arg))
		backend->ops->set_peers(backend, peers);
	monitor_follow(&f->monitor, backend);
	if (backend->ops->refresh)
		backend->ops->refresh(backend);
}

void following_stop(struct following *f)
{
	if (f->watch >= 0) {
		event_loop_remove(f->loop, f->watch);
		close(f->watch);
	}
	f->watch = -1;
	monitor_free(&f->monitor);
}
