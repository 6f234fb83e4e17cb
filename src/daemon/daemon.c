/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The daemon's life: starts its services, runs the loop, obeys signals, and stops all in order. */
#include "daemon.h"

#include "answers.h"
#include "descriptor.h"
#include "log.h"
#include "privileges.h"
#include "probe.h"
#include "reload.h"
#include "screen.h"
#include "wiring.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

/* A terminal's end is that of the view on it. */
static bool on_screen(const struct wiring *w)
{
	return w->settings->output == OUTPUT_TOP;
}

/* ---- privileges ---- */

static bool looks_for_containers(const struct config *config)
{
	for (size_t i = 0; i < config->instances_count; i++)
		if (config->instances[i].containers)
			return true;
	return false;
}

/* A configuration of capture files alone reads what anybody may have made. One with nothing waits
 * for a reload that brings interfaces. */
static unsigned int needs_of(const struct wiring *w)
{
	unsigned int needs = 0;

	if (plan_has_interfaces(&w->plan) || !w->plan.config->instances_count)
		needs = measuring_needs(&w->measuring);
	if (looks_for_containers(w->plan.config))
		needs |= NEED_OTHERS;
	return needs;
}

/* The log is opened by the user who rotates it later. */
static int settle(struct wiring *w)
{
	const struct daemon_settings *settings = w->settings;
	const struct privileges_terms terms = {
		.user = settings->user,
		.needs = needs_of(w),
		.watched = settings->watched,
		.screen = on_screen(w),
	};
	int err = reporting_prepare(&w->reporting);

	if (err)
		return err;
	err = privileges_settle(&terms);
	log_choice_apply(&settings->log, w->plan.config);
	if (err)
		return err;
	answers_prepare(w);
	err = exposing_listen(&w->exposing, w->plan.config);
	if (terms.needs & NEED_BPF)
		probe_remember();
	privileges_seal();
	return err;
}

/* ---- SIGHUP ---- */

static int measure_plan(void *arg, const struct plan *plan)
{
	struct wiring *w = arg;

	duty_cycle_apply(&w->duty_cycle, plan->config, plan->peers);
	return measuring_set_peers(&w->measuring, plan->peers);
}

static void leave_plan(void *arg, const struct plan *next)
{
	struct wiring *w = arg;
	__u64 counters[COUNTERS];

	if (w->measuring.backend) {
		measuring_sweep_all(&w->measuring);
		wiring_report(w, counters);
	}
	reporting_set_peers(&w->reporting, next->peers);
}

/* A configuration that had nothing or only capture files may have interfaces now. */
static int start_late(struct wiring *w)
{
	if (!plan_has_interfaces(&w->plan))
		return 0;
	if (privileges_cover(needs_of(w)))
		return measuring_start(&w->measuring, w->plan.config, w->plan.peers);
	log_error("no interface is measured: the configuration had only capture files when "
		  "bpf-metro started, so it has given up its privileges; restart it");
	return -EPERM;
}

static int follow_measuring(struct wiring *w)
{
	int err = 0;

	following_configure(&w->following, w->plan.config);
	if (!w->measuring.backend)
		err = start_late(w);
	measuring_follow(&w->measuring, w->plan.config);
	if (w->measuring.backend)
		following_look(&w->following, w->measuring.backend, w->plan.peers, true);
	wiring_identify(w);
	return err;
}

static int follow_exposing(struct wiring *w)
{
	int err = exposing_follow(&w->exposing, w->plan.config, w->plan.peers);

	reporting_expose(&w->reporting, w->exposing.sink);
	exposing_publish(&w->exposing, w->reporting.sink);
	return err;
}

/* Each reports what goes wrong, and then goes on with what it had. Returns the first error. */
static int follow_plan(struct wiring *w)
{
	int err = reporting_follow(&w->reporting, w->plan.config);
	int err_measuring = follow_measuring(w);
	int err_naming, err_exposing;

	answers_follow(w);
	err_naming = naming_follow(&w->naming, w->plan.config, w->plan.peers,
				   reporting_server_name(&w->reporting));
	err_exposing = follow_exposing(w);

	err = err ? err : err_measuring;
	err = err ? err : err_naming;
	return err ? err : err_exposing;
}

static void say_if_nothing(const struct wiring *w)
{
	if (!w->plan.config->instances_count)
		log_warning("%s has no instances: nothing is measured until it has one and is "
			    "reloaded (systemctl reload, or SIGHUP)",
			    w->settings->config_path);
}

static int load_plan(struct wiring *w)
{
	const struct daemon_settings *settings = w->settings;
	const struct reload_terms terms = {
		.path = settings->config_path,
		.chooses_server = reporting_chooses_server(&w->reporting),
		.overrides = settings->overrides,
		.measure = measure_plan,
		.leave = leave_plan,
		.arg = w,
	};
	int err = terms.path ? reload(&w->plan, &terms) : 0;

	if (err || !terms.path)
		return err;
	log_choice_apply(&settings->log, w->plan.config);
	err = follow_plan(w);
	if (err)
		log_error("reloaded %s, but not all of it is in force", terms.path);
	else
		log_info("reloaded %s", terms.path);
	say_if_nothing(w);
	return err;
}

/* value: of the signal, which may ask for an answer. */
static void on_hangup(struct wiring *w, int value)
{
	char status[STATUS_SIZE];
	int err;

	supervisor_reloading(&w->supervisor);
	/* First of all: logrotate has moved the log, whatever the configuration says by now. */
	log_choice_apply(&w->settings->log, w->plan.config);
	err = load_plan(w);
	wiring_status(w, status);
	supervisor_reloaded(&w->supervisor, err, status);
	supervisor_reply(&w->supervisor, value, err);
}

