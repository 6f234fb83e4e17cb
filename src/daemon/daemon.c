/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The daemon's life: starts its services, runs the loop, obeys signals, and stops all in order. */
#include "daemon.h"

#include "descriptor.h"
#include "log.h"
#include "privileges.h"
#include "reload.h"
#include "wiring.h"

#include <string.h>
#include <sys/resource.h>

/* ---- privileges ---- */

static bool looks_for_containers(const struct config *config)
{
	for (size_t i = 0; i < config->instances_count; i++)
		if (config->instances[i].containers)
			return true;
	return false;
}

/* Of what root may do; whoever has started us. */
static unsigned int needs_of(const struct wiring *w)
{
	unsigned int needs = 0;

	if (plan_has_interfaces(&w->plan))
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
	};
	int err = privileges_settle(&terms);

	log_choice_apply(&settings->log, w->plan.config);
	if (!err)
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

/* A configuration that had only capture files may have interfaces now. */
static void start_late(struct wiring *w)
{
	if (!plan_has_interfaces(&w->plan))
		return;
	if (privileges_cover(needs_of(w)))
		measuring_start(&w->measuring, w->plan.config, w->plan.peers);
	else
		log_error("no interface is measured: the configuration had none when bpf-metro "
			  "started, so it has given up its privileges; restart it");
}

static void follow_measuring(struct wiring *w)
{
	following_configure(&w->following, w->plan.config);
	if (!w->measuring.backend)
		start_late(w);
	measuring_follow(&w->measuring, w->plan.config);
	if (w->measuring.backend)
		following_look(&w->following, w->measuring.backend, w->plan.peers, true);
	wiring_identify(w);
}

/* Each reports what goes wrong, and then goes on with what it had. */
static void follow_plan(struct wiring *w)
{
	reporting_follow(&w->reporting, w->plan.config);
	follow_measuring(w);
	naming_follow(&w->naming, w->plan.config, w->plan.peers,
		      reporting_server_name(&w->reporting));
}

static void on_hangup(struct wiring *w)
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

	/* First of all: logrotate has moved the log, whatever the configuration says by now. */
	log_choice_apply(&settings->log, w->plan.config);
	if (!terms.path || reload(&w->plan, &terms))
		return;
	log_choice_apply(&settings->log, w->plan.config);
	follow_plan(w);
	log_info("reloaded %s", terms.path);
}

/* ---- signals ---- */

static void on_signal(void *arg, int fd)
{
	struct wiring *w = arg;
	int signal;

	while ((signal = event_signal_take(fd))) {
		if (signal == SIGHUP)
			on_hangup(w);
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
	if (err)
		reporting_abandon(&w->reporting, err);
	return err;
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
	err_finish = finish(w);
	err = err ? err : w->error;
	return err ? err : err_finish;
}

static int stop(struct wiring *w)
{
	int err;

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
	int err = start(w), err_stop;

	if (!err)
		err = run(w);
	err_stop = stop(w);
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
	event_loop_free(w.loop);
	descriptor_close(&signals);
	plan_free(&w.plan);
	log_close();
	return err;
}
