/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon.h"
#include "daemon_state.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define LOG_DEFAULT_PATH "/var/log/bpf-metro/bpf-metro.log"

double daemon_interval_s(const struct daemon *d)
{
	return d->config->report_interval_s;
}

void daemon_apply_options(const struct options *options, struct config *config)
{
	config->soften = options->soften;
	if (options->interval_s > 0)
		config->report_interval_s = options->interval_s;
}

static void trace(const struct delivery *delivery)
{
	const struct flow_record *r = delivery->record;
	char src[ADDRESS_TEXT], dst[ADDRESS_TEXT];

	log_trace("%s: %s port %u to %s port %u: %u %s, the last %.6f ms; sent again: %u",
		  delivery->iface, address_format(&r->key.local, src), r->key.local_port,
		  address_format(&r->key.peer, dst), r->key.peer_port, r->count,
		  r->flags & RECORD_HANDSHAKE ? "handshake" : "samples",
		  r->count ? r->rtt[r->count] * (TICK_NS / 1e6) : 0, r->retransmissions);
}

void daemon_deliver(void *arg, const struct delivery *delivery)
{
	struct daemon *d = arg;

	if (log_get_level() <= LEVEL_TRACE)
		trace(delivery);
	d->sink->ops->take(d->sink, delivery);
	if (d->sink->error)
		d->stop = true;
}

/* ---- names ---- */

static void on_result(struct daemon *d, const struct resolver_result *result)
{
	int err = 0;

	switch (result->kind) {
	case RESOLVED_HOST:
		captures_heard(d->captures, result->host);
		if (result->count) /* else it failed, was logged, and the old addresses stay */
			err = peers_set_host(d->peers, result->host, result->addrs, result->count);
		break;
	case RESOLVED_ADDRESS:
		err = peers_set_address_name(d->peers, &result->address, result->name);
		break;
	case RESOLVED_SERVER:
		if (result->count && d->sink->ops->set_server)
			d->sink->ops->set_server(d->sink, result->addrs, result->count);
		break;
	}
	if (err < 0)
		log_error("out of memory: a name stays as it was");
}

static void on_resolver(void *arg, int fd)
{
	struct daemon *d = arg;
	struct resolver_result result;
	int changed;

	(void)fd;
	while (resolver_take(d->resolver, &result))
		on_result(d, &result);
	changed = peers_update(d->peers);
	if (changed < 0)
		log_error("out of memory: the addresses of hosts stay as they were");
	if (changed <= 0)
		return;
	if (d->backend)
		d->backend->ops->set_peers(d->backend, d->peers);
	peers_warn_local(d->peers);
}

int daemon_follow_names(struct daemon *d)
{
	const struct sink_ops *ops = d->sink->ops;
	int err = 0;

	if (!d->resolver) {
		err = resolver_start(&d->resolver, NULL);
		if (!err)
			err = event_loop_add(d->loop, resolver_fd(d->resolver), on_resolver, d);
	}
	if (!err)
		err = resolver_look_up(d->resolver, d->config,
				       ops->server_name ? ops->server_name(d->sink) : NULL);
	peers_warn_local(d->peers);
	return err;
}

/* ---- log and sink ---- */

/* A log file that cannot be had is no reason not to measure. */
void daemon_follow_log(struct daemon *d)
{
	const char *path = d->options->log_path;
	enum log_level level = d->config->log_level;
	int err;

	log_set_level(d->options->verbose && level > LEVEL_DEBUG ? LEVEL_DEBUG : level);
	if (!path && d->config->log_to_file)
		path = LOG_DEFAULT_PATH;
	err = log_open(path);
	if (err)
		log_warning("log file %s: %s; going on to log %s", path, strerror(-err),
			    log_is_file() ? "to the file of before" : "to standard error");
}

static int sink_open_chosen(struct daemon *d)
{
	switch (d->options->output) {
	case OUTPUT_JSON:
		return sink_json_open(&d->sink, d->peers);
	case OUTPUT_TEXT:
		return sink_text_open(&d->sink, d->peers);
	default:
		return sink_statsd_open(&d->sink, d->config, d->peers);
	}
}

static void on_sink(void *arg, int fd)
{
	struct daemon *d = arg;

	(void)fd;
	d->sink->ops->resume(d->sink);
}

