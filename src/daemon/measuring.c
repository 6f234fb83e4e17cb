/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Chooses, starts, reads, sweeps and closes the backend that measures interfaces. */
#include "measuring.h"

#include "log.h"
#include "memory_advice.h"
#include "privileges.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A fraction of the interval, at most what 32 bits of ticks hold with room to spare. */
static unsigned int batch_age(double interval_s)
{
	double wait = interval_s / 4 < 60 ? interval_s / 4 : 60;

	return (unsigned int)(wait * NS_PER_S / TICK_NS);
}

struct backend_settings measuring_settings(const struct measuring *m, const struct config *config)
{
	return (struct backend_settings){
		.marks = m->choice->marks ? m->choice->marks : config->marks,
		.file_marks = m->choice->marks,
		.max_flows = config->max_flows,
		.snaplen = config->snaplen,
		.capture_buffer = config->pcap_buffer << 20,
		.batch_limit = m->batch_limit,
		.batch_age = batch_age(config->report_interval_s),
		.delay_ns = m->batch_limit == 1 ? m->choice->delay_ns : 0,
		.idle_ns = config->idle_ttl_s * NS_PER_S,
		.ended_ns = config->exp_ttl_s * NS_PER_S,
		.handshakes = config->metrics & METRIC_BIT(METRIC_HANDSHAKE) ||
			      config->openmetrics_listen,
		.hook = m->choice->hook,
		.expression = m->choice->expression,
		.deliver = m->ops->deliver,
		.arg = m->arg,
	};
}

/* ---- the choice ---- */

static bool is_bpf(const struct measuring *m)
{
	return !strcmp(m->backend->ops->name, "bpf");
}

/* Of what loading took, what is needed to go on. */
static void keep_privileges(const struct measuring *m)
{
	bool both = m->choice->backend == BACKEND_AUTO;

	if (is_bpf(m))
		privileges_keep("measuring with BPF", NEED_BPF | (both ? NEED_PACKETS : 0));
}

static int try_backend(struct measuring *m, backend_opener open, const struct config *config,
		       const struct peers *peers, char reason[BACKEND_REASON])
{
	struct backend_settings settings = measuring_settings(m, config);
	int err = open(&m->backend, &settings, reason);

	if (err)
		return err;
	keep_privileges(m); /* before a thread takes hold of interfaces, which inherits them */
	snprintf(reason, BACKEND_REASON, "cannot set the peers");
	err = m->backend->ops->set_peers(m->backend, peers);
	if (!err)
		err = m->ops->attach(m->arg, m->backend, reason);
	if (err)
		measuring_close(m);
	return err;
}

static int try_bpf(struct measuring *m, const struct config *config, const struct peers *peers,
		   char reason[BACKEND_REASON])
{
	int err = try_backend(m, m->ops->open_bpf, config, peers, reason);

	if (err)
		memory_after_failure(config, measuring_settings(m, config).marks, err, reason);
	return err;
}

static void say_fallback(struct measuring *m, const char *reason)
{
	snprintf(m->fallback, sizeof(m->fallback), "%s", reason);
	log_warning("BPF cannot be used here: %s; falling back to libpcap", reason);
}

unsigned int measuring_needs(const struct measuring *m)
{
	const struct measuring_choice *choice = m->choice;

	if (choice->backend == BACKEND_BPF)
		return NEED_BPF | NEED_MEMORY;
	if (choice->backend == BACKEND_PCAP || choice->expression)
		return NEED_PACKETS;
	return NEED_BPF | NEED_MEMORY | NEED_PACKETS;
}

static int try_pcap(struct measuring *m, const struct config *config, const struct peers *peers,
		    char reason[BACKEND_REASON])
{
	privileges_keep("measuring with libpcap", NEED_PACKETS);
	return try_backend(m, m->ops->open_pcap, config, peers, reason);
}

static int choose(struct measuring *m, const struct config *config, const struct peers *peers,
		  char reason[BACKEND_REASON])
{
	enum backend_choice choice = m->choice->backend;
	int err = -ENOTSUP;

	if (m->choice->expression && choice == BACKEND_AUTO) {
		log_info("--filter does not work with BPF: measuring with libpcap");
		choice = BACKEND_PCAP;
	}
	if (choice != BACKEND_PCAP)
		err = try_bpf(m, config, peers, reason);
	if (err && err != -ENODEV && choice == BACKEND_AUTO)
		say_fallback(m, reason);
	if (err && err != -ENODEV && choice != BACKEND_BPF)
		err = try_pcap(m, config, peers, reason);
	return err;
}

