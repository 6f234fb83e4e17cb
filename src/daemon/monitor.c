/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Has the backend measure interfaces as they come, leaves them as they go, and says so once. */
#include "monitor.h"

#include "log.h"
#include "meaning.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

struct monitored {
	struct interface now; /* by the name that it goes by here */
	unsigned int flags;   /* IFF_UP .. */
	unsigned int ways;    /* that are to be measured */
	bool changed;         /* they have, since it was last tried */
	enum { WAITING, OPENING, MEASURED } state;
	bool said;              /* that it is measured */
	bool lost;              /* it was measured, and what ended that was said */
	int error;              /* of the last attempt, so that it is said once */
	struct hold *hold;      /* NULL unless it is measured */
	__u64 seen_ns;          /* CLOCK_MONOTONIC: since when it is not measured */
	struct silence out, in; /* each way */
	struct monitored *next;
};

int monitor_configure(struct monitor *monitor, const struct config *config)
{
	monitor->config = config;
	return awaited_configure(&monitor->awaited, config);
}

static struct monitored *find(const struct monitor *monitor, unsigned int ifindex)
{
	struct monitored *m;

	LL_FOREACH (monitor->first, m)
		if (m->now.ifindex == ifindex)
			return m;
	return NULL;
}

static void set_state(struct monitor *monitor, struct monitored *m, int state)
{
	monitor->opening += (state == OPENING) - (m->state == OPENING);
	monitor->measured += (state == MEASURED) - (m->state == MEASURED);
	m->state = state;
}

/* What was measured goes out under the names of before: once in a look. */
static void deliver(struct monitor *monitor, bool *delivered)
{
	if (!*delivered)
		monitor->leaving(monitor->arg);
	*delivered = true;
}

/* ---- what is no longer measured ---- */

/* first: the interface is to be opened again. */
static void let_go(struct monitor *monitor, struct monitored *m, struct backend *backend,
		   bool first)
{
	struct hold *hold = m->hold ? backend->ops->release(backend, m->now.ifindex) : NULL;

	m->hold = NULL;
	m->seen_ns = monotonic_ns();
	if (m->state == MEASURED)
		set_state(monitor, m, WAITING);
	if (hold)
		attaching_shut(monitor->attaching, backend, hold, first);
}

static void say_gone(struct monitor *monitor, const struct monitored *m)
{
	if (awaited_names(&monitor->awaited, m->now.name)) {
		log_warning("interface %s is gone", m->now.name);
		awaited_lose(&monitor->awaited, m->now.name);
	} else if (m->said) {
		log_debug("no longer measuring on %s", m->now.name);
		burst_went(&monitor->burst, m->now.name);
	}
}

/* Those that went, or are not meant any more. What a torn snapshot does not have may be there. */
static void leave_gone(struct monitor *monitor, struct backend *backend, const struct links *links,
		       bool *delivered)
{
	struct monitored *m, *next;

	LL_FOREACH_SAFE(monitor->first, m, next)
	{
		const struct link *link = links_find(links, m->now.ifindex);

		if (link ? meant_ways(monitor->config, link) : !links->whole)
			continue;
		if (m->hold)
			deliver(monitor, delivered);
		say_gone(monitor, m);
		let_go(monitor, m, backend, false);
		set_state(monitor, m, WAITING);
		LL_DELETE(monitor->first, m);
		free(m);
	}
}

/* ---- what it is called ---- */

static void rename_to(struct monitor *monitor, struct monitored *m, struct backend *backend,
		      const struct interface *now, bool *delivered)
{
	bool renamed = strcmp(m->now.name, now->name) != 0;

	if (renamed && m->hold)
		deliver(monitor, delivered);
	if (renamed && m->hold)
		log_info("measuring on %s goes on: it was renamed from %s", now->name, m->now.name);
	m->now = *now;
	if (m->hold)
		backend->ops->rename(backend, now);
}

