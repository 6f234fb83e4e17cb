/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Takes the resolver's results: hosts' addresses and addresses' names for the peers, the server's
 * for the sink. */
#include "naming.h"

#include "log.h"

#include <string.h>

static void take_result(struct naming *n, const struct resolver_result *result)
{
	int err = 0;

	switch (result->kind) {
	case RESOLVED_HOST:
		n->ops->heard(n->arg, result->host);
		if (result->count) /* else it failed, was logged, and the old addresses stay */
			err = peers_set_host(n->peers, result->host, result->addrs, result->count);
		break;
	case RESOLVED_ADDRESS:
		err = peers_set_address_name(n->peers, &result->address, result->name);
		break;
	case RESOLVED_SERVER:
		if (result->count)
			n->ops->server(n->arg, result->addrs, result->count);
		break;
	}
	if (err < 0)
		log_error("out of memory: the result of a name lookup is lost; the old one stays "
			  "in use");
}

static void on_resolver(void *arg, int fd)
{
	struct naming *n = arg;
	struct resolver_result result;
	int changed;

	(void)fd;
	while (resolver_take(n->resolver, &result))
		take_result(n, &result);
	changed = peers_update(n->peers);
	if (changed < 0)
		log_error("out of memory: hosts keep their old addresses");
	if (changed <= 0)
		return;
	n->ops->changed(n->arg);
	peers_warn_local(n->peers);
}

int naming_start(struct naming *n, struct event_loop *loop)
{
	int err = resolver_start(&n->resolver, NULL);

	if (err)
		return err;
	n->loop = loop;
	err = event_loop_add(loop, resolver_fd(n->resolver), on_resolver, n);
	if (err)
		log_error("cannot start looking up names: %s", strerror(-err));
	return err;
}

int naming_follow(struct naming *n, const struct config *config, struct peers *peers,
		  const char *server)
{
	int err;

	n->peers = peers;
	err = resolver_look_up(n->resolver, config, server);
	peers_warn_local(peers);
	return err;
}

void naming_stop(struct naming *n)
{
	if (!n->resolver)
		return;
	event_loop_remove(n->loop, resolver_fd(n->resolver));
	resolver_stop(n->resolver);
	n->resolver = NULL;
}
