/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Gathers what is asked for, and keeps the control socket where the configuration has it. */
#include "answers.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "control.h"
#include "control_socket.h"
#include "health.h"
#include "log.h"
#include "printable.h"
#include "privileges.h"

/* ---- health ---- */

static void add_interface(void *arg, const char *name, const struct hold *hold)
{
	struct health *health = arg;

	health_add_name(hold ? &health->measured : &health->awaited, name);
	if (hold && !health->hook)
		health->hook = hold->hook;
}

static void add_awaited(void *arg, const char *term)
{
	struct health *health = arg;

	health_add_name(&health->awaited, term);
}

void answers_gather(struct wiring *w, struct health *health)
{
	const struct measuring *m = &w->measuring;
	struct sink *sink = w->reporting.sink;

	health->now_ms = monotonic_ms();
	health->started_ms = w->started_ms;
	health->reported_ms = w->reporting.reported_ms;
	health->interval_s = w->reporting.interval_s;
	health->reading = captures_state(w->captures) == CAPTURES_READING;
	health->backend = m->backend ? m->backend->ops->name : NULL;
	health->fallback = *m->fallback ? m->fallback : NULL;
	monitor_each(&w->following.monitor, add_interface, add_awaited, health);
	health->sink = sink->ops->name;
	health->has_server = sink->ops->server_state != NULL;
	if (health->has_server)
		health->server = sink->ops->server_state(sink);
}

static void answer_health(void *arg, const char *about, struct json *json)
{
	struct health health = {};

	(void)about;
	answers_gather(arg, &health);
	health_write(&health, json);
	health_clear(&health);
}

/* ---- top ---- */

static void answer_top(void *arg, const char *about, struct json *json)
{
	struct wiring *w = arg;
	struct live_header header = {};
	__u64 counters[COUNTERS];
	char how[STATUS_SIZE];

	(void)about;
	wiring_state(w, how);
	printable_copy(header.how, sizeof(header.how), how);
	printable_copy(header.fallback, sizeof(header.fallback), w->measuring.fallback);
	if (w->measuring.backend) {
		wiring_count(w, counters);
		losses_write(counters, header.losses, sizeof(header.losses));
	}
	watching_answer(&w->watching, w->plan.peers, w->reporting.interval_s, &header, json);
}

static void answer_top_peer(void *arg, const char *about, struct json *json)
{
	struct wiring *w = arg;

	watching_answer_peer(&w->watching, about, json);
}

static void answer_top_reset(void *arg, const char *about, struct json *json)
{
	struct wiring *w = arg;

	(void)about;
	watching_reset(&w->watching);
	json_open(json, NULL, '{');
	json_bool(json, "reset", true);
	json_close(json, '}');
}

/* ---- the table ---- */

static const struct control_verb verbs[] = {
	{"health", answer_health, false},
	{"top", answer_top, false},
	{"top_peer", answer_top_peer, true},
	{"top_reset", answer_top_reset, false},
	{NULL, NULL, false},
};

/* ---- life ---- */

/* NULL: none is wanted. */
static const char *wanted_path(const struct wiring *w)
{
	const char *path = w->plan.config->control_socket;

	if (!path)
		return CONTROL_DEFAULT_PATH;
	return *path ? path : NULL;
}

/* The default is tried wherever bpf-metro runs, also where there is no place for it. */
static void say_failure(const struct wiring *w, const char *path, int err)
{
	enum log_level level = w->plan.config->control_socket ? LEVEL_WARNING : LEVEL_DEBUG;

	if (err == -EADDRINUSE)
		log_message(level == LEVEL_DEBUG ? LEVEL_INFO : level,
			    "control socket %s: another bpf-metro listens there; control_socket in "
			    "init_config gives this one its own",
			    path);
	else if (err == -EEXIST)
		log_message(level, "no control socket: %s is no socket, and is left alone", path);
	else
		log_message(level, "no control socket at %s: %s", path, strerror(-err));
}

void answers_prepare(const struct wiring *w)
{
	const char *path = wanted_path(w);
	char directory[CONTROL_PATH];

	if (!path || control_socket_make_directory(path, directory) != -EACCES ||
	    !privileges_lend(directory))
		return;
	control_socket_make_directory(path, directory); /* answers_start says what is wrong */
	privileges_return();
}

void answers_start(struct wiring *w)
{
	const char *path = wanted_path(w);
	int err;

	if (!path)
		return;
	err = control_new(&w->control, w->loop, path, verbs, w);
	if (err)
		say_failure(w, path, err);
	else
		log_debug("control socket: %s", path);
}

void answers_follow(struct wiring *w)
{
	const char *path = wanted_path(w);

	if (w->control && path && !strcmp(path, control_path(w->control)))
		return;
	answers_stop(w);
	answers_start(w);
}

void answers_stop(struct wiring *w)
{
	control_free(w->control);
	w->control = NULL;
	watching_stop(&w->watching);
}
