/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Has the backend measure interfaces as they come, leaves them as they go, and says so once. */
#include "monitor.h"

#include "log.h"
#include "meaning.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define TOLD_MOST 3 /* in an interval */

struct monitored {
	struct interface now; /* by the name that it goes by here */
	unsigned int flags;   /* IFF_UP .. */
	bool changed;         /* they have, since it was last tried */
	enum { WAITING, OPENING, MEASURED } state;
	bool said;         /* that it is measured */
	bool ended;        /* it was, until it went down; yet to be said */
	bool lost;         /* it was measured, and what ended that was said */
	int error;         /* of the last attempt, so that it is said once */
	struct hold *hold; /* NULL unless it is measured */
	__u64 seen_ns;     /* CLOCK_MONOTONIC: since when it is not measured */
	struct silence silence;
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

/* Those that went, or are not meant any more. What a torn snapshot does not have may be there, a
 * default route, too: there will be another. */
static void leave_gone(struct monitor *monitor, struct backend *backend, const struct links *links,
		       bool *delivered)
{
	struct monitored *m, *next;

	LL_FOREACH_SAFE(monitor->first, m, next)
	{
		const struct link *link = links_find(links, m->now.ifindex);

		if (!links->whole || (link && is_meant(monitor->config, link)))
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

/* Another interface has the index: what was opened when it already had, has the programs of the one
 * before. Else the next check finds out. */
static bool is_another(const struct monitored *m, const struct interface *now)
{
	return m->hold && m->now.type != now->type;
}

static void rename_to(struct monitor *monitor, struct monitored *m, struct backend *backend,
		      const struct interface *now, bool *delivered)
{
	bool renamed = strcmp(m->now.name, now->name) != 0 && !is_another(m, now);

	if ((renamed || is_another(m, now)) && m->hold)
		deliver(monitor, delivered);
	if (renamed && m->hold)
		log_info("measuring on %s goes on: it was renamed from %s", now->name, m->now.name);
	if (is_another(m, now))
		let_go(monitor, m, backend, true);
	m->now = *now;
	if (m->hold)
		backend->ops->rename(backend, now);
}

static void say_down(const struct monitor *monitor, struct monitored *m)
{
	if (awaited_names(&monitor->awaited, m->now.name))
		log_warning("%s went down, and is no longer measured; waiting for it to come up "
			    "again",
			    m->now.name);
	else
		log_debug("%s went down, and is no longer measured", m->now.name);
	m->ended = false;
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
		if (m->ended)
			say_down(monitor, m);
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

		if (!is_meant(monitor->config, link) || find(monitor, link->interface.ifindex))
			continue;
		m = calloc(1, sizeof(*m));
		if (!m) {
			log_error("interface %s: out of memory", link->interface.name);
			return;
		}
		m->now = shown(monitor->config, link);
		m->flags = link->flags;
		m->seen_ns = monotonic_ns();
		LL_APPEND(monitor->first, m);
		say_aliases(monitor->config, link, m->now.name);
	}
}

/* Of one that nobody named, it is nothing: nothing passes while it is down, as each is at first. */
static void say_failure(const struct monitor *monitor, struct monitored *m, int err,
			const char *reason)
{
	if (err == m->error || err == -ENODEV) /* it has just gone: that will be seen */
		return;
	if (err != -ENETDOWN)
		log_error("%s", reason);
	else if (awaited_names(&monitor->awaited, m->now.name))
		log_warning("%s; waiting for it to come up", reason);
	else
		log_debug("%s; waiting for it to come up", reason);
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
		say_failure(monitor, m, -ENOMEM, "out of memory: an interface is not measured");
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
	m->silence = (struct silence){
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

/* Does it show that the backend is of no use here, and does that help? */
static bool is_refusal(struct monitor *monitor, int err, const char *reason)
{
	if (!monitor->untried || err == -ENODEV || err == -ENETDOWN)
		return false;
	return monitor->refused(monitor->arg, reason);
}

static void take_opened(struct monitor *monitor, struct backend *backend, struct attaching_job *job)
{
	struct monitored *m = find(monitor, job->interface.ifindex);
	bool wanted = m && m->state == OPENING;
	int err = job->err;

	if (wanted)
		set_state(monitor, m, WAITING);
	if (wanted && !err && m->now.type != job->interface.type) {
		/* Another interface has its index, and takes other programs. */
		attaching_shut(monitor->attaching, backend, job->hold, true);
		open_beside(monitor, m, backend);
		return;
	}
	if (!err && wanted)
		err = adopt(monitor, m, backend, job->hold, job->reason);
	else if (!err)
		attaching_shut(monitor->attaching, backend, job->hold, false);
	if (err && wanted && !is_refusal(monitor, err, job->reason))
		say_failure(monitor, m, err, job->reason);
	monitor->untried &= !wanted || err;
}

/* Something took away what measured here. */
static void lose(struct monitor *monitor, struct monitored *m, struct backend *backend)
{
	monitor->leaving(monitor->arg);
	let_go(monitor, m, backend, true);
	m->lost = true;
	open_beside(monitor, m, backend);
}

static bool is_there(const struct monitored *m)
{
	char name[IF_NAMESIZE];

	return if_indextoname(m->now.ifindex, name) != NULL;
}

static void take_checked(struct monitor *monitor, struct backend *backend,
			 const struct attaching_job *job)
{
	struct monitored *m;

	LL_FOREACH (monitor->first, m)
		if (m->hold == job->hold)
			break;
	if (!m || !job->err || !is_there(m)) /* one that has gone is left with the next look */
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

	/* Behind hundreds that are opened, checks wait: they do not pile up. */
	if (!backend->ops->check || attaching_is_checking(monitor->attaching))
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
		m->error = -ENETDOWN;
		m->ended = true;
	}
}

__u64 monitor_look(struct monitor *monitor, struct backend *backend, const struct links *links,
		   bool retry)
{
	bool delivered = false;

	take_ended(monitor, backend, &delivered);
	leave_gone(monitor, backend, links, &delivered);
	note_names(monitor, backend, links, &delivered);
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
	int err = backend->ops->open(backend, &m->now, &hold, reason);

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
			say_failure(monitor, m, err, why);
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
	monitor->untried = !monitor->measured;
	open_due(monitor, backend, false);
	awaited_look(&monitor->awaited, links);
	monitor_take(monitor, backend);
	return 0;
}

/* Of interfaces that nobody named, a few an interval: they may be hundreds. */
static bool explain_one(struct monitored *m, struct backend *backend,
			const struct silence_terms *terms, unsigned int *told)
{
	struct census_figures figures = backend->ops->figures(backend, m->now.ifindex);
	bool was_told = m->silence.told, silent;

	if (m->silence.one_of_many && *told >= TOLD_MOST)
		return true;
	silent = silence_follow(&m->silence, m->now.name, &figures, terms);
	*told += m->silence.told && !was_told;
	return silent;
}

void monitor_explain(struct monitor *monitor, struct backend *backend, const struct peers *peers,
		     const struct silence_terms *terms)
{
	unsigned int told = 0;
	struct monitored *m;

	LL_FOREACH (monitor->first, m) {
		bool silent = false;

		if (m->hold && peers_any(peers, m->now.ifindex))
			silent = explain_one(m, backend, terms, &told);
		else
			silence_excuse(&m->silence);
		if (m->hold && backend->ops->look_out)
			backend->ops->look_out(backend, m->now.ifindex, silent);
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
