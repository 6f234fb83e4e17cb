/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Passes on to other services what one of them says, and gives each its turn. */
#include "wiring.h"

#include "answers.h"
#include "clock.h"
#include "log.h"

#include <stdio.h>
#include <string.h>

/* ---- measuring, and the interfaces that are followed ---- */

static int attach(void *arg, struct backend *backend, char reason[BACKEND_REASON])
{
	struct wiring *w = arg;

	return following_attach(&w->following, backend, reason);
}

static void detach(void *arg, struct backend *backend)
{
	struct wiring *w = arg;

	monitor_detach(&w->following.monitor, backend);
}

static void deliver(void *arg, const struct delivery *delivery)
{
	struct wiring *w = arg;

	reporting_take(&w->reporting, delivery);
	if (watching_is_on(&w->watching))
		watching_take(&w->watching, delivery);
}

static void on_failure(void *arg, int err)
{
	struct wiring *w = arg;

	w->error = err;
	w->over = true;
}

static const struct measuring_ops measuring_ops = {
	.open_bpf = backend_bpf_open,
	.open_pcap = backend_pcap_open,
	.attach = attach,
	.detach = detach,
	.deliver = deliver,
	.failed = on_failure,
};

static void deliver_all(void *arg)
{
	struct wiring *w = arg;

	measuring_deliver_all(&w->measuring);
}

static bool on_refused(void *arg, const char *reason)
{
	struct wiring *w = arg;

	if (!measuring_may_fall_back(&w->measuring))
		return false;
	snprintf(w->refused, sizeof(w->refused), "%s", reason);
	return true;
}

/* Not within the call that found it out: the backend goes. */
static void fall_back(struct wiring *w)
{
	int err;

	if (!w->refused[0])
		return;
	err = measuring_fall_back(&w->measuring, w->plan.config, w->plan.peers, w->refused);
	w->refused[0] = '\0';
	if (err)
		on_failure(w, err);
}

static void follow_interfaces(void *arg)
{
	struct wiring *w = arg;

	if (!w->measuring.backend)
		return;
	following_look(&w->following, w->measuring.backend, w->plan.peers, false);
	fall_back(w);
	wiring_identify(w);
}

static void take_interfaces(void *arg)
{
	struct wiring *w = arg;

	if (!w->measuring.backend)
		return;
	following_take(&w->following, w->measuring.backend);
	fall_back(w);
}

/* ---- containers ---- */

static void on_container(void *arg, __u32 ifindex)
{
	struct wiring *w = arg;

	reporting_relabel(&w->reporting, ifindex);
}

void wiring_identify(struct wiring *w)
{
	identifying_look(&w->identifying, w->loop, w->plan.peers);
	reporting_set_containers(&w->reporting, identifying_table(&w->identifying));
}

/* ---- names ---- */

static void on_heard(void *arg, const char *host)
{
	struct wiring *w = arg;

	captures_heard(w->captures, host);
}

static void on_server(void *arg, const struct address *addrs, size_t count)
{
	struct wiring *w = arg;

	reporting_set_server(&w->reporting, addrs, count);
}

static void on_addresses(void *arg)
{
	struct wiring *w = arg;

	measuring_set_peers(&w->measuring, w->plan.peers); /* reports its errors */
}

static const struct naming_ops naming_ops = {
	.heard = on_heard,
	.server = on_server,
	.changed = on_addresses,
};

/* ---- capture files ---- */

static void on_patience(void *arg, int fd)
{
	struct wiring *w = arg;

	event_loop_remove(w->loop, fd);
	captures_wait_no_longer(w->captures);
}

int wiring_start_captures(struct wiring *w)
{
	int err = captures_new(&w->captures, w->plan.config);
	int timer = captures_timer(w->captures);

	if (!err && timer >= 0)
		err = event_loop_add(w->loop, timer, on_patience, w);
	if (err)
		log_critical("cannot measure capture files: %s", strerror(-err));
	return err;
}

int wiring_end_captures(struct wiring *w)
{
	int timer = captures_timer(w->captures), err;

	if (timer >= 0)
		event_loop_remove(w->loop, timer);
	err = captures_end(w->captures, w->plan.peers);
	w->captures = NULL;
	return err;
}

/* What was read goes out as one report: soon, or at the end if there is nothing else to measure. */
static void captures_over(struct wiring *w)
{
	int err = wiring_end_captures(w);

	measuring_sweep(&w->measuring, true);
	if (w->measuring.backend)
		return;
	if (!err)
		log_info("all capture files are read, and there is no interface to measure: done");
	w->error = err;
	w->over = true;
}

static void captures_read(struct wiring *w)
{
	struct backend_settings settings = measuring_settings(&w->measuring, w->plan.config);

	captures_step(w->captures, &settings, w->plan.peers);
	if (captures_state(w->captures) == CAPTURES_DONE)
		captures_over(w);
}

static bool captures_are_read(const struct wiring *w)
{
	return captures_state(w->captures) == CAPTURES_READING;
}

/* ---- reports ---- */

