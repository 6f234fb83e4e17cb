/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Has all that depends on interfaces look at them again when something about them changed. */
#include "following.h"

#include "log.h"
#include "selection.h"

#include <string.h>
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
	f->routes = selection_config_asks_routes(config);
	f->monitor = (struct monitor){.leaving = f->leaving, .arg = f->arg};
	f->watch = interface_watch();
	if (f->watch < 0)
		return f->watch;
	err = event_loop_add(loop, f->watch, on_watch, f);
	return err ? err : monitor_configure(&f->monitor, config, NULL);
}

static void peers_follow(struct following *f, struct backend *backend, struct peers *peers)
{
	enum peers_change change = PEERS_SAME;
	struct links links;
	int err = links_read(&links, f->routes);

	if (err)
		log_error("looking at the network interfaces: %s", strerror(-err));
	else
		change = peers_follow_links(peers, &links, f->leaving, f->arg);
	links_free(&links);
	if (change == PEERS_SETS)
		backend->ops->set_peers(backend, peers);
	else if (change == PEERS_INTERFACES)
		backend->ops->set_interfaces(backend, peers);
}

void following_look(struct following *f, struct backend *backend, struct peers *peers)
{
	peers_follow(f, backend, peers);
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
