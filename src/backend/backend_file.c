/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The backend for capture files: as fast as they can be read, by the capture's own clock. */
#include "backend.h"
#include "capture_file.h"
#include "expression.h"
#include "privileges.h"
#include "frame.h"
#include "local_addresses.h"
#include "packet_key.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IFACE        "file"
#define PACKETS_READ 4096 /* in one go */
#define GROUP        16   /* of them whose flows are fetched into the cache together */

/* A pipe may go on for weeks, so flows that are over are dropped. By the capture's clock. */
#define PIPE_IDLE_NS  (3600 * NS_PER_S)
#define PIPE_ENDED_NS (60 * NS_PER_S)
#define PIPE_SWEEP_NS (10 * NS_PER_S)

/* A packet that waits for its group to be complete. */
struct waiting {
	struct flow_segment segment;
	__u64 number;
};

struct backend_file {
	struct backend backend;
	struct backend_settings settings;
	const char *path;
	struct capture_file *file;
	struct flow_table *table;
	struct local_addresses local;
	struct expression *expression; /* NULL: none */
	struct captured packet;        /* the last one read */
	struct waiting waiting[GROUP];
	unsigned int waiting_count;
	__u64 number;  /* of the packet that is run through the table */
	int link_type; /* of the packets before, and our name for it */
	enum link_layer link;
	bool link_known;
	const struct peers *peers; /* NULL: all */
	__u64 unknown;             /* packets of unknown link types */
	__u64 undirected;          /* TCP segments of which no way is known, where that matters */
	struct seen seen;
	bool sweeping; /* a pipe's flows are being swept, since swept_ns */
	__u64 swept_ns;
};

static struct backend_file *self(struct backend *backend)
{
	return (struct backend_file *)backend;
}

static void deliver(void *arg, const struct flow_record *record)
{
	struct backend_file *b = arg;
	struct delivery delivery = {
		.record = record,
		.iface = IFACE,
		.wall_ns = record->time_ns,
		.frame = b->number,
	};

	b->settings.deliver(b->settings.arg, &delivery);
}

/* What is sent, and what received, where data that goes one way is measured. */
static unsigned int directions_of_way(unsigned int captured, enum way way)
{
	unsigned int sent = way == WAY_IN ? CAPTURED_ARRIVED : CAPTURED_LEFT;
	unsigned int received = way == WAY_IN ? CAPTURED_LEFT : CAPTURED_ARRIVED;

	return (captured & sent ? DIRECTION_SENT : 0) |
	       (captured & received ? DIRECTION_RECEIVED : 0);
}

static unsigned int directions(const struct backend_file *b, const struct packet *p)
{
	if (!b->local.count)
		return DIRECTION_SENT | DIRECTION_RECEIVED;
	return (local_addresses_have(&b->local, &p->src) ? DIRECTION_SENT : 0) |
	       (local_addresses_have(&b->local, &p->dst) ? DIRECTION_RECEIVED : 0);
}

/* Packets of one file can be of different interfaces, but mostly are not. */
static bool link_follow(struct backend_file *b)
{
	char reason[BACKEND_REASON];
	int err = 0;

	if (b->packet.link_type == b->link_type)
		return b->link_known;
	b->link_type = b->packet.link_type;
	b->link_known = frame_link_layer(b->link_type, &b->link) == 0;
	if (b->link_known && b->expression)
		err = expression_follow(b->expression, b->link_type, reason, sizeof(reason));
	if (err && err != -EALREADY)
		log_warning("%s: packet %llu: --filter: %s; such packets are left out", b->path,
			    b->packet.number, reason);
	b->link_known &= !err;
	return b->link_known;
}

static void run_group(struct backend_file *b)
{
	for (unsigned int i = 0; i < b->waiting_count; i++)
		flow_table_fetch(b->table, &b->waiting[i].segment);
	for (unsigned int i = 0; i < b->waiting_count; i++) {
		b->number = b->waiting[i].number;
		flow_table_run(b->table, &b->waiting[i].segment);
	}
	b->waiting_count = 0;
}

static void count_unknown(struct backend_file *b)
{
	const char *name = pcap_datalink_val_to_name(b->link_type);
	char number[16];

	snprintf(number, sizeof(number), "%d", b->link_type);
	seen_count(b->seen.links, name ? name : number);
	b->unknown++;
}

static bool is_measured(const struct backend_file *b, const struct flow_key *key)
{
	return !b->peers || peers_match(b->peers, key);
}

static void count_segment(struct seen *seen, const struct backend_file *b,
			  const struct flow_segment *segment)
{
	const struct packet *p = &segment->packet;
	const struct flow_key data = packet_key_sent(p, segment->ifindex),
			      answered = packet_key_received(p, segment->ifindex);
	bool sent = segment->directions & DIRECTION_SENT && is_measured(b, &data);
	bool received = segment->directions & DIRECTION_RECEIVED && is_measured(b, &answered);

	seen->tcp_ours += sent || received;
	seen->sent += sent;
	seen->received += received;
	seen->data += sent && p->payload;
}