static void on_due(void *arg)
{
	struct wiring *w = arg;

	/* While capture files are read, which is fast, reports wait: they go out as one. */
	measuring_sweep(&w->measuring, !captures_are_read(w));
}

void wiring_count(struct wiring *w, __u64 counters[COUNTERS])
{
	measuring_counters(&w->measuring, counters);
	counters[COUNTER_REATTACHED] = w->following.monitor.reattached;
	counters[COUNTER_OUTPUT_LOST] = reporting_lost(&w->reporting);
}

void wiring_report(struct wiring *w, __u64 counters[COUNTERS])
{
	wiring_count(w, counters);
	reporting_report(&w->reporting, counters);
}

void wiring_status(const struct wiring *w, char text[STATUS_SIZE])
{
	status_write(&w->status, w->plan.config, &w->following.monitor, text);
}

/* Without the rate. */
void wiring_state(const struct wiring *w, char text[STATUS_SIZE])
{
	const struct status unrated = {.rate = -1};

	status_write(&unrated, w->plan.config, &w->following.monitor, text);
}

static void show_state(struct wiring *w)
{
	char text[STATUS_SIZE];

	wiring_state(w, text);
	reporting_state(&w->reporting, text, w->measuring.fallback);
}

static void say_status(struct wiring *w, const __u64 counters[COUNTERS])
{
	char text[STATUS_SIZE];

	status_count(&w->status, counters[COUNTER_SAMPLES]);
	wiring_status(w, text);
	supervisor_say(&w->supervisor, text);
}

static void end_interval(struct wiring *w)
{
	struct silence_terms terms;
	__u64 counters[COUNTERS];

	wiring_count(w, counters);
	say_status(w, counters);
	show_state(w);
	reporting_end_interval(&w->reporting, counters);
	exposing_publish(&w->exposing, w->reporting.sink);
	terms = reporting_silence_terms(&w->reporting, counters);
	monitor_explain(&w->following.monitor, w->measuring.backend, w->plan.peers, &terms);
	if (peers_forget_idle(w->plan.peers) > 0) /* the walk has told them of all flows */
		measuring_set_peers(&w->measuring, w->plan.peers);
	if (!w->measuring.backend)
		return;
	/* Not every thing that others do to our programs makes news. */
	following_look(&w->following, w->measuring.backend, w->plan.peers, true);
	fall_back(w);
	wiring_identify(w);
}

/* ---- OpenMetrics ---- */

static void gather(void *arg, struct health *health)
{
	answers_gather(arg, health);
}

/* ---- phases ---- */

/* Some instance begins to measure, or to pause: what it has measured is delivered. */
static void on_phase(void *arg, int fd)
{
	struct wiring *w = arg;

	(void)fd;
	if (duty_cycle_apply(&w->duty_cycle, w->plan.config, w->plan.peers))
		measuring_change_peers(&w->measuring, w->plan.peers);
}

/* After measuring has begun: loading the programs takes time. */
int wiring_start_duty_cycle(struct wiring *w)
{
	int err = duty_cycle_start(&w->duty_cycle);

	if (!err)
		err = event_loop_add(w->loop, w->duty_cycle.timer, on_phase, w);
	if (err)
		log_critical("cannot start: %s", strerror(-err));
	else
		duty_cycle_apply(&w->duty_cycle, w->plan.config, w->plan.peers);
	return err;
}

void wiring_stop_duty_cycle(struct wiring *w)
{
	if (w->duty_cycle.timer >= 0)
		event_loop_remove(w->loop, w->duty_cycle.timer);
	duty_cycle_stop(&w->duty_cycle);
}

/* ---- all of them ---- */

void wiring_init(struct wiring *w, const struct daemon_settings *settings, struct config *config)
{
	*w = (struct wiring){
		.settings = settings,
		.plan = {.config = config},
		.measuring = {.choice = &settings->measuring, .ops = &measuring_ops, .arg = w},
		.following = {.must_find = !settings->config_path,
			      .changed = follow_interfaces,
			      .opened = take_interfaces,
			      .leaving = deliver_all,
			      .refused = on_refused,
			      .arg = w,
			      .watch = -1,
			      .timer = -1},
		.reporting = {.output = settings->output,
			      .watched = settings->watched,
			      .due = on_due,
			      .arg = w},
		.exposing = {.gather = gather, .arg = w, .listening = -1, .socket = {.fd = -1}},
		.naming = {.ops = &naming_ops, .arg = w},
		.identifying = {.listener = {.before = deliver_all,
					     .changed = on_container,
					     .arg = w}},
		.duty_cycle = {.timer = -1},
		.started_ms = monotonic_ms(),
		.supervisor = {.socket = -1, .watchdog = -1},
		.status = {.rate = -1},
	};
}

bool wiring_is_over(const struct wiring *w)
{
	return w->over || reporting_is_over(&w->reporting);
}

int wiring_turn(struct wiring *w)
{
	bool reading = captures_are_read(w);
	int err = event_loop_once(w->loop, !w->measuring.sweeping && !reading);

	if (reading && !wiring_is_over(w))
		captures_read(w);
	if (measuring_step(&w->measuring))
		end_interval(w);
	reporting_flush(&w->reporting);
	return err;
}
