/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Keeps the interfaces whose containers are looked for, and passes on what is found. */
#include "identifying.h"

#include "array.h"
#include "log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct gathered {
	__u32 *at;
	size_t count;
	int error;
};

static void gather(void *arg, __u32 ifindex, const struct instance *instance)
{
	struct gathered *g = arg;
	__u32 *grown;

	if (!instance->containers || g->error)
		return;
	grown = array_grow(g->at, g->count, sizeof(*grown));
	if (!grown) {
		g->error = -ENOMEM;
		return;
	}
	g->at = grown;
	g->at[g->count++] = ifindex;
}

static int compare(const void *a, const void *b)
{
	const __u32 *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static bool are_watched(const struct identifying *i, const struct gathered *g)
{
	return g->count == i->count &&
	       (!g->count || !memcmp(g->at, i->watched, g->count * sizeof(*g->at)));
}

static bool some_has_gone(const struct identifying *i, const struct gathered *g)
{
	for (size_t j = 0; j < i->count; j++)
		if (!g->count || !bsearch(&i->watched[j], g->at, g->count, sizeof(*g->at), compare))
			return true;
	return false;
}

static void on_containers(void *arg, int fd)
{
	struct identifying *i = arg;

	(void)fd;
	containers_follow(i->containers, &i->listener);
}

static int start(struct identifying *i, struct event_loop *loop)
{
	int err = containers_start(&i->containers, NULL);

	if (err)
		return err;
	i->loop = loop;
	err = event_loop_add(loop, containers_fd(i->containers), on_containers, i);
	if (err) {
		containers_stop(i->containers);
		i->containers = NULL;
	}
	return err;
}

/* Takes over what was gathered. */
static int watch(struct identifying *i, struct event_loop *loop, const struct gathered *g)
{
	bool gone = some_has_gone(i, g);
	int err = i->containers ? 0 : start(i, loop);

	if (!err)
		err = containers_watch(i->containers, g->at, g->count);
	if (err)
		return err;
	free(i->watched);
	i->watched = g->at;
	i->count = g->count;
	if (gone)
		i->listener.changed(i->listener.arg, 0);
	return 0;
}

void identifying_look(struct identifying *i, struct event_loop *loop, const struct peers *peers)
{
	struct gathered g = {.error = 0};
	int err;

	peers_each_interface(peers, gather, &g);
	err = g.error;
	if (!err && g.count)
		g.count = array_make_set(g.at, g.count, sizeof(*g.at), compare);
	if (!err && !are_watched(i, &g)) {
		err = watch(i, loop, &g);
		if (!err)
			return;
	}
	free(g.at);
	if (err)
		log_error("containers of some interfaces are not looked for: %s", strerror(-err));
}

const struct container_table *identifying_table(const struct identifying *i)
{
	return i->containers ? containers_table(i->containers) : NULL;
}

void identifying_stop(struct identifying *i)
{
	if (i->containers) {
		event_loop_remove(i->loop, containers_fd(i->containers));
		containers_stop(i->containers);
	}
	i->containers = NULL;
	free(i->watched);
	i->watched = NULL;
	i->count = 0;
}