/* Has it one end on the ports that were asked for? */
static bool has_port(const struct backend_file *b, const struct packet *p)
{
	const struct ports *ports = b->settings.ports;

	return !ports || ports_have(ports, p->sport) || ports_have(ports, p->dport);
}

/* Is this packet of use, as far as one can tell without its bytes? */
static bool is_wanted(struct backend_file *b)
{
	const struct captured *c = &b->packet;

	if (!link_follow(b)) {
		count_unknown(b);
		return false;
	}
	if (!c->timed) {
		if (!b->seen.untimed++)
			log_warning("%s: packet %llu has no time stamp; such packets are left out",
				    b->path, c->number);
		return false;
	}
	if (b->expression &&
	    !expression_matches(b->expression, c->bytes, c->length, c->wire_length)) {
		b->seen.filtered++;
		return false;
	}
	return true;
}

/* The segment in the place that is free next waits for its group. */
static void queue(struct backend_file *b)
{
	struct waiting *waiting = &b->waiting[b->waiting_count++];

	flow_table_expect(b->table, &waiting->segment);
	waiting->number = b->packet.number;
}

/* .. once for each way that is measured. */
static void queue_ways(struct backend_file *b)
{
	const struct flow_segment segment = b->waiting[b->waiting_count].segment;
	unsigned int captured = captured_way(&b->packet);
	bool counted = false;

	if (!captured) {
		b->undirected++;
		return;
	}
	for (enum way way = WAY_OUT; way <= WAY_IN; way++) {
		struct flow_segment *next = &b->waiting[b->waiting_count].segment;

		if (!(b->settings.ways & way))
			continue;
		*next = segment;
		next->ifindex = interface_number(b->settings.file_index, way);
		next->directions = directions_of_way(captured, way);
		if (!counted)
			count_segment(&b->seen, b, next);
		counted = true;
		queue(b);
	}
}

static void measure(struct backend_file *b)
{
	struct flow_segment *segment = &b->waiting[b->waiting_count].segment;
	const struct captured *c = &b->packet;
	struct inside inside;
	enum packet_kind kind;

	b->seen.packets++;
	if (!is_wanted(b))
		return;
	kind = frame_parse(b->link, c->bytes, c->length, c->wire_length, &segment->packet, &inside);
	if (kind != PACKET_TCP) {
		flow_table_unread(b->table, kind);
		if (inside.unread)
			seen_count(b->seen.unread, inside.unread);
		return;
	}
	if (inside.passed)
		seen_count(b->seen.inside, inside.passed);
	if (!has_port(b, &segment->packet)) {
		b->seen.tcp++;
		b->seen.other_ports++;
		return;
	}
	segment->now_ns = c->time_ns;
	segment->epoch = 0;
	segment->place = 0; /* with an ID, the place does not matter */
	if (!segment->packet.id)
		segment->place = frame_place(b->link, c->bytes, c->length, c->interface, &inside);
	b->seen.tcp++;
	if (b->settings.ways) {
		queue_ways(b);
	} else {
		segment->ifindex = b->settings.file_index;
		segment->directions = directions(b, &segment->packet);
		count_segment(&b->seen, b, segment);
		queue(b);
	}
	if (b->waiting_count + 2 > GROUP)
		run_group(b);
}

static int file_end(const struct backend_file *b)
{
	if (b->seen.packets && b->unknown == b->seen.packets) {
		log_error("%s: no packet has a link type that bpf-metro can read", b->path);
		return -ENOTSUP;
	}
	if (b->undirected && b->undirected == b->seen.tcp) {
		log_error("%s does not say which way packets went, which -Q needs: capture with "
			  "`tcpdump -i any`, or into pcapng with directions",
			  b->path);
		return -ENOTSUP;
	}
	if (b->undirected)
		log_warning("%s: %llu TCP segments are left out, since the file does not say which "
			    "way they went",
			    b->path, b->undirected);
	return 1;
}

static int file_next(struct backend_file *b)
{
	char reason[BACKEND_REASON];
	int status = capture_file_next(b->file, &b->packet, reason, sizeof(reason));

	if (status == 1) {
		measure(b);
		return 0;
	}
	if (status < 0 && status != -EAGAIN && status != -EINTR)
		log_error("%s: %s%s", b->path, reason,
			  b->packet.number ? "; the packets before it were read" : "");
	return status < 0 ? status : file_end(b);
}

