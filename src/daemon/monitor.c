/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Has the backend measure interfaces as they come, leaves them as they go, and says so once. */
#include "monitor_state.h"

#include "log.h"
#include "meaning.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define TOLD_MOST 3 /* in an interval */

int monitor_configure(struct monitor *monitor, const struct config *config)
{
	monitor->config = config;
	return awaited_configure(&monitor->awaited, config);
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

		if (!links->whole || (link && meant_ways(monitor->config, link)))
			continue;
		if (m->hold)
			monitor_deliver(monitor, delivered);
		say_gone(monitor, m);
		monitored_let_go(monitor, m, backend, false);
		monitored_set_state(monitor, m, WAITING);
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
		monitor_deliver(monitor, delivered);
	if (renamed && m->hold)
		log_info("measuring on %s goes on: it was renamed from %s", now->name, m->now.name);
	if (is_another(m, now))
		monitored_let_go(monitor, m, backend, true);
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
		if (links->whole)
			m->ways = meant_ways(monitor->config, link);
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

		if (!meant_ways(monitor->config, link) ||
		    monitored_find(monitor, link->interface.ifindex))
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

/* ---- looks ---- */

/* Interfaces that went down, where that ends measuring. */
static void take_ended(struct monitor *monitor, struct backend *backend, bool *delivered)
{
	unsigned int ifindex;

	while (backend->ops->ended && (ifindex = backend->ops->ended(backend))) {
		struct monitored *m = monitored_find(monitor, ifindex);

		if (!m)
			break;
		monitor_deliver(monitor, delivered);
		monitored_let_go(monitor, m, backend, true);
		m->error = -ENETDOWN;
		m->ended = true;
	}
}

/* A reload wants other ways: what is in flight is measured on, but for a moment. */
static void open_other_ways(struct monitor *monitor, struct backend *backend, bool *delivered)
{
	struct monitored *m;

	LL_FOREACH (monitor->first, m) {
		if (!m->hold || m->hold->ways == m->ways)
			continue;
		monitor_deliver(monitor, delivered);
		monitored_let_go(monitor, m, backend, true);
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
	monitor_open_due(monitor, backend, retry);
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

	return err ? err : monitored_adopt(monitor, m, backend, hold, reason);
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
			monitored_say_failure(monitor, m, err, why);
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
	monitor_open_due(monitor, backend, false);
	awaited_look(&monitor->awaited, links);
	monitor_take(monitor, backend);
	return 0;
}

/* Of interfaces that nobody named, a few an interval: they may be hundreds. */
static bool explain_one(struct monitored *m, enum way way, struct silence *silence,
			struct backend *backend, const struct silence_terms *terms,
			unsigned int *told)
{
	struct census_figures figures =
		backend->ops->figures(backend, interface_number(m->now.ifindex, way));
	bool was_told = silence->told, silent;

	if (silence->one_of_many && *told >= TOLD_MOST)
		return true;
	silent = silence_follow(silence, m->now.name, way, &figures, terms);
	*told += silence->told && !was_told;
	return silent;
}

static void explain_way(struct monitored *m, enum way way, struct backend *backend,
			const struct peers *peers, const struct silence_terms *terms,
			unsigned int *told)
{
	struct silence *silence = way == WAY_IN ? &m->in : &m->out;
	__u32 number = interface_number(m->now.ifindex, way);
	bool measured = m->hold && m->hold->ways & way, silent = false;

	if (measured && peers_any(peers, number))
		silent = explain_one(m, way, silence, backend, terms, told);
	else
		silence_excuse(silence);
	if (measured && backend->ops->look_out)
		backend->ops->look_out(backend, number, silent);
}

void monitor_explain(struct monitor *monitor, struct backend *backend, const struct peers *peers,
		     const struct silence_terms *terms)
{
	unsigned int told = 0;
	struct monitored *m;

	LL_FOREACH (monitor->first, m) {
		explain_way(m, WAY_OUT, backend, peers, terms, &told);
		explain_way(m, WAY_IN, backend, peers, terms, &told);
	}
}

void monitor_each(const struct monitor *monitor,
		  void (*interface)(void *arg, const char *name, const struct hold *hold),
		  void (*awaited)(void *arg, const char *term), void *arg)
{
	struct monitored *m;

	LL_FOREACH (monitor->first, m)
		interface(arg, m->now.name, m->hold);
	awaited_each(&monitor->awaited, awaited, arg);
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
		monitored_set_state(monitor, m, WAITING);
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
