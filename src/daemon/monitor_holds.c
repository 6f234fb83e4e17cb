/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Has interfaces opened beside the loop, takes what came of it, and lets go of them. */
#include "monitor_state.h"

#include "log.h"

#include <errno.h>
#include <stdlib.h>
#include <utlist.h>

struct monitored *monitored_find(const struct monitor *monitor, unsigned int ifindex)
{
	struct monitored *m;

	LL_FOREACH (monitor->first, m)
		if (m->now.ifindex == ifindex)
			return m;
	return NULL;
}

void monitored_set_state(struct monitor *monitor, struct monitored *m, int state)
{
	monitor->opening += (state == OPENING) - (m->state == OPENING);
	monitor->measured += (state == MEASURED) - (m->state == MEASURED);
	m->state = state;
}

void monitor_deliver(struct monitor *monitor, bool *delivered)
{
	if (!*delivered)
		monitor->leaving(monitor->arg);
	*delivered = true;
}

void monitored_let_go(struct monitor *monitor, struct monitored *m, struct backend *backend,
		      bool first)
{
	struct hold *hold = m->hold ? backend->ops->release(backend, m->now.ifindex) : NULL;

	m->hold = NULL;
	m->seen_ns = monotonic_ns();
	if (m->state == MEASURED)
		monitored_set_state(monitor, m, WAITING);
	if (hold)
		attaching_shut(monitor->attaching, backend, hold, first);
}

/* ---- opening ---- */

void monitored_say_failure(struct monitored *m, int err, const char *reason)
{
	if (err == m->error || err == -ENODEV) /* it has just gone: that will be seen */
		return;
	if (err == -ENETDOWN)
		log_warning("%s; waiting for it to come up", reason);
	else
		log_error("%s", reason);
	m->error = err;
}

static bool is_due(const struct monitored *m, bool retry)
{
	if (m->state != WAITING)
		return false;
	if (m->error == -ENETDOWN)
		return m->flags & IFF_UP;
	return !m->error || m->changed || retry;
}

static void open_beside(struct monitor *monitor, struct monitored *m, struct backend *backend)
{
	if (attaching_open(monitor->attaching, backend, &m->now))
		monitored_say_failure(m, -ENOMEM, "out of memory: an interface is not measured");
	else
		monitored_set_state(monitor, m, OPENING);
	m->changed = false;
}

void monitor_open_due(struct monitor *monitor, struct backend *backend, bool retry)
{
	struct monitored *m;

	LL_FOREACH (monitor->first, m)
		if (is_due(m, retry))
			open_beside(monitor, m, backend);
}

static void begin(struct monitor *monitor, struct monitored *m, struct hold *hold)
{
	bool lost = awaited_find(&monitor->awaited, m->now.name) || m->lost;

	burst_came(&monitor->burst, hold, m->said);
	m->hold = hold;
	m->said = true;
	m->error = 0;
	monitored_set_state(monitor, m, MEASURED);
	log_debug("measuring on %s with %s, %llu ms after it was seen", m->now.name, hold->how,
		  (monotonic_ns() - m->seen_ns) / NS_PER_MS);
	/* What the counters said before begins with the next report. */
	m->silence = (struct silence){
		.since_ns = lost ? 0 : monotonic_ns(),
		.one_of_many = !awaited_names(&monitor->awaited, m->now.name),
	};
	monitor->reattached += lost;
	m->lost = false;
}

/* Of the hold, everything but the name is as it was when it was opened. */
int monitored_adopt(struct monitor *monitor, struct monitored *m, struct backend *backend,
		    struct hold *hold, char reason[BACKEND_REASON])
{
	int err;

	hold->interface = m->now;
	err = backend->ops->adopt(backend, hold, reason);
	if (err)
		attaching_shut(monitor->attaching, backend, hold, false);
	else
		begin(monitor, m, hold);
	return err;
}

/* ---- results ---- */

/* Does it show that the backend is of no use here, and does that help? */
static bool is_refusal(struct monitor *monitor, int err, const char *reason)
{
	if (!monitor->untried || err == -ENODEV || err == -ENETDOWN)
		return false;
	return monitor->refused(monitor->arg, reason);
}

static void take_opened(struct monitor *monitor, struct backend *backend, struct attaching_job *job)
{
	struct monitored *m = monitored_find(monitor, job->interface.ifindex);
	bool wanted = m && m->state == OPENING;
	int err = job->err;

	if (wanted)
		monitored_set_state(monitor, m, WAITING);
	if (wanted && !err && m->now.type != job->interface.type) {
		/* Another interface has its index, and takes other programs. */
		attaching_shut(monitor->attaching, backend, job->hold, true);
		open_beside(monitor, m, backend);
		return;
	}
	if (!err && wanted)
		err = monitored_adopt(monitor, m, backend, job->hold, job->reason);
	else if (!err)
		attaching_shut(monitor->attaching, backend, job->hold, false);
	if (err && wanted && !is_refusal(monitor, err, job->reason))
		monitored_say_failure(m, err, job->reason);
	monitor->untried &= !wanted || err;
}

/* Something took away what measured here. */
static void lose(struct monitor *monitor, struct monitored *m, struct backend *backend,
		 bool *delivered)
{
	monitor_deliver(monitor, delivered);
	monitored_let_go(monitor, m, backend, true);
	m->lost = true;
	open_beside(monitor, m, backend);
}

static bool is_there(const struct monitored *m)
{
	char name[IF_NAMESIZE];

	return if_indextoname(m->now.ifindex, name) != NULL;
}

static void take_checked(struct monitor *monitor, struct backend *backend,
			 const struct attaching_job *job, bool *delivered)
{
	struct monitored *m;

	LL_FOREACH (monitor->first, m)
		if (m->hold == job->hold)
			break;
	if (!m || !job->err || !is_there(m)) /* one that has gone is left with the next look */
		return;
	log_warning("%s; attaching again", job->reason);
	lose(monitor, m, backend, delivered);
}

/* .. of those that come and go */
static __u64 say_burst(struct monitor *monitor)
{
	__u64 wait = burst_wait_ns(&monitor->burst);

	if (monitor->opening || burst_is_empty(&monitor->burst))
		return 0;
	if (!wait)
		burst_say(&monitor->burst, monitor->measured);
	return wait;
}

__u64 monitor_take(struct monitor *monitor, struct backend *backend)
{
	struct attaching_job *job;
	bool delivered = false;

	while ((job = attaching_take(monitor->attaching))) {
		if (job->kind == ATTACHING_OPEN)
			take_opened(monitor, backend, job);
		else
			take_checked(monitor, backend, job, &delivered);
		free(job);
	}
	return say_burst(monitor);
}

void monitor_check(struct monitor *monitor, struct backend *backend)
{
	struct monitored *m;

	/* Behind hundreds that are opened, checks wait: they do not pile up. */
	if (!backend->ops->check || attaching_is_checking(monitor->attaching))
		return;
	LL_FOREACH (monitor->first, m)
		if (m->hold)
			attaching_check(monitor->attaching, backend, m->hold);
}
