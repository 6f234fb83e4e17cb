/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Opens the chosen sink and keeps it supplied: deliveries, reports, peers, the server's address. */
#include "reporting.h"

#include "clock.h"
#include "log.h"
#include "screen.h"
#include "sink_top.h"

#include <string.h>
#include <unistd.h>

static int open_chosen(struct reporting *r, const struct config *config, const struct peers *peers)
{
	switch (r->output) {
	case OUTPUT_JSON:
		return sink_json_open(&r->sink, peers);
	case OUTPUT_TEXT:
		return sink_text_open(&r->sink, peers);
	case OUTPUT_TOP:
		return sink_top_open(&r->sink, peers);
	case OUTPUT_SUMMARY:
		return sink_summary_open(&r->sink, config, peers);
	default:
		return sink_statsd_open(&r->sink, config, peers);
	}
}

static int sink_fd(const struct reporting *r)
{
	return r->sink && r->sink->ops->fd ? r->sink->ops->fd(r->sink) : -1;
}

static void on_sink(void *arg, int fd)
{
	struct reporting *r = arg;

	(void)fd;
	r->sink->ops->resume(r->sink);
}

static void on_timer(void *arg, int fd)
{
	struct reporting *r = arg;

	event_timer_take(fd);
	r->due(r->arg);
}

static int listen_to_events(struct reporting *r)
{
	int err = 0;

	r->timer = event_timer(r->interval_s);
	if (r->timer < 0)
		return r->timer;
	if (sink_fd(r) >= 0)
		err = event_loop_add(r->loop, sink_fd(r), on_sink, r);
	return err ? err : event_loop_add(r->loop, r->timer, on_timer, r);
}

int reporting_prepare(const struct reporting *r)
{
	return r->output == OUTPUT_TOP ? screen_prepare() : 0;
}

int reporting_start(struct reporting *r, struct event_loop *loop, const struct config *config,
		    const struct peers *peers)
{
	int err;

	r->loop = loop;
	r->timer = -1;
	r->interval_s = config->report_interval_s;
	r->reported_ms = monotonic_ms();
	err = open_chosen(r, config, peers);
	if (err)
		return err;
	err = listen_to_events(r);
	if (err)
		log_critical("cannot start: %s", strerror(-err));
	return err;
}

unsigned int reporting_batch_limit(const struct reporting *r)
{
	return r->sink->ops->batch_limit;
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

void reporting_take(struct reporting *r, const struct delivery *delivery)
{
	if (log_get_level() <= LEVEL_TRACE)
		trace(delivery);
	r->sink->ops->take(r->sink, delivery);
	if (r->exposed)
		r->exposed->ops->take(r->exposed, delivery);
}

__u64 reporting_lost(const struct reporting *r)
{
	return r->sink && r->sink->ops->lost ? r->sink->ops->lost(r->sink) : 0;
}

void reporting_flush(struct reporting *r)
{
	if (r->sink && r->sink->ops->flush)
		r->sink->ops->flush(r->sink);
}

void reporting_report(struct reporting *r, const __u64 counters[COUNTERS])
{
	if (r->sink->ops->report)
		r->sink->ops->report(r->sink, counters);
	if (r->exposed)
		r->exposed->ops->report(r->exposed, counters);
	r->reported_ms = monotonic_ms();
}

void reporting_end_interval(struct reporting *r, const __u64 counters[COUNTERS])
{
	reporting_report(r, counters);
	losses_log(&r->losses, counters);
}

bool reporting_is_over(const struct reporting *r)
{
	return r->sink->error || r->sink->over;
}

void reporting_state(struct reporting *r, const char *text, const char *fallback)
{
	if (r->sink->ops->state)
		r->sink->ops->state(r->sink, text, fallback);
}

void reporting_terminal(struct reporting *r, int signal)
{
	if (r->sink && r->sink->ops->terminal)
		r->sink->ops->terminal(r->sink, signal);
}

struct silence_terms reporting_silence_terms(const struct reporting *r,
					     const __u64 counters[COUNTERS])
{
	return (struct silence_terms){
		.now_ns = monotonic_ns(),
		.interval_s = r->interval_s,
		.watched = r->watched,
		.ports = r->sink->peers && peers_ports(r->sink->peers)->count,
		.counters = counters,
	};
}

void reporting_set_peers(struct reporting *r, const struct peers *peers)
{
	r->sink->peers = peers;
	if (r->exposed)
		r->exposed->peers = peers;
	reporting_relabel(r, 0);
}

void reporting_set_containers(struct reporting *r, const struct container_table *containers)
{
	r->sink->containers = containers;
	if (r->exposed)
		r->exposed->containers = containers;
}

void reporting_relabel(struct reporting *r, __u32 ifindex)
{
	if (r->sink->ops->relabel)
		r->sink->ops->relabel(r->sink, ifindex);
	if (r->exposed)
		r->exposed->ops->relabel(r->exposed, ifindex);
}

void reporting_expose(struct reporting *r, struct sink *sink)
{
	r->exposed = sink;
	if (!sink)
		return;
	sink->peers = r->sink->peers;
	sink->containers = r->sink->containers;
}

int reporting_follow(struct reporting *r, const struct config *config)
{
	const struct sink_ops *ops = r->sink->ops;
	int err = ops->reconfigure ? ops->reconfigure(r->sink, config) : 0;

	if (err)
		log_error("keeping the old StatsD server");
	r->interval_s = config->report_interval_s;
	event_timer_set(r->timer, r->interval_s);
	return err;
}

const char *reporting_server_name(const struct reporting *r)
{
	return r->sink->ops->server_name ? r->sink->ops->server_name(r->sink) : NULL;
}

void reporting_set_server(struct reporting *r, const struct address *addrs, size_t count)
{
	if (r->sink->ops->set_server)
		r->sink->ops->set_server(r->sink, addrs, count);
}

bool reporting_chooses_server(const struct reporting *r)
{
	return r->sink->ops->set_server != NULL;
}

void reporting_abandon(struct reporting *r, int err)
{
	if (r->sink)
		r->sink->error = err;
}

int reporting_close(struct reporting *r)
{
	int err;

	if (!r->sink) {
		screen_close(); /* prepared at most */
		return 0;
	}
	if (sink_fd(r) >= 0)
		event_loop_remove(r->loop, sink_fd(r));
	err = r->sink->ops->close(r->sink);
	r->sink = NULL;
	if (r->timer >= 0) {
		event_loop_remove(r->loop, r->timer);
		close(r->timer);
	}
	return err;
}
