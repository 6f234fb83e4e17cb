/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Puts together what the sink has added up and what the services know, for the server's thread. */
#include "exposing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "descriptor.h"
#include "listen_address.h"
#include "log.h"
#include "metrics_socket.h"
#include "sink_openmetrics.h"
#include "statsd_client.h"
#include "units.h"

/* ---- the socket ---- */

static int listen_unix(struct exposing *e, const char *path)
{
	int err = control_socket_listen(&e->socket, path);

	if (err)
		return err;
	/* The server closes its own; this one knows its place in the file system. */
	e->listening = fcntl(e->socket.fd, F_DUPFD_CLOEXEC, 0);
	err = e->listening < 0 ? -errno : 0;
	if (err)
		control_socket_close(&e->socket);
	return err;
}

static int listen_tcp(struct exposing *e, const struct listen_address *address)
{
	int fd = metrics_socket_listen(&address->addr, address->port);

	if (fd < 0)
		return fd;
	e->listening = fd;
	return 0;
}

int exposing_listen(struct exposing *e, const struct config *config)
{
	struct listen_address address;
	int err;

	if (!config->openmetrics_listen)
		return 0;
	err = listen_address_parse(config->openmetrics_listen, &address);
	if (!err)
		err = *address.path ? listen_unix(e, address.path) : listen_tcp(e, &address);
	if (err == -EEXIST)
		log_error("cannot serve OpenMetrics at %s: there is something that is no socket",
			  config->openmetrics_listen);
	else if (err)
		log_error("cannot serve OpenMetrics at %s: %s", config->openmetrics_listen,
			  strerror(-err));
	return err;
}

/* ---- what is shown ---- */

static void add_interfaces(struct snapshot *snapshot, const struct health_names *names,
			   bool measured)
{
	for (unsigned int i = 0; i < names->known; i++)
		snapshot_add_interface(snapshot, names->at[i], measured);
}

static double now_s(void)
{
	return (double)clock_ns(CLOCK_REALTIME) / (double)NS_PER_S;
}

static void fill_facts(struct exposing *e, struct snapshot *snapshot)
{
	struct snapshot_facts *facts = &snapshot->facts;
	char verdict[HEALTH_TEXT];
	struct health health = {};

	e->gather(e->arg, &health);
	facts->healthy = health_verdict(&health, verdict);
	snprintf(facts->backend, sizeof(facts->backend), "%s",
		 health.backend ? health.backend : "none");
	snprintf(facts->hook, sizeof(facts->hook), "%s", health.hook ? health.hook : "");
	snprintf(facts->fallback, sizeof(facts->fallback), "%s",
		 health.fallback ? health.fallback : "");
	facts->measured = health.measured.count;
	facts->awaited = health.awaited.count;
	add_interfaces(snapshot, &health.measured, true);
	add_interfaces(snapshot, &health.awaited, false);
	facts->interval_s = health.interval_s;
	facts->started_s = e->started_s;
	facts->reported_s = now_s() - (double)(health.now_ms - health.reported_ms) / 1000;
	health_clear(&health);
}

static void count_datagrams(struct snapshot *snapshot, struct sink *other)
{
	const struct statsd_counters *statsd;

	if (!other || !other->ops->server_counters)
		return;
	statsd = other->ops->server_counters(other);
	sink_openmetrics_count(snapshot, "datagrams_sent", "Datagrams sent to StatsD.",
			       statsd->sent);
	sink_openmetrics_count(snapshot, "datagrams_refused",
			       "Datagrams that StatsD or the network did not take.",
			       statsd->refused);
	sink_openmetrics_count(snapshot, "lines_overlong",
			       "Lines longer than a datagram, left out.", statsd->overlong);
}

