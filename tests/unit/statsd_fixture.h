/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A StatsD sink with its server, and instances with peers and tags. Include after cmocka.h. */
#ifndef METRO_TEST_STATSD_FIXTURE_H
#define METRO_TEST_STATSD_FIXTURE_H

#include <net/if.h>
#include <poll.h>

#include "array.h"
#include "capture.h"
#include "plain_environment.h"
#include "sinks.h"
#include "some_links.h"

struct statsd_fixture {
	int server;
	__u32 lo;
	struct config config;
	struct peers *peers;
	struct sink *sink;
	struct capture log;
};

static struct statsd_fixture fixture;

static char *web_hosts[] = {"www.example.org"};
static char *web_tags[] = {"env:bench", "role:peer"};
static char *net_tags[] = {"net:lab", "", "a|b\nc"};
static struct prefix web_ips[1], net_ips[1], same_ips[1];
static struct instance instances[] = {
	{
		.interface = "lo",
		.ips = web_ips,
		.ips_count = 1,
		.hosts = web_hosts,
		.hosts_count = 1,
		.tags = web_tags,
		.tags_count = 2,
	},
	{
		.interface = "lo",
		.ips = net_ips,
		.ips_count = 1,
		.tags = net_tags,
		.tags_count = 3,
	},
	{
		/* Some of the first one's peers, with the same tags. */
		.interface = "lo",
		.ips = same_ips,
		.ips_count = 1,
		.tags = web_tags,
		.tags_count = 2,
	},
};

static inline int statsd_setup(void **state)
{
	struct statsd_fixture *f = &fixture;
	struct address www[2];

	plain_environment();
	f->lo = if_nametoindex("lo");
	flow.ifindex = f->lo;
	log_capture(&f->log);
	f->server = server_open("127.0.0.1", 0);
	if (prefix_parse("10.0.0.2", &web_ips[0]) || prefix_parse("10.9.0.0/16", &net_ips[0]) ||
	    prefix_parse("10.8.0.0/16", &same_ips[0]))
		return -1;
	f->config = (struct config){
		.statsd_ip = "127.0.0.1",
		.statsd_port = server_port(f->server),
		.metrics = METRICS_DEFAULT,
		.idle_ttl_s = 300,
		.instances = instances,
		.instances_count = 3,
	};
	if (peers_new(&f->peers, &f->config, &some_links))
		return -1;
	if (address_parse("10.8.0.1", &www[0]) || address_parse("10.9.0.1", &www[1]) ||
	    peers_set_host(f->peers, "www.example.org", www, 2) != 1 || peers_update(f->peers) != 1)
		return -1;
	*state = f;
	return sink_statsd_open(&f->sink, &f->config, f->peers);
}

static inline int statsd_teardown(void **state)
{
	struct statsd_fixture *f = *state;

	if (f->sink)
		f->sink->ops->close(f->sink);
	peers_free(f->peers);
	log_release(&f->log);
	close(f->server);
	return 0;
}

/* Another sink, after the test has changed the fixture's configuration. */
static inline void statsd_reopen(struct statsd_fixture *f)
{
	f->sink->ops->close(f->sink);
	f->sink = NULL;
	assert_int_equal(sink_statsd_open(&f->sink, &f->config, f->peers), 0);
}

/* The end of an interval. Returns the number of datagrams, whose text is in the buffer. */
static inline int statsd_report_into(struct statsd_fixture *f, char *text, size_t size)
{
	f->sink->ops->report(f->sink, NULL);
	return server_receive_all(f->server, text, size);
}

/* Sends what waits, as the event loop does. */
static inline void statsd_pump(struct sink *sink)
{
	struct pollfd waiting = {.fd = sink->ops->fd(sink), .events = POLLIN};

	while (poll(&waiting, 1, 100) > 0)
		sink->ops->resume(sink);
}

#define STATSD_TEST(name) cmocka_unit_test_setup_teardown(name, statsd_setup, statsd_teardown)

/* 20, 22 and 21 ms: mean 21, differences 2 and 1. */
static const __u32 three[] = {20 * TICKS_A_MS, 22 * TICKS_A_MS, 21 * TICKS_A_MS};

#endif
