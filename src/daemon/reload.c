/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* SIGHUP: another configuration, without losing the flows that stay. */
#include "daemon_state.h"
#include "statsd_choice.h"

#include <errno.h>
#include <string.h>

static bool reads(const struct config *config, const char *path)
{
	for (size_t i = 0; i < config->instances_count; i++)
		if (config->instances[i].pcap && !strcmp(config->instances[i].pcap, path))
			return true;
	return false;
}

static bool has_more_captures(const struct config *old, const struct config *config)
{
	for (size_t i = 0; i < config->instances_count; i++)
		if (config->instances[i].pcap && !reads(old, config->instances[i].pcap))
			return true;
	return false;
}

static void say_what_stays(const struct config *old, const struct config *config)
{
	if (old->marks != config->marks || old->max_flows != config->max_flows ||
	    old->snaplen != config->snaplen)
		log_warning("marks, max_flows and snaplen take effect when bpf-metro is restarted");
	if (has_more_captures(old, config))
		log_warning("capture files are read when bpf-metro is started, and only then");
}

/* Puts the new configuration and its peers in force. On an error nothing has changed. */
static int apply(struct daemon *d, struct config *config, struct peers *peers)
{
	int err = peers_inherit(peers, d->peers);
	__u64 counters[COUNTERS];

	duty_cycle_apply(&d->duty_cycle, config, peers);
	if (!err && d->backend)
		err = d->backend->ops->set_peers(d->backend, peers);
	if (err) {
		duty_cycle_apply(&d->duty_cycle, d->config, d->peers);
		if (d->backend)
			d->backend->ops->set_peers(d->backend, d->peers);
		return err;
	}
	if (d->backend) { /* what was measured goes out under the names and tags of before */
		daemon_sweep_all(d);
		daemon_report(d, counters);
	}
	say_what_stays(d->config, config);
	d->sink->peers = peers;
	peers_free(d->peers);
	config_free(d->config);
	d->peers = peers;
	d->config = config;
	return 0;
}

/* A configuration that had only capture files may have interfaces now. */
static void follow_backend(struct daemon *d)
{
	struct backend_settings settings = daemon_backend_settings(d);

	if (monitor_configure(&d->monitor, d->config, d->backend))
		log_error("out of memory: some interfaces are not measured");
	if (!d->backend && daemon_has_interfaces(d->config))
		daemon_backend_start(d);
	if (!d->backend)
		return;
	d->backend->ops->follow(d->backend, &settings);
	monitor_follow(&d->monitor, d->backend);
}

static void follow(struct daemon *d)
{
	daemon_follow_log(d);
	if (d->sink->ops->reconfigure && d->sink->ops->reconfigure(d->sink, d->config))
		log_error("going on with the StatsD server of before");
	follow_backend(d);
	event_timer_set(d->timer, daemon_interval_s(d));
	daemon_follow_names(d); /* reports its errors */
	log_info("reloaded %s", d->options->config_path);
}

/* A file that leaves the server to the environment may find mistakes there. */
static int load(const struct daemon *d, struct config **config)
{
	struct statsd_server server;
	int err = config_load(d->options->config_path, config);

	if (err || !d->sink->ops->reconfigure) /* which StatsD's alone has */
		return err;
	err = statsd_server_choose(&server, *config);
	if (err)
		config_free(*config);
	return err;
}

void daemon_reload(struct daemon *d)
{
	struct config *config;
	struct peers *peers;
	int err;

	if (d->options->interface) {
		daemon_follow_log(d);
		return;
	}
	err = load(d, &config);
	if (err) {
		log_error("%s was not reloaded: going on with the configuration of before",
			  d->options->config_path);
		return;
	}
	daemon_apply_options(d->options, config);
	err = peers_new(&peers, config);
	if (!err) {
		err = apply(d, config, peers);
		if (err)
			peers_free(peers);
	}
	if (err) {
		log_error("%s was not reloaded: %s", d->options->config_path, strerror(-err));
		config_free(config);
		return;
	}
	follow(d);
}
