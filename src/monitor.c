/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "monitor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

struct monitored {
	char name[IF_NAMESIZE];
	unsigned int ifindex; /* 0: not measured on now */
	int error;            /* of the last attempt, so that it is said once */
	struct monitored *next;
};

static bool is_configured(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->instances_count; i++)
		if (!config->instances[i].pcap && !strcmp(config->instances[i].interface, name))
			return true;
	return false;
}

static int monitored_add(struct monitor *monitor, const char *name)
{
	struct monitored *m;

	LL_FOREACH (monitor->first, m)
		if (!strcmp(m->name, name))
			return 0;
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	strncpy(m->name, name, sizeof(m->name) - 1);
	LL_APPEND(monitor->first, m);
	return 0;
}

static void monitored_detach(struct monitored *m, struct backend *backend)
{
	if (m->ifindex && backend)
		backend->ops->detach(backend, m->ifindex);
	m->ifindex = 0;
}

int monitor_configure(struct monitor *monitor, const struct config *config, struct backend *backend)
{
	struct monitored *m, *next;
	int err = 0;

	LL_FOREACH_SAFE(monitor->first, m, next)
	{
		if (is_configured(config, m->name))
			continue;
		monitored_detach(m, backend);
		LL_DELETE(monitor->first, m);
		free(m);
	}
	for (size_t i = 0; i < config->instances_count && !err; i++)
		if (!config->instances[i].pcap)
			err = monitored_add(monitor, config->instances[i].interface);
	return err;
}

/* Attaches to an interface that is there now, leaves one that is gone. */
static int monitored_update(const struct monitor *monitor, struct monitored *m,
			    struct backend *backend, char reason[BACKEND_REASON])
{
	struct interface interface;
	int err = interface_find(m->name, &interface);

	if (err == -ENODEV)
		snprintf(reason, BACKEND_REASON, "interface %s does not exist", m->name);
	else if (err)
		snprintf(reason, BACKEND_REASON, "interface %s: %s", m->name, strerror(-err));
	if (err && err != -ENODEV)
		return err; /* no answer now: that says nothing about the interface */
	if (m->ifindex && (err || interface.ifindex != m->ifindex)) {
		log_warning("interface %s is gone", m->name);
		monitor->leaving(monitor->arg);
		monitored_detach(m, backend);
		m->error = -ENODEV; /* that is said */
	}
	if (err || m->ifindex)
		return err;
	snprintf(reason, BACKEND_REASON, "interface %s: out of memory", m->name);
	err = backend->ops->attach(backend, &interface, reason);
	if (!err)
		m->ifindex = interface.ifindex;
	return err;
}

void monitor_follow(struct monitor *monitor, struct backend *backend)
{
	char reason[BACKEND_REASON];
	struct monitored *m;

	LL_FOREACH (monitor->first, m) {
		int err = monitored_update(monitor, m, backend, reason);

		if (err == -ENODEV && err != m->error)
			log_warning("%s; waiting for it", reason);
		else if (err && err != m->error)
			log_error("%s", reason);
		m->error = err;
	}
}

int monitor_start(struct monitor *monitor, struct backend *backend, char reason[BACKEND_REASON])
{
	struct monitored *m;
	int err, attached = 0;

	LL_FOREACH (monitor->first, m) {
		err = monitored_update(monitor, m, backend, reason);
		if (err && err != -ENODEV)
			return err;
		attached += !err;
	}
	if (!attached)
		return -ENODEV;
	LL_FOREACH (monitor->first, m) {
		if (m->ifindex)
			continue;
		log_warning("interface %s does not exist; waiting for it", m->name);
		m->error = -ENODEV;
	}
	return 0;
}

void monitor_detach(struct monitor *monitor, struct backend *backend)
{
	struct monitored *m;

	LL_FOREACH (monitor->first, m)
		monitored_detach(m, backend);
}

void monitor_free(struct monitor *monitor)
{
	struct monitored *m, *next;

	LL_FOREACH_SAFE(monitor->first, m, next)
	free(m);
	monitor->first = NULL;
}