static void on_backend(void *arg, int fd)
{
	struct measuring *m = arg;
	const struct backend_ops *ops = m->backend->ops;
	int err = 0;

	(void)fd;
	if (!ops->due || ops->due(m->backend))
		err = ops->read(m->backend);
	if (err < 0) {
		log_critical("cannot go on measuring: %s", strerror(-err));
		m->ops->failed(m->arg, err);
	}
}

/* Has the loop read what was chosen, unless that went wrong. */
static int begin(struct measuring *m, const struct config *config, int err,
		 char reason[BACKEND_REASON])
{
	if (!err) {
		err = event_loop_add(m->loop, m->backend->ops->fd(m->backend), on_backend, m);
		if (err) {
			snprintf(reason, BACKEND_REASON, "%s", strerror(-err));
			measuring_close(m);
		}
	}
	if (err)
		log_critical("cannot measure: %s", reason);
	else
		memory_when_measuring(config, measuring_settings(m, config).marks, is_bpf(m));
	return err;
}

int measuring_start(struct measuring *m, const struct config *config, const struct peers *peers)
{
	char reason[BACKEND_REASON] = "out of memory";
	int err;

	m->fallback[0] = '\0';
	err = choose(m, config, peers, reason);

	return begin(m, config, err, reason);
}

bool measuring_may_fall_back(const struct measuring *m)
{
	return m->choice->backend == BACKEND_AUTO && is_bpf(m);
}

int measuring_fall_back(struct measuring *m, const struct config *config, const struct peers *peers,
			const char *why)
{
	char reason[BACKEND_REASON] = "out of memory";
	int err;

	say_fallback(m, why);
	measuring_close(m);
	err = try_pcap(m, config, peers, reason);
	return begin(m, config, err, reason);
}

void measuring_close(struct measuring *m)
{
	if (!m->backend)
		return;
	event_loop_remove(m->loop, m->backend->ops->fd(m->backend));
	m->ops->detach(m->arg, m->backend);
	m->backend->ops->close(m->backend);
	m->backend = NULL;
	m->sweeping = false;
}

/* ---- what changes ---- */

void measuring_follow(struct measuring *m, const struct config *config)
{
	struct backend_settings settings = measuring_settings(m, config);

	if (m->backend)
		m->backend->ops->follow(m->backend, &settings);
}

int measuring_set_peers(struct measuring *m, const struct peers *peers)
{
	return m->backend ? m->backend->ops->set_peers(m->backend, peers) : 0;
}

void measuring_change_peers(struct measuring *m, const struct peers *peers)
{
	if (!m->backend)
		return;
	m->backend->ops->read(m->backend);
	m->backend->ops->set_peers(m->backend, peers);
	measuring_sweep_all(m);
}

/* ---- what was measured ---- */

void measuring_sweep(struct measuring *m, bool on)
{
	m->sweeping = on && m->backend;
}

bool measuring_step(struct measuring *m)
{
	if (!m->sweeping || !m->backend->ops->sweep(m->backend))
		return false;
	m->sweeping = false;
	return true;
}

void measuring_sweep_all(struct measuring *m)
{
	for (int walks = 0; m->backend && walks < 2; walks++)
		while (!m->backend->ops->sweep(m->backend))
			;
	if (m->backend && m->backend->ops->settle)
		m->backend->ops->settle(m->backend);
}

void measuring_deliver_all(struct measuring *m)
{
	if (m->backend)
		m->backend->ops->read(m->backend);
	measuring_sweep_all(m);
}

void measuring_finish(struct measuring *m)
{
	if (m->backend && m->backend->ops->drain)
		m->backend->ops->drain(m->backend);
	measuring_sweep_all(m);
}

void measuring_counters(struct measuring *m, __u64 counters[COUNTERS])
{
	m->backend->ops->read(m->backend);
	m->backend->ops->counters(m->backend, counters);
}