static void sweep_pipe(struct backend_file *b)
{
	__u64 now_ns = b->packet.time_ns;
	struct sweep_terms terms = sweep_terms(now_ns, PIPE_IDLE_NS, PIPE_ENDED_NS);

	if (!b->packet.timed || (!b->sweeping && now_ns - b->swept_ns < PIPE_SWEEP_NS))
		return;
	if (!b->sweeping)
		b->swept_ns = now_ns;
	b->sweeping = !flow_table_sweep(b->table, &terms);
}

static int file_read(struct backend *backend)
{
	struct backend_file *b = self(backend);
	int status = 0;

	for (int i = 0; i < PACKETS_READ && !status; i++)
		status = file_next(b);
	run_group(b);
	if (capture_file_fd(b->file) >= 0)
		sweep_pipe(b);
	return status == -EINTR ? 0 : status;
}

/* A file without peers is measured as a whole. */
static int file_set_peers(struct backend *backend, const struct peers *peers)
{
	struct backend_file *b = self(backend);

	b->peers = peers;
	flow_table_set_peers(b->table, peers);
	return 0;
}

static int file_fd(struct backend *backend)
{
	return capture_file_fd(self(backend)->file);
}

/* Flows of a file never time out: its clock may jump, and an answer may be hours away. A walk that
 * a pipe has begun is finished first. */
static bool file_sweep(struct backend *backend)
{
	struct backend_file *b = self(backend);
	bool complete = flow_table_sweep(b->table, NULL), sweeping = b->sweeping;

	b->sweeping = sweeping && !complete;
	return complete && !sweeping;
}

static void file_counters(struct backend *backend, __u64 values[COUNTERS])
{
	memcpy(values, flow_table_counters(self(backend)->table), COUNTERS * sizeof(*values));
}

static void file_seen(struct backend *backend, struct seen *seen)
{
	struct backend_file *b = self(backend);

	*seen = b->seen;
	flow_table_seen(b->table, seen);
	if (b->peers)
		seen->ours = SEEN_PEERS;
	else if (b->local.count)
		seen->ours = SEEN_LOCAL;
}

bool backend_file_tell_progress(struct backend *backend, struct backend_file_progress *progress)
{
	const struct backend_file *b = self(backend);

	progress->share = capture_file_share(b->file);
	progress->packets = b->seen.packets;
	return progress->share >= 0;
}

static void file_close(struct backend *backend)
{
	struct backend_file *b = self(backend);

	flow_table_free(b->table);
	capture_file_close(b->file);
	local_addresses_free(&b->local);
	expression_free(b->expression);
	free(b);
}

static const struct backend_ops file_ops = {
	.name = "file",
	.set_peers = file_set_peers,
	.fd = file_fd,
	.read = file_read,
	.sweep = file_sweep,
	.counters = file_counters,
	.seen = file_seen,
	.close = file_close,
};

static int open_capture(struct backend_file *b, const char *path, char reason[BACKEND_REASON])
{
	char detail[BACKEND_REASON - 64];
	int err = capture_file_new(&b->file, path, detail, sizeof(detail));
	const char *advice = privileges_advice(err);

	if (!err && b->settings.opened) {
		err = b->settings.opened(b->settings.arg, b->file);
		if (err) {
			reason[0] = '\0';
			return err;
		}
	}
	if (!err)
		err = capture_file_begin(b->file);
	if (err)
		snprintf(reason, BACKEND_REASON, "%.60s: %s%s", b->path, detail, advice);
	return err;
}

void backend_file_tell_refused(const char *path, const __u64 counters[COUNTERS])
{
	if (counters[COUNTER_FLOWS_REFUSED])
		log_warning("%s: %llu segments were left out: at most %u connections are measured "
			    "at a time",
			    capture_file_name(path), counters[COUNTER_FLOWS_REFUSED],
			    BACKEND_FILE_FLOWS);
}

/* There is memory enough, but most flows of a large file never need many marks. */
static void choose_marks(struct backend_settings *s)
{
	s->marks = s->file_marks ? s->file_marks : MARKS_MIN;
	s->marks_most = s->file_marks ? 0 : MARKS_MAX;
}

int backend_file_open(struct backend **backend, const struct backend_settings *settings,
		      const char *path, const struct address *local, size_t local_count,
		      char reason[BACKEND_REASON])
{
	struct backend_file *b = calloc(1, sizeof(*b));
	int err;

	if (!b)
		return -ENOMEM;
	b->backend.ops = &file_ops;
	b->settings = *settings;
	choose_marks(&b->settings);
	b->path = capture_file_name(path);
	b->link_type = -1;
	err = open_capture(b, path, reason);
	if (!err)
		err = local_addresses_set(&b->local, local, local_count);
	if (!err)
		err = backend_flow_table(&b->table, &b->settings, true, deliver, b);
	if (!err && settings->expression)
		err = expression_new(&b->expression, settings->expression);
	if (err) {
		file_close(&b->backend);
		return err;
	}
	*backend = &b->backend;
	return 0;
}
