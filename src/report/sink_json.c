/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One JSON object per line and sample, for programs. Keys and their order are a contract. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "decimal.h"
#include "json_escape.h"
#include "output.h"
#include "sink.h"
#include "timestamp.h"

#define CACHED_FLOWS  512 /* a power of two */
#define ESCAPED_IFACE (JSON_ESCAPED * IFNAMSIZ)
#define MIDDLE_MAX    (ESCAPED_IFACE + 2 * ADDRESS_TEXT + 80)
#define LINE_REST     128 /* of a line: everything but the middle and the end */
#define KEY_IN        ",\"direction\":\"in\""
#define END_MAX       (sizeof(KEY_IN) + CONTAINER_ID + POD_UID + 64)

/*
 * The part of a line that is the same for all samples of a flow: from the quote after the time to
 * the colon before the RTT. Making it costs more than the rest of the line, so it is kept for flows
 * seen lately, each in the one place that its hash selects.
 */
struct flow_text {
	struct flow_key key;
	char iface[IFNAMSIZ];
	unsigned int length; /* 0: this place is free */
	char middle[MIDDLE_MAX];
	char end[END_MAX]; /* the way's key, and a container's */
};

struct json_sink {
	struct sink sink;
	struct timestamp timestamp;
	struct output output;
	struct flow_text flows[CACHED_FLOWS];
};

/* Does some instance with this peer want the container's keys? */
static void ask_instance(void *arg, const struct instance *instance)
{
	bool *wanted = arg;

	*wanted |= instance->containers;
}

static const struct container *container_of_flow(const struct sink *sink,
						 const struct flow_key *key)
{
	const struct container *container = NULL;
	bool wanted = false;

	if (sink->containers)
		container = container_table_find(sink->containers,
						 interface_number_index(key->ifindex));
	if (container && sink->peers)
		peers_each_instance(sink->peers, key, ask_instance, &wanted);
	return wanted ? container : NULL;
}

static struct json_sink *json_sink(struct sink *sink)
{
	return (struct json_sink *)sink;
}

/* Both are of characters that JSON takes as they are. */
static void make_end(struct flow_text *flow, const struct container *container)
{
	char *to = flow->end;

	*to = '\0';
	if (interface_number_way(flow->key.ifindex) == WAY_IN)
		to = stpcpy(to, KEY_IN);
	if (container && *container->id)
		to = stpcpy(stpcpy(stpcpy(to, ",\"container_id\":\""), container->id), "\"");
	if (container && *container->pod_uid)
		stpcpy(stpcpy(stpcpy(to, ",\"pod_uid\":\""), container->pod_uid), "\"");
}

static void make_flow_text(struct flow_text *flow, const struct flow_key *key, const char *iface,
			   const struct container *container)
{
	char *to = flow->middle;

	flow->key = *key;
	snprintf(flow->iface, sizeof(flow->iface), "%s", iface);
	to = json_escape(stpcpy(to, "\",\"iface\":\""), flow->iface);
	to = address_write(&key->local, stpcpy(to, "\",\"src\":\""));
	to = decimal(stpcpy(to, "\",\"sport\":"), key->local_port);
	to = address_write(&key->peer, stpcpy(to, ",\"dst\":\""));
	to = decimal(stpcpy(to, "\",\"dport\":"), key->peer_port);
	to = stpcpy(to, ",\"rtt_ns\":");
	flow->length = (unsigned int)(to - flow->middle);
	make_end(flow, container);
}

/* Connections of one host differ in a port and in the peer's last bits: mix those. */
static unsigned int cache_place(const struct flow_key *key)
{
	__u32 hash = key->local.words[3] ^ key->peer.words[3] * 0x9e3779b1;

	hash ^= ((__u32)key->local_port << 16 | key->peer_port) * 0x85ebca6b;
	hash *= 0xc2b2ae35;
	return (hash >> 16) & (CACHED_FLOWS - 1);
}

static const struct flow_text *flow_text(struct json_sink *json, const struct delivery *delivery)
{
	const struct flow_key *key = &delivery->record->key;
	struct flow_text *flow = &json->flows[cache_place(key)];

	if (!flow->length || memcmp(&flow->key, key, sizeof(*key)) ||
	    strncmp(flow->iface, delivery->iface, sizeof(flow->iface) - 1))
		make_flow_text(flow, key, delivery->iface, container_of_flow(&json->sink, key));
	return flow;
}

static void write_sample(struct json_sink *json, const struct delivery *delivery, __u32 rtt)
{
	const struct flow_text *flow = flow_text(json, delivery);
	char *to = output_room(&json->output, MIDDLE_MAX + END_MAX + LINE_REST);

	to = stpcpy(to, "{\"time\":\"");
	to = stpcpy(to, timestamp_text(&json->timestamp, delivery->wall_ns));
	memcpy(to, flow->middle, flow->length);
	to = decimal(to + flow->length, (__u64)rtt * TICK_NS);
	if (delivery->frame)
		to = decimal(stpcpy(to, ",\"frame\":"), delivery->frame);
	to = stpcpy(stpcpy(to, flow->end), "}\n");
	output_filled(&json->output, to);
}

static void json_take(struct sink *sink, const struct delivery *delivery)
{
	struct json_sink *json = json_sink(sink);

	if (delivery->record->flags & RECORD_HANDSHAKE)
		return;                         /* a handshake's time is no sample */
	json->output.patient = delivery->frame; /* a file's packets can wait */
	for (unsigned int i = 1; i <= delivery->record->count; i++)
		write_sample(json, delivery, delivery->record->rtt[i]);
	sink->error = json->output.error;
}

static void json_relabel(struct sink *sink, __u32 ifindex)
{
	struct json_sink *json = json_sink(sink);

	for (size_t i = 0; i < CACHED_FLOWS; i++)
		if (!ifindex || json->flows[i].key.ifindex == ifindex)
			json->flows[i].length = 0;
}

static void json_flush(struct sink *sink)
{
	sink->error = output_flush(&json_sink(sink)->output);
}

static void json_report(struct sink *sink, const __u64 counters[COUNTERS])
{
	(void)counters;
	json_flush(sink);
}

static int json_fd(struct sink *sink)
{
	return json_sink(sink)->output.room;
}

static __u64 json_lost(struct sink *sink)
{
	return json_sink(sink)->output.lost;
}

static int json_close(struct sink *sink)
{
	struct json_sink *json = json_sink(sink);
	int error = output_close(&json->output);

	free(json);
	return error;
}

static const struct sink_ops json_ops = {
	.name = "json",
	.batch_limit = 1,
	.take = json_take,
	.relabel = json_relabel,
	.report = json_report,
	.flush = json_flush,
	.close = json_close,
	.fd = json_fd,
	.resume = json_flush,
	.lost = json_lost,
};

int sink_json_open(struct sink **sink, const struct peers *peers)
{
	struct json_sink *json = calloc(1, sizeof(*json));
	int err = json ? output_open(&json->output, STDOUT_FILENO) : -ENOMEM;

	if (err) {
		log_error("cannot start JSON output: %s", strerror(-err));
		free(json);
		return err;
	}
	json->sink.ops = &json_ops;
	json->sink.peers = peers;
	timestamp_init(&json->timestamp, TIMESTAMP_UTC);
	*sink = &json->sink;
	return 0;
}