void exposing_publish(struct exposing *e, struct sink *other)
{
	struct snapshot *snapshot;

	if (!e->server)
		return;
	snapshot = sink_openmetrics_snapshot(e->sink);
	if (!snapshot) {
		log_error(
			"OpenMetrics: out of memory: what is shown is that of an interval before");
		return;
	}
	fill_facts(e, snapshot);
	count_datagrams(snapshot, other);
	metrics_server_publish(e->server, snapshot);
}

/* ---- health ---- */

static void on_question(void *arg, int fd)
{
	struct exposing *e = arg;
	struct health health = {};
	char verdict[HEALTH_TEXT], *text = NULL;
	struct json json = {};
	size_t length;

	(void)fd;
	e->gather(e->arg, &health);
	if (!json_begin(&json)) {
		health_write(&health, &json);
		text = json_take(&json, &length);
	}
	metrics_server_answer(e->server, health_verdict(&health, verdict),
			      health_is_measuring(&health), text);
	health_clear(&health);
}

/* ---- life ---- */

static void close_sink(struct exposing *e)
{
	if (e->sink)
		e->sink->ops->close(e->sink);
	e->sink = NULL;
}

static void close_server(struct exposing *e)
{
	if (e->server)
		event_loop_remove(e->loop, metrics_server_question(e->server));
	metrics_server_stop(e->server);
	e->server = NULL;
	descriptor_close(&e->listening);
	control_socket_close(&e->socket);
	free(e->where);
	e->where = NULL;
}

static void say_where(const char *where)
{
	struct listen_address address;

	log_info("OpenMetrics at %s", where);
	if (!listen_address_parse(where, &address) && listen_address_is_exposed(&address))
		log_warning("OpenMetrics at %s can be read by other hosts, without a password and "
			    "in clear: 127.0.0.1 or [::1] is for this host alone",
			    where);
}

/* The socket that was opened becomes a server's. */
static int serve(struct exposing *e, const char *where)
{
	int err;

	e->where = strdup(where);
	err = e->where ? metrics_server_start(&e->server, e->listening) : -ENOMEM;
	if (e->where)
		e->listening = -1; /* taken over */
	if (!err)
		err = event_loop_add(e->loop, metrics_server_question(e->server), on_question, e);
	if (err) {
		log_error("cannot serve OpenMetrics at %s: %s", where, strerror(-err));
		close_server(e);
		return err;
	}
	say_where(where);
	return 0;
}

int exposing_start(struct exposing *e, struct event_loop *loop, const struct config *config,
		   const struct peers *peers)
{
	int err;

	e->loop = loop;
	e->started_s = now_s();
	if (!config->openmetrics_listen)
		return 0;
	err = sink_openmetrics_open(&e->sink, config, peers);
	if (!err)
		err = serve(e, config->openmetrics_listen);
	if (err)
		close_sink(e);
	return err;
}

/* The new place is opened before the old one is closed, so that a mistake changes nothing. Two
 * places of one port (127.0.0.1 and 0.0.0.0) exclude each other. */
static int move(struct exposing *e, const struct config *config, const struct peers *peers)
{
	struct exposing next = {.gather = e->gather,
				.arg = e->arg,
				.loop = e->loop,
				.listening = -1,
				.socket = {.fd = -1}};
	int err = exposing_listen(&next, config);

	if (err)
		return err;
	close_server(e);
	e->listening = next.listening;
	e->socket = next.socket;
	if (!e->sink)
		err = sink_openmetrics_open(&e->sink, config, peers);
	if (!err)
		err = serve(e, config->openmetrics_listen);
	if (!e->server)
		close_sink(e);
	return err;
}

int exposing_follow(struct exposing *e, const struct config *config, const struct peers *peers)
{
	if (!config->openmetrics_listen) {
		close_server(e);
		close_sink(e);
		return 0;
	}
	if (e->sink)
		e->sink->ops->reconfigure(e->sink, config);
	if (e->where && !strcmp(e->where, config->openmetrics_listen))
		return 0;
	return move(e, config, peers);
}

void exposing_stop(struct exposing *e)
{
	close_server(e);
	close_sink(e);
}
