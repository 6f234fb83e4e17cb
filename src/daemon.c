/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon.h"
#include "backend.h"
#include "counter_names.h"
#include "event_loop.h"
#include "monitor.h"
#include "resolver.h"
#include "sink.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOG_DEFAULT_PATH "/var/log/bpf-metro/bpf-metro.log"
#define NS_PER_S         1000000000ull

struct daemon {
	const struct options *options;
	struct config *config;
	struct peers *peers;
	struct resolver *resolver;
	struct sink *sink;
	struct backend *backend;
	struct monitor monitor;
	struct event_loop *loop;
	struct losses losses;
	int signals, timer, watch;
	bool sweeping; /* a report waits for the walk over all flows */
	bool stop;
	int error; /* that made it stop, 0 if asked to */
};

static double interval_s(const struct daemon *d)
{
	return d->options->interval_s > 0 ? d->options->interval_s : d->config->report_interval_s;
}

static void deliver(void *arg, const struct batch *batch)
{
	struct daemon *d = arg;

	d->sink->ops->take(d->sink, batch);
	if (d->sink->error)
		d->stop = true;
}

/* ---- backend ---- */

typedef int (*backend_opener)(struct backend **backend, const struct backend_settings *settings,
			      char reason[BACKEND_REASON]);

/* A fraction of the interval, at most what 32 bits of ticks hold with room to spare. */
static unsigned int batch_age(double interval)
{
	double wait = interval / 4 < 60 ? interval / 4 : 60;

	return (unsigned int)(wait * NS_PER_S / TICK_NS);
}

static struct backend_settings backend_settings(struct daemon *d)
{
	const struct config *c = d->config;

	return (struct backend_settings){
		.marks = d->options->marks ? d->options->marks : c->marks,
		.max_flows = c->max_flows,
		.snaplen = c->snaplen,
		.batch_limit = d->sink->ops->batch_limit,
		.batch_age = batch_age(interval_s(d)),
		.idle_ns = c->idle_ttl_s * NS_PER_S,
		.ended_ns = c->exp_ttl_s * NS_PER_S,
		.handshakes = c->metrics & METRIC_BIT(METRIC_HANDSHAKE),
		.hook = d->options->hook,
		.deliver = deliver,
		.arg = d,
	};
}

static void backend_close(struct daemon *d)
{
	monitor_detach(&d->monitor, d->backend);
	if (d->backend)
		d->backend->ops->close(d->backend);
	d->backend = NULL;
}

static int backend_try(struct daemon *d, backend_opener open, char reason[BACKEND_REASON])
{
	struct backend_settings settings = backend_settings(d);
	int err = open(&d->backend, &settings, reason);

	if (err)
		return err;
	snprintf(reason, BACKEND_REASON, "setting the peers failed");
	err = d->backend->ops->set_peers(d->backend, d->peers);
	if (!err)
		err = monitor_start(&d->monitor, d->backend, reason);
	if (err)
		backend_close(d);
	return err;
}

static int backend_start(struct daemon *d)
{
	char reason[BACKEND_REASON] = "out of memory";
	int err = -ENOTSUP;

	if (d->options->backend != BACKEND_PCAP)
		err = backend_try(d, backend_bpf_open, reason);
	if (err && err != -ENODEV && d->options->backend == BACKEND_AUTO)
		log_warning("BPF is not possible here: %s; measuring with libpcap", reason);
	if (err && err != -ENODEV && d->options->backend != BACKEND_BPF)
		err = backend_try(d, backend_pcap_open, reason);
	if (err)
		log_error("cannot measure: %s", reason);
	return err;
}

/* ---- names ---- */