static void note_names(struct monitor *monitor, struct backend *backend, const struct links *links,
		       bool *delivered)
{
	struct monitored *m;

	LL_FOREACH (monitor->first, m) {
		const struct link *link = links_find(links, m->now.ifindex);
		struct interface now;

		if (!link)
			continue;
		m->changed |= link->flags != m->flags;
		m->flags = link->flags;
		m->ways = meant_ways(monitor->config, link);
		now = shown(monitor->config, link);
		if (memcmp(&now, &m->now, sizeof(now)))
			rename_to(monitor, m, backend, &now, delivered);
	}
}

/* ---- what has come ---- */

static void add_new(struct monitor *monitor, const struct links *links)
{
	for (size_t i = 0; i < links->count; i++) {
		const struct link *link = &links->at[i];
		struct monitored *m;

		if (!meant_ways(monitor->config, link) || find(monitor, link->interface.ifindex))
			continue;
		m = calloc(1, sizeof(*m));
		if (!m) {
			log_error("interface %s: out of memory", link->interface.name);
			return;
		}
		m->now = shown(monitor->config, link);
		m->flags = link->flags;
		m->ways = meant_ways(monitor->config, link);
		m->seen_ns = monotonic_ns();
		LL_APPEND(monitor->first, m);
		say_aliases(monitor->config, link, m->now.name);
	}
}

static void say_failure(struct monitored *m, int err, const char *reason)
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
	if (attaching_open(monitor->attaching, backend, &m->now, m->ways))
		say_failure(m, -ENOMEM, "out of memory: an interface is not measured");
	else
		set_state(monitor, m, OPENING);
	m->changed = false;
}

static void open_due(struct monitor *monitor, struct backend *backend, bool retry)
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
	set_state(monitor, m, MEASURED);
	log_debug("measuring on %s with %s, %llu ms after it was seen", m->now.name, hold->how,
		  (monotonic_ns() - m->seen_ns) / NS_PER_MS);
	/* What the counters said before begins with the next report. */
	m->out = m->in = (struct silence){
		.since_ns = lost ? 0 : monotonic_ns(),
		.one_of_many = !awaited_names(&monitor->awaited, m->now.name),
	};
	monitor->reattached += lost;
	m->lost = false;
}

