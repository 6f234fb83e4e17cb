/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What measures for the daemon: BPF, or libpcap where BPF is not to be had. */
#include "daemon_state.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

typedef int (*backend_opener)(struct backend **backend, const struct backend_settings *settings,
			      char reason[BACKEND_REASON]);

/* A fraction of the interval, at most what 32 bits of ticks hold with room to spare. */
static unsigned int batch_age(double interval)
{
	double wait = interval / 4 < 60 ? interval / 4 : 60;

	return (unsigned int)(wait * NS_PER_S / TICK_NS);
}

struct backend_settings daemon_backend_settings(struct daemon *d)
{
	const struct config *c = d->config;

	return (struct backend_settings){
		.marks = d->options->marks ? d->options->marks : c->marks,
		.file_marks = d->options->marks,
		.max_flows = c->max_flows,
		.snaplen = c->snaplen,
		.batch_limit = d->sink->ops->batch_limit,
		.batch_age = batch_age(daemon_interval_s(d)),
		.idle_ns = c->idle_ttl_s * NS_PER_S,
		.ended_ns = c->exp_ttl_s * NS_PER_S,
		.handshakes = c->metrics & METRIC_BIT(METRIC_HANDSHAKE),
		.hook = d->options->hook,
		.expression = d->options->filter,
		.deliver = daemon_deliver,
		.arg = d,
	};
}

bool daemon_has_interfaces(const struct config *config)
{
	for (size_t i = 0; i < config->instances_count; i++)
		if (!config->instances[i].pcap)
			return true;
	return false;
}

void daemon_backend_close(struct daemon *d)
{
	monitor_detach(&d->monitor, d->backend);
	if (d->backend)
		d->backend->ops->close(d->backend);
	d->backend = NULL;
}

static int backend_try(struct daemon *d, backend_opener open, char reason[BACKEND_REASON])
{
	struct backend_settings settings = daemon_backend_settings(d);
	int err = open(&d->backend, &settings, reason);

	if (err)
		return err;
	snprintf(reason, BACKEND_REASON, "setting the peers failed");
	err = d->backend->ops->set_peers(d->backend, d->peers);
	if (!err)
		err = monitor_start(&d->monitor, d->backend, reason);
	if (err)
		daemon_backend_close(d);
	return err;
}

static int backend_choose(struct daemon *d, char reason[BACKEND_REASON])
{
	enum backend_choice choice = d->options->backend;
	int err = -ENOTSUP;

	if (d->options->filter && choice == BACKEND_AUTO) {
		log_info("--filter selects libpcap: BPF measures with a program of its own");
		choice = BACKEND_PCAP;
	}
	if (choice != BACKEND_PCAP)
		err = backend_try(d, backend_bpf_open, reason);
	if (err && err != -ENODEV && choice == BACKEND_AUTO)
		log_warning("BPF is not possible here: %s; measuring with libpcap", reason);
	if (err && err != -ENODEV && choice != BACKEND_BPF)
		err = backend_try(d, backend_pcap_open, reason);
	return err;
}

static void on_backend(void *arg, int fd)
{
	struct daemon *d = arg;
	int err = d->backend->ops->read(d->backend);

	(void)fd;
	if (err < 0) {
		log_critical("measuring has come to an end: %s", strerror(-err));
		d->error = err;
		d->stop = true;
	}
}

int daemon_backend_start(struct daemon *d)
{
	char reason[BACKEND_REASON] = "out of memory";
	int err = backend_choose(d, reason);

	if (!err) {
		err = event_loop_add(d->loop, d->backend->ops->fd(d->backend), on_backend, d);
		if (err) {
			snprintf(reason, sizeof(reason), "%s", strerror(-err));
			daemon_backend_close(d);
		}
	}
	if (err)
		log_critical("cannot measure: %s", reason);
	return err;
}

void daemon_sweep_all(struct daemon *d)
{
	for (int walks = 0; walks < 2; walks++)
		while (!d->backend->ops->sweep(d->backend))
			;
}

void daemon_peers_changed(struct daemon *d)
{
	d->backend->ops->read(d->backend);
	d->backend->ops->set_peers(d->backend, d->peers);
	daemon_sweep_all(d);
}