static int sink_open(struct daemon *d)
{
	int err = sink_open_chosen(d);
	int fd = !err && d->sink->ops->fd ? d->sink->ops->fd(d->sink) : -1;

	return fd < 0 ? err : event_loop_add(d->loop, fd, on_sink, d);
}

/* ---- capture files ---- */

static void on_captures_timer(void *arg, int fd)
{
	struct daemon *d = arg;

	event_loop_remove(d->loop, fd);
	captures_wait_no_longer(d->captures);
}

static int captures_start(struct daemon *d)
{
	int err = captures_new(&d->captures, d->config);
	int timer = captures_timer(d->captures);

	if (!err && timer >= 0)
		err = event_loop_add(d->loop, timer, on_captures_timer, d);
	if (err)
		log_critical("cannot measure capture files: %s", strerror(-err));
	return err;
}

/* What was read goes out as one report: soon, or, with nothing else to measure, in the end. */
static void captures_over(struct daemon *d)
{
	int timer = captures_timer(d->captures), err;

	if (timer >= 0)
		event_loop_remove(d->loop, timer);
	err = captures_end(d->captures, d->peers);
	d->captures = NULL;
	d->sweeping = d->backend != NULL;
	if (d->backend)
		return;
	if (!err)
		log_info("the capture files are read, and there is no interface to measure: done");
	d->error = err;
	d->stop = true;
}

static void captures_read(struct daemon *d)
{
	struct backend_settings settings = daemon_backend_settings(d);

	captures_step(d->captures, &settings, d->peers);
	if (captures_state(d->captures) == CAPTURES_DONE)
		captures_over(d);
}

/* ---- events ---- */

static void on_timer(void *arg, int fd)
{
	struct daemon *d = arg;

	event_timer_take(fd);
	/* What is read of capture files is one report. Those are read fast. */
	d->sweeping = d->backend && captures_state(d->captures) != CAPTURES_READING;
}

/* Some instance begins to measure, or to pause: what it has measured is delivered. */
static void on_phase(void *arg, int fd)
{
	struct daemon *d = arg;

	(void)fd;
	if (duty_cycle_apply(&d->duty_cycle, d->config, d->peers) && d->backend)
		daemon_peers_changed(d);
}

/* An interface goes: what it has measured is delivered while its name and tags are known. */
static void deliver_all(void *arg)
{
	struct daemon *d = arg;

	d->backend->ops->read(d->backend);
	daemon_sweep_all(d);
}

static void follow_interfaces(struct daemon *d)
{
	if (peers_refresh_interfaces(d->peers, deliver_all, d))
		d->backend->ops->set_peers(d->backend, d->peers);
	monitor_follow(&d->monitor, d->backend);
	if (d->backend->ops->refresh)
		d->backend->ops->refresh(d->backend);
}

static void on_watch(void *arg, int fd)
{
	struct daemon *d = arg;

	if (interface_watch_drain(fd) && d->backend)
		follow_interfaces(d);
}

void daemon_report(struct daemon *d, __u64 counters[COUNTERS])
{
	d->backend->ops->read(d->backend);
	d->backend->ops->counters(d->backend, counters);
	counters[COUNTER_REATTACHED] = d->monitor.reattached;
	if (d->sink->ops->report)
		d->sink->ops->report(d->sink, counters);
	d->stop |= d->sink->error != 0;
}

static void explain_silence(struct daemon *d, const __u64 counters[COUNTERS])
{
	const struct silence_terms terms = {
		.now_ns = monotonic_ns(),
		.interval_s = daemon_interval_s(d),
		.watched = d->options->interface,
		.counters = counters,
	};

	monitor_explain(&d->monitor, d->backend, d->peers, &terms);
}

static void report_end(struct daemon *d)
{
	__u64 counters[COUNTERS];

	d->sweeping = false;
	daemon_report(d, counters);
	losses_log(&d->losses, counters);
	explain_silence(d, counters);
	if (peers_forget_idle(d->peers) > 0) /* the walk has told them of all flows */
		d->backend->ops->set_peers(d->backend, d->peers);
	follow_interfaces(d); /* of what others do to our programs, there are no events */
}