/* ---- signals ---- */

static void on_signal(void *arg, int fd)
{
	struct wiring *w = arg;
	int signal, value;

	while ((signal = event_signal_take(fd, &value))) {
		if (screen_is_signal(signal))
			reporting_terminal(&w->reporting, signal);
		else if (signal == SIGHUP && !on_screen(w))
			on_hangup(w, value);
		else
			w->over = true;
	}
}

/* Returns a descriptor or -errno. */
static int listen_to_signals(struct wiring *w)
{
	sigset_t set;
	int fd, err;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGQUIT); /* as in go-metro: no core file */
	sigaddset(&set, SIGHUP);
	if (on_screen(w))
		screen_add_signals(&set);
	fd = event_signals(&set);
	err = fd < 0 ? fd : event_loop_add(w->loop, fd, on_signal, w);
	if (!err)
		return fd;
	descriptor_close(&fd);
	return err;
}

/* ---- life ---- */

static int start_plan(struct wiring *w)
{
	struct config *config = w->plan.config;
	int err = plan_make(&w->plan, config, &w->settings->overrides);

	if (!err)
		err = following_start(&w->following, w->loop, config);
	if (err)
		log_critical("cannot start: %s", strerror(-err));
	return err;
}

static int start_measuring(struct wiring *w)
{
	w->measuring.loop = w->loop;
	w->measuring.batch_limit = reporting_batch_limit(&w->reporting);
	if (!plan_has_interfaces(&w->plan))
		return 0;
	wiring_identify(w); /* while the programs are loaded, which takes its time */
	return measuring_start(&w->measuring, w->plan.config, w->plan.peers);
}

static int start_naming(struct wiring *w)
{
	int err = naming_start(&w->naming, w->loop);

	if (!err)
		err = naming_follow(&w->naming, w->plan.config, w->plan.peers,
				    reporting_server_name(&w->reporting));
	return err;
}

/* Last of all: its thread is to find the process with no more rights than it keeps. */
static int start_exposing(struct wiring *w)
{
	int err = exposing_start(&w->exposing, w->loop, w->plan.config, w->plan.peers);

	reporting_expose(&w->reporting, w->exposing.sink);
	exposing_publish(&w->exposing, w->reporting.sink);
	return err;
}

static void say_ready(struct wiring *w)
{
	char status[STATUS_SIZE];

	say_if_nothing(w);
	wiring_status(w, status);
	supervisor_ready(&w->supervisor, status);
}

static int start(struct wiring *w)
{
	int err = start_plan(w);

	if (!err)
		err = reporting_start(&w->reporting, w->loop, w->plan.config, w->plan.peers);
	if (!err)
		err = wiring_start_captures(w);
	if (!err)
		err = start_measuring(w);
	if (!err)
		err = start_naming(w);
	if (!err)
		err = wiring_start_duty_cycle(w);
	if (!err)
		err = start_exposing(w);
	if (err) {
		reporting_abandon(&w->reporting, err);
		return err;
	}
	answers_start(w);
	say_ready(w);
	return 0;
}

/* Everything measured so far is delivered before the end. */
static int finish(struct wiring *w)
{
	__u64 counters[COUNTERS];
	int err = wiring_end_captures(w);

	if (!w->measuring.backend)
		return err;
	measuring_finish(&w->measuring);
	wiring_report(w, counters); /* the sink's close does not know the counters */
	counters_log(counters);
	return 0;
}

static int run(struct wiring *w)
{
	int err = 0, err_finish;

	while (!wiring_is_over(w) && !err)
		err = wiring_turn(w);
	supervisor_stopping(&w->supervisor);
	err_finish = finish(w);
	err = err ? err : w->error;
	return err ? err : err_finish;
}

static int stop(struct wiring *w)
{
	int err;

	answers_stop(w);
	wiring_end_captures(w);
	naming_stop(&w->naming);
	err = reporting_close(&w->reporting); /* first: hundreds of interfaces take seconds */
	measuring_close(&w->measuring);
	identifying_stop(&w->identifying);
	following_stop(&w->following);
	wiring_stop_duty_cycle(w);
	return err;
}

/* All that is between the first event and the last. */
static int live(struct wiring *w)
{
	int err, err_stop;

	supervisor_start(&w->supervisor, w->loop);
	err = start(w);
	if (!err)
		err = run(w);
	err_stop = stop(w);
	supervisor_stop(&w->supervisor);
	return err ? err : err_stop;
}

/* Each interface takes two, and shells give a process 1024 of the many that it may have. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* Signals come before anything else: threads that are made later have them blocked, too. */
static int start_loop(struct wiring *w, int *signals)
{
	int err = event_loop_new(&w->loop);

	if (!err) {
		*signals = listen_to_signals(w);
		err = *signals < 0 ? *signals : 0;
	}
	if (err)
		log_critical("cannot start: %s", strerror(-err));
	return err;
}

int daemon_run(const struct daemon_settings *settings, struct config *config)
{
	struct wiring w;
	int signals = -1, err;

	wiring_init(&w, settings, config);
	log_serve_daemon(true);
	raise_descriptor_limit();
	err = settle(&w);
	if (!err)
		err = start_loop(&w, &signals);
	if (!err)
		err = live(&w);
	reporting_close(&w.reporting); /* if it was not started */
	exposing_stop(&w.exposing);
	event_loop_free(w.loop);
	descriptor_close(&signals);
	plan_free(&w.plan);
	log_close();
	return err;
}
