/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Attaches the backend to interfaces as they come, leaves them as they go, and says so once. */
#include "monitor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

struct monitored {
	char name[IF_NAMESIZE];
	unsigned int ifindex; /* 0: not measured on now */
	bool lost;            /* it was, and what ended that was said */
	int error;            /* of the last attempt, so that it is said once */
	struct interface now; /* what has the name; ifindex 0: nothing */
	struct silence silence;
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

/* Who has the name now? Returns 0, -ENODEV if nobody, or another -errno, explained in reason, that
 * says nothing about the interface. */
static int monitored_look(struct monitored *m, char reason[BACKEND_REASON])
{
	int err = interface_find(m->name, &m->now);

	if (err)
		m->now.ifindex = 0;
	if (err == -ENODEV)
		snprintf(reason, BACKEND_REASON, "interface %s does not exist", m->name);
	else if (err)
		snprintf(reason, BACKEND_REASON, "cannot look up interface %s: %s", m->name,
			 strerror(-err));
	return err;
}

/* Leaves an interface that is gone, has another name now, or is no longer measured. */
static void monitored_leave_lost(struct monitor *monitor, struct monitored *m, int found,
				 struct backend *backend)
{
	char reason[BACKEND_REASON];

	if (found == -ENODEV || m->now.ifindex != m->ifindex)
		log_warning("interface %s is gone", m->name);
	else if (backend->ops->check && backend->ops->check(backend, m->ifindex, reason))
		log_warning("%s; attaching again", reason);
	else
		return;
	monitor->leaving(monitor->arg);
	monitored_detach(m, backend);
	m->lost = true;
	m->error = found; /* that is said */
}

static const struct monitored *measured_as(const struct monitor *monitor, unsigned int ifindex)
{
	const struct monitored *m;

	LL_SEARCH_SCALAR(monitor->first, m, ifindex, ifindex);
	return m;
}

/* Attaches to an interface that is there. */
static int monitored_attach(struct monitor *monitor, struct monitored *m, struct backend *backend,
			    char reason[BACKEND_REASON])
{
	const struct monitored *same = measured_as(monitor, m->now.ifindex);
	int err;

	if (same) {
		snprintf(reason, BACKEND_REASON,
			 "%s and %s are the same interface: it is measured once, as %s", m->name,
			 same->name, same->name);
		return -EALREADY;
	}
	snprintf(reason, BACKEND_REASON, "interface %s: out of memory", m->name);
	err = backend->ops->attach(backend, &m->now, reason);
	if (err)
		return err;
	m->ifindex = m->now.ifindex;
	/* What the counters said before begins with the next report. */
	m->silence = (struct silence){.since_ns = m->lost ? 0 : monotonic_ns()};
	monitor->reattached += m->lost;
	m->lost = false;
	return 0;
}

static void monitored_say(struct monitored *m, int err, const char *reason)
{
	if (err == m->error)
		return;
	if (err == -ENODEV)
		log_warning("%s; waiting for it", reason);
	else if (err == -EALREADY)
		log_info("%s", reason);
	else if (err)
		log_error("%s", reason);
	m->error = err;
}

/* First those that go, then those that come: two interfaces may have exchanged their names. */
void monitor_follow(struct monitor *monitor, struct backend *backend)
{
	char reason[BACKEND_REASON];
	struct monitored *m;
	int err;

	LL_FOREACH (monitor->first, m) {
		err = monitored_look(m, reason);
		if (m->ifindex && (!err || err == -ENODEV))
			monitored_leave_lost(monitor, m, err, backend);
		if (err)
			monitored_say(m, err, reason);
	}
	LL_FOREACH (monitor->first, m) {
		if (m->ifindex || !m->now.ifindex)
			continue;
		err = monitored_attach(monitor, m, backend, reason);
		monitored_say(m, err, reason);
	}
}

int monitor_start(struct monitor *monitor, struct backend *backend, char reason[BACKEND_REASON])
{
	struct monitored *m;
	int err, attached = 0;

	LL_FOREACH (monitor->first, m) {
		err = monitored_look(m, reason);
		if (!err)
			err = monitored_attach(monitor, m, backend, reason);
		if (err == -EALREADY)
			monitored_say(m, err, reason);
		else if (err && err != -ENODEV)
			return err;
		attached += !err;
	}
	if (!attached)
		return -ENODEV;
	LL_FOREACH (monitor->first, m) {
		if (m->ifindex || m->now.ifindex)
			continue;
		snprintf(reason, BACKEND_REASON, "interface %s does not exist", m->name);
		monitored_say(m, -ENODEV, reason);
	}
	return 0;
}

static bool has_peers(const struct peers *peers, unsigned int ifindex)
{
	for (size_t i = 0; i < peers_count(peers); i++)
		if (peers_at(peers, i)->ifindex == ifindex)
			return true;
	return false;
}

void monitor_explain(struct monitor *monitor, struct backend *backend, const struct peers *peers,
		     const struct silence_terms *terms)
{
	struct monitored *m;

	LL_FOREACH (monitor->first, m) {
		struct census_figures figures;
		bool silent = false;

		if (m->ifindex && has_peers(peers, m->ifindex)) {
			figures = backend->ops->figures(backend, m->ifindex);
			silent = silence_follow(&m->silence, m->name, &figures, terms);
		} else {
			silence_excuse(&m->silence);
		}
		if (m->ifindex && backend->ops->look_out)
			backend->ops->look_out(backend, m->ifindex, silent);
	}
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