/* Of the hold, everything but the name is as it was when it was opened. */
static int adopt(struct monitor *monitor, struct monitored *m, struct backend *backend,
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

static void take_opened(struct monitor *monitor, struct backend *backend, struct attaching_job *job)
{
	struct monitored *m = find(monitor, job->interface.ifindex);
	bool wanted = m && m->state == OPENING;
	int err = job->err;

	if (wanted)
		set_state(monitor, m, WAITING);
	if (!err && wanted)
		err = adopt(monitor, m, backend, job->hold, job->reason);
	else if (!err)
		attaching_shut(monitor->attaching, backend, job->hold, false);
	if (err && wanted)
		say_failure(m, err, job->reason);
}

/* Something took away what measured here. */
static void lose(struct monitor *monitor, struct monitored *m, struct backend *backend)
{
	monitor->leaving(monitor->arg);
	let_go(monitor, m, backend, true);
	m->lost = true;
	open_beside(monitor, m, backend);
}

static void take_checked(struct monitor *monitor, struct backend *backend,
			 const struct attaching_job *job)
{
	struct monitored *m;

	LL_FOREACH (monitor->first, m)
		if (m->hold == job->hold)
			break;
	if (!m || !job->err)
		return;
	log_warning("%s; attaching again", job->reason);
	lose(monitor, m, backend);
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

	while ((job = attaching_take(monitor->attaching))) {
		if (job->kind == ATTACHING_OPEN)
			take_opened(monitor, backend, job);
		else
			take_checked(monitor, backend, job);
		free(job);
	}
	return say_burst(monitor);
}

void monitor_check(struct monitor *monitor, struct backend *backend)
{
	struct monitored *m;

	if (!backend->ops->check)
		return;
	LL_FOREACH (monitor->first, m)
		if (m->hold)
			attaching_check(monitor->attaching, backend, m->hold);
}

/* ---- looks ---- */

/* Interfaces that went down, where that ends measuring. */
static void take_ended(struct monitor *monitor, struct backend *backend, bool *delivered)
{
	unsigned int ifindex;

	while (backend->ops->ended && (ifindex = backend->ops->ended(backend))) {
		struct monitored *m = find(monitor, ifindex);

		if (!m)
			break;
		deliver(monitor, delivered);
		let_go(monitor, m, backend, true);
		m->error = -ENETDOWN; /* that is said */
	}
}

/* A reload wants other ways: what is in flight is measured on, but for a moment. */
static void open_other_ways(struct monitor *monitor, struct backend *backend, bool *delivered)
{
	struct monitored *m;

	LL_FOREACH (monitor->first, m) {
		if (!m->hold || m->hold->ways == m->ways)
			continue;
		deliver(monitor, delivered);
		let_go(monitor, m, backend, true);
	}
}

__u64 monitor_look(struct monitor *monitor, struct backend *backend, const struct links *links,
		   bool retry)
{
	bool delivered = false;

	take_ended(monitor, backend, &delivered);
	leave_gone(monitor, backend, links, &delivered);
	note_names(monitor, backend, links, &delivered);
	open_other_ways(monitor, backend, &delivered);
	add_new(monitor, links);
	open_due(monitor, backend, retry);
	if (links->whole)
		awaited_look(&monitor->awaited, links);
	return monitor_take(monitor, backend);
}

/* ---- the start ---- */

static int open_here(struct monitor *monitor, struct monitored *m, struct backend *backend,
		     char reason[BACKEND_REASON])
{
	struct hold *hold = NULL;
	int err = backend->ops->open(backend, &m->now, m->ways, &hold, reason);

	return err ? err : adopt(monitor, m, backend, hold, reason);
}

/* Opens those that show whether the backend is of use. */
static int open_first(struct monitor *monitor, struct backend *backend, char reason[BACKEND_REASON])
{
	struct monitored *m;
	int failed = 0, err;

	LL_FOREACH (monitor->first, m) {
		bool named = awaited_names(&monitor->awaited, m->now.name);
		char why[BACKEND_REASON];

		if (!named && monitor->measured)
			continue;
		err = open_here(monitor, m, backend, why);
		if (err && err != -ENODEV && err != -ENETDOWN) {
			if (named || !failed)
				strcpy(reason, why);
			failed = err;
			if (named)
				return err;
		} else if (err) {
			say_failure(m, err, why);
		}
	}
	return monitor->measured ? 0 : failed;
}

int monitor_start(struct monitor *monitor, struct backend *backend, const struct links *links,
		  char reason[BACKEND_REASON])
{
	int err;

	if (monitor->must_find && awaited_explain(&monitor->awaited, links, reason, BACKEND_REASON))
		return -ENODEV;
	add_new(monitor, links);
	err = open_first(monitor, backend, reason);
	if (err)
		return err;
	open_due(monitor, backend, false);
	awaited_look(&monitor->awaited, links);
	monitor_take(monitor, backend);
	return 0;
}

static void explain_way(struct monitored *m, enum way way, struct backend *backend,
			const struct peers *peers, const struct silence_terms *terms)
{
	struct silence *silence = way == WAY_IN ? &m->in : &m->out;
	__u32 number = interface_number(m->now.ifindex, way);
	bool measured = m->hold && m->hold->ways & way, silent = false;
	struct census_figures figures;

	if (measured && peers_any(peers, number)) {
		figures = backend->ops->figures(backend, number);
		silent = silence_follow(silence, m->now.name, way, &figures, terms);
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

/* ---- the end ---- */

void monitor_detach(struct monitor *monitor, struct backend *backend)
{
	struct monitored *m;

	attaching_cancel(monitor->attaching);
	LL_FOREACH (monitor->first, m) {
		if (m->hold)
			backend->ops->shut(backend->ops->release(backend, m->now.ifindex));
		m->hold = NULL;
		m->error = 0;
		set_state(monitor, m, WAITING);
	}
	monitor->burst = (struct burst){};
}

void monitor_free(struct monitor *monitor)
{
	struct monitored *m, *next;

	LL_FOREACH_SAFE(monitor->first, m, next)
	free(m);
	monitor->first = NULL;
	awaited_free(&monitor->awaited);
}