static void on_result(struct daemon *d, const struct resolver_result *result)
{
	int err = 0;

	switch (result->kind) {
	case RESOLVED_HOST:
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
	d->backend->ops->set_peers(d->backend, d->peers);
	peers_warn_local(d->peers);
}

static int resolver_follow(struct daemon *d)
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
static void log_follow(struct daemon *d)
{
	const char *path = d->options->log_path;
	int err;

	log_set_level(d->options->verbose ? LEVEL_DEBUG : d->config->log_level);
	if (!path && d->config->log_to_file)
		path = LOG_DEFAULT_PATH;
	err = log_open(path);
	if (err)
		log_warning("log file %s: %s; logging to standard error", path, strerror(-err));
}

static int sink_open(struct daemon *d)
{
	enum output_choice output = d->options->output;

	if (output == OUTPUT_DEFAULT)
		output = d->options->interface ? OUTPUT_TEXT : OUTPUT_STATSD;
	switch (output) {
	case OUTPUT_JSON:
		return sink_json_open(&d->sink, d->peers);
	case OUTPUT_TEXT:
		return sink_text_open(&d->sink, d->peers);
	default:
		return sink_statsd_open(&d->sink, d->config, d->peers);
	}
}

/* ---- events ---- */

static void on_backend(void *arg, int fd)
{
	struct daemon *d = arg;
	int err = d->backend->ops->read(d->backend);

	(void)fd;
	if (err < 0) {
		d->error = err;
		d->stop = true;
	}
}

static void on_timer(void *arg, int fd)
{
	struct daemon *d = arg;

	event_timer_take(fd);
	d->sweeping = true;
}

static void on_watch(void *arg, int fd)
{
	struct daemon *d = arg;

	if (!interface_watch_drain(fd))
		return;
	if (peers_refresh_interfaces(d->peers))
		d->backend->ops->set_peers(d->backend, d->peers);
	monitor_follow(&d->monitor, d->backend);
	if (d->backend->ops->refresh)
		d->backend->ops->refresh(d->backend);
}

static void report_end(struct daemon *d)
{
	__u64 counters[COUNTERS];

	d->sweeping = false;
	d->backend->ops->read(d->backend);
	d->backend->ops->counters(d->backend, counters);
	if (d->sink->ops->report)
		d->sink->ops->report(d->sink, counters);
	losses_log(&d->losses, counters);
	monitor_follow(&d->monitor,
		       d->backend); /* once more, should an event have come to nothing */
}

/* A whole walk over the flows, after the rest of one that may be under way. */
static void sweep_all(struct daemon *d)
{
	for (int walks = 0; walks < 2; walks++)
		while (!d->backend->ops->sweep(d->backend))
			;
}

/* ---- reload ---- */

static void say_what_stays(const struct config *old, const struct config *config)
{
	if (old->marks != config->marks || old->max_flows != config->max_flows ||
	    old->snaplen != config->snaplen)
		log_warning("marks, max_flows and snaplen take effect when bpf-metro is restarted");
}

/* Puts the new configuration and its peers in force. On an error nothing has changed. */
static int reload_apply(struct daemon *d, struct config *config, struct peers *peers)
{
	int err = peers_inherit(peers, d->peers);

	if (!err)
		err = d->backend->ops->set_peers(d->backend, peers);
	if (err) {
		d->backend->ops->set_peers(d->backend, d->peers);
		return err;
	}
	sweep_all(d); /* what former peers still had goes out under the tags it was measured for */
	say_what_stays(d->config, config);
	d->sink->peers = peers;
	peers_free(d->peers);
	config_free(d->config);
	d->peers = peers;
	d->config = config;
	return 0;
}

static void reload_follow(struct daemon *d)
{
	struct backend_settings settings = backend_settings(d);

	log_follow(d);
	if (d->sink->ops->reconfigure && d->sink->ops->reconfigure(d->sink, d->config))
		log_error("going on with the StatsD server of before");
	d->backend->ops->follow(d->backend, &settings);
	if (monitor_configure(&d->monitor, d->config, d->backend))
		log_error("out of memory: some interfaces are not measured");
	monitor_follow(&d->monitor, d->backend);
	event_timer_set(d->timer, interval_s(d));
	resolver_follow(d); /* reports its errors */
	log_info("reloaded %s", d->options->config_path);
}

static void reload(struct daemon *d)
{
	struct config *config;
	struct peers *peers;
	int err;

	if (d->options->interface) {
		log_follow(d);
		return;
	}
	err = config_load(d->options->config_path, &config);
	if (err) {
		log_error("%s was not reloaded: going on with the configuration of before",
			  d->options->config_path);
		return;
	}
	err = peers_new(&peers, config);
	if (!err) {
		err = reload_apply(d, config, peers);
		if (err)
			peers_free(peers);
	}
	if (err) {
		log_error("%s was not reloaded: %s", d->options->config_path, strerror(-err));
		config_free(config);
		return;
	}
	reload_follow(d);
}

static void on_signal(void *arg, int fd)
{
	struct daemon *d = arg;
	int signal;

	while ((signal = event_signal_take(fd))) {
		if (signal == SIGHUP)
			reload(d);
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
	sigaddset(&set, SIGHUP);
	d->signals = event_signals(&set);
	d->timer = event_timer(interval_s(d));
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

static int start(struct daemon *d)
{
	int err;

	log_follow(d);
	err = event_loop_new(&d->loop);
	if (!err)
		err = listen_to_events(d);
	if (!err)
		err = peers_new(&d->peers, d->config);
	if (!err)
		err = monitor_configure(&d->monitor, d->config, d->backend);
	if (err) {
		log_error("starting: %s", strerror(-err));
		return err;
	}
	err = sink_open(d);
	if (!err)
		err = backend_start(d);
	if (!err)
		err = event_loop_add(d->loop, d->backend->ops->fd(d->backend), on_backend, d);
	if (!err)
		err = resolver_follow(d);
	return err;
}

static int run(struct daemon *d)
{
	int err = 0;

	while (!d->stop && !err) {
		err = event_loop_once(d->loop, !d->sweeping);
		if (d->sweeping && d->backend->ops->sweep(d->backend))
			report_end(d);
	}
	return err ? err : d->error;
}

/* Everything measured so far is delivered before the end. */
static void finish(struct daemon *d)
{
	__u64 counters[COUNTERS];

	if (d->backend->ops->drain)
		d->backend->ops->drain(d->backend);
	sweep_all(d);
	d->backend->ops->read(d->backend);
	d->backend->ops->counters(d->backend, counters);
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

	resolver_stop(d->resolver);
	backend_close(d);
	if (d->sink)
		err = d->sink->ops->close(d->sink);
	event_loop_free(d->loop);
	close_fd(d->signals);
	close_fd(d->timer);
	close_fd(d->watch);
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
	};
	int err = start(&d), closed;

	if (err && d.sink)
		d.sink->error = err; /* nothing was measured: there is nothing to say about it */
	if (!err) {
		err = run(&d);
		finish(&d);
	}
	closed = stop(&d);
	return err ? err : closed;
}