static void on_signal(void *arg, int fd)
{
	struct daemon *d = arg;
	int signal;

	while ((signal = event_signal_take(fd))) {
		if (signal == SIGHUP)
			daemon_reload(d);
		else
			d->stop = true;
	}
}

/* ---- life ---- */

static int listen_to_events(struct daemon *d)
{
	sigset_t set;
	int err;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGQUIT); /* as in go-metro: no core file */
	sigaddset(&set, SIGHUP);
	d->signals = event_signals(&set);
	d->timer = event_timer(daemon_interval_s(d));
	d->watch = interface_watch();
	if (d->signals < 0 || d->timer < 0 || d->watch < 0)
		return d->signals < 0 ? d->signals : d->timer < 0 ? d->timer : d->watch;
	err = event_loop_add(d->loop, d->signals, on_signal, d);
	if (!err)
		err = event_loop_add(d->loop, d->timer, on_timer, d);
	if (!err)
		err = event_loop_add(d->loop, d->watch, on_watch, d);
	return err;
}

/* When measuring has begun: loading the programs takes its time. */
static int duty_cycle_begin(struct daemon *d)
{
	int err = duty_cycle_start(&d->duty_cycle);

	if (!err)
		err = event_loop_add(d->loop, d->duty_cycle.timer, on_phase, d);
	if (err)
		log_critical("starting: %s", strerror(-err));
	else
		duty_cycle_apply(&d->duty_cycle, d->config, d->peers);
	return err;
}

static int start(struct daemon *d)
{
	int err;

	daemon_follow_log(d);
	err = event_loop_new(&d->loop);
	if (!err)
		err = listen_to_events(d);
	if (!err)
		err = peers_new(&d->peers, d->config);
	if (!err)
		err = monitor_configure(&d->monitor, d->config, d->backend);
	if (err) {
		log_critical("starting: %s", strerror(-err));
		return err;
	}
	err = sink_open(d);
	if (!err)
		err = captures_start(d);
	if (!err && daemon_has_interfaces(d->config))
		err = daemon_backend_start(d);
	if (!err)
		err = daemon_follow_names(d);
	if (!err)
		err = duty_cycle_begin(d);
	return err;
}

static int run(struct daemon *d)
{
	int err = 0;

	while (!d->stop && !err) {
		bool reading = captures_state(d->captures) == CAPTURES_READING;

		err = event_loop_once(d->loop, !d->sweeping && !reading);
		if (reading && !d->stop)
			captures_read(d);
		if (d->sweeping && d->backend->ops->sweep(d->backend))
			report_end(d);
	}
	return err;
}

/* Everything measured so far is delivered before the end. */
static void finish(struct daemon *d)
{
	__u64 counters[COUNTERS];
	int err = captures_end(d->captures, d->peers);

	d->captures = NULL;
	if (!d->backend) {
		d->error = d->error ? d->error : err;
		return;
	}
	if (d->backend->ops->drain)
		d->backend->ops->drain(d->backend);
	daemon_sweep_all(d);
	daemon_report(d, counters); /* the sink's close does not know the counters */
	counters_log(counters);
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

static int stop(struct daemon *d)
{
	int err = 0;

	captures_end(d->captures, d->peers);
	resolver_stop(d->resolver);
	daemon_backend_close(d);
	if (d->sink)
		err = d->sink->ops->close(d->sink);
	event_loop_free(d->loop);
	close_fd(d->signals);
	close_fd(d->timer);
	close_fd(d->watch);
	duty_cycle_stop(&d->duty_cycle);
	monitor_free(&d->monitor);
	peers_free(d->peers);
	config_free(d->config);
	log_close();
	return err;
}

int daemon_run(const struct options *options, struct config *config)
{
	struct daemon d = {
		.options = options,
		.config = config,
		.signals = -1,
		.timer = -1,
		.watch = -1,
		.duty_cycle = {.timer = -1},
		.monitor = {.leaving = deliver_all, .arg = &d},
	};
	int err, closed;

	daemon_apply_options(options, config);
	log_serve_daemon(true);
	err = start(&d);
	if (err && d.sink)
		d.sink->error = err; /* nothing was measured: there is nothing to say about it */
	if (!err) {
		err = run(&d);
		finish(&d);
		err = err ? err : d.error;
	}
	closed = stop(&d);
	return err ? err : closed;
}
