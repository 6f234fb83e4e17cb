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
	unsigned int ifindex;   /* 0: not measured on now */
	unsigned int wanted;    /* ways, as the configuration has them .. */
	unsigned int ways;      /* .. and as they are measured */
	bool lost;              /* it was, and what ended that was said */
	int error;              /* of the last attempt, so that it is said once */
	struct interface now;   /* what has the name; ifindex 0: nothing */
	struct silence out, in; /* each way */
	struct monitored *next;
};

/* That all instances want together; 0: none names it. */
static unsigned int ways_wanted(const struct config *config, const char *name)
{
	unsigned int ways = 0;

	for (size_t i = 0; i < config->instances_count; i++)
		if (!config->instances[i].pcap && !strcmp(config->instances[i].interface, name))
			ways |= direction_ways(config->instances[i].direction);
	return ways;
}

static int monitored_add(struct monitor *monitor, const struct config *config, const char *name)
{
	struct monitored *m;

	LL_FOREACH (monitor->first, m)
		if (!strcmp(m->name, name))
			return 0;
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	strncpy(m->name, name, sizeof(m->name) - 1);
	m->wanted = ways_wanted(config, name);
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
		m->wanted = ways_wanted(config, m->name);
		if (m->wanted)
			continue;
		monitored_detach(m, backend);
		LL_DELETE(monitor->first, m);
		free(m);
	}
	for (size_t i = 0; i < config->instances_count && !err; i++)
		if (!config->instances[i].pcap)
			err = monitored_add(monitor, config, config->instances[i].interface);
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

/* Leaves an interface that is gone, has another name now, or is not measured in truth. */
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
	err = backend->ops->attach(backend, &m->now, m->wanted, reason);
	if (err)
		return err;
	m->ifindex = m->now.ifindex;
	m->ways = m->wanted;
	/* What the counters said before begins with the next report. */
	m->out = m->in = (struct silence){.since_ns = m->lost ? 0 : monotonic_ns()};
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

/* First who goes, then who comes: two interfaces may have exchanged their names. */
void monitor_follow(struct monitor *monitor, struct backend *backend)
{
	char reason[BACKEND_REASON];
	struct monitored *m;
	int err;

	LL_FOREACH (monitor->first, m) {
		err = monitored_look(m, reason);
		if (m->ifindex && (!err || err == -ENODEV))
			monitored_leave_lost(monitor, m, err, backend);
		if (m->ifindex && m->ways != m->wanted) /* flows stay where they are */
			monitored_detach(m, backend);
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

static bool has_peers(const struct peers *peers, __u32 number)
{
	for (size_t i = 0; i < peers_count(peers); i++)
		if (peers_at(peers, i)->ifindex == number)
			return true;
	return false;
}

static void explain_way(struct monitored *m, enum way way, struct backend *backend,
			const struct peers *peers, const struct silence_terms *terms)
{
	struct silence *silence = way == WAY_IN ? &m->in : &m->out;
	__u32 number = interface_number(m->ifindex, way);
	bool measured = m->ifindex && m->ways & way, silent = false;
	struct census_figures figures;

	if (measured && has_peers(peers, number)) {
		figures = backend->ops->figures(backend, number);
		silent = silence_follow(silence, m->name, way, &figures, terms);
	} else {
		silence_excuse(silence);
	}
	if (measured && backend->ops->look_out)
		backend->ops->look_out(backend, number, silent);
}

void monitor_explain(struct monitor *monitor, struct backend *backend, const struct peers *peers,
		     const struct silence_terms *terms)
{
	struct monitored *m;

	LL_FOREACH (monitor->first, m) {
		explain_way(m, WAY_OUT, backend, peers, terms);
		explain_way(m, WAY_IN, backend, peers, terms);
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
