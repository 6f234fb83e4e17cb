/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The backend for capture files: as fast as they can be read, by the capture's own clock. */
#include "backend.h"
#include "flow_table.h"
#include "frame.h"
#include "local_addresses.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IFACE	     "file"
#define PACKETS_READ 4096 /* in one go */

struct backend_file {
	struct backend backend;
	struct backend_settings settings;
	const char *path;
	pcap_t *pcap;
	enum link_layer link;
	struct flow_table *table;
	struct local_addresses local;
	__u64 frame;
};

static struct backend_file *self(struct backend *backend)
{
	return (struct backend_file *) backend;
}

static void deliver(void *arg, const struct flow_record *record)
{
	struct backend_file *b = arg;
	struct batch batch = {
		.record = record,
		.iface = IFACE,
		.wall_ns = record->time_ns,
		.frame = b->frame,
	};

	b->settings.deliver(b->settings.arg, &batch);
}

static unsigned int directions(const struct backend_file *b, const struct packet *p)
{
	if (!b->local.count)
		return DIRECTION_SENT | DIRECTION_RECEIVED;
	return (local_addresses_have(&b->local, &p->src) ? DIRECTION_SENT : 0) |
	       (local_addresses_have(&b->local, &p->dst) ? DIRECTION_RECEIVED : 0);
}

static void on_packet(u_char *arg, const struct pcap_pkthdr *header, const u_char *bytes)
{
	struct backend_file *b = (void *) arg;
	enum packet_kind kind;
	struct packet packet;
	__u64 now;

	b->frame++;
	kind = frame_parse(b->link, bytes, header->caplen, header->len, &packet);
	if (kind != PACKET_TCP) {
		flow_table_unread(b->table, kind);
		return;
	}
	/* tv_usec holds nanoseconds: the file was opened so. */
	now = header->ts.tv_sec * 1000000000ull + header->ts.tv_usec;
	flow_table_packet(b->table, &packet, now, 0, directions(b, &packet));
}

static int file_read(struct backend *backend)
{
	struct backend_file *b = self(backend);
	int n = pcap_dispatch(b->pcap, PACKETS_READ, on_packet, (void *) b);

	if (n > 0)
		return 0;
	if (n == 0)
		return 1;
	log_error("%s: packet %llu: %s", b->path, b->frame + 1, pcap_geterr(b->pcap));
	return -EIO;
}

static int file_fd(struct backend *backend)
{
	(void) backend;
	return -1;
}

/* Flows of a file never time out: its clock may jump, and an answer may be hours away. */
static bool file_sweep(struct backend *backend)
{
	return flow_table_sweep(self(backend)->table, 0, 0);
}

static void file_counters(struct backend *backend, __u64 values[COUNTERS])
{
	memcpy(values, flow_table_counters(self(backend)->table), COUNTERS * sizeof(*values));
}

static void file_close(struct backend *backend)
{
	struct backend_file *b = self(backend);

	flow_table_free(b->table);
	if (b->pcap)
		pcap_close(b->pcap);
	local_addresses_free(&b->local);
	free(b);
}

static const struct backend_ops file_ops = {
	.name = "file",
	.fd = file_fd,
	.read = file_read,
	.sweep = file_sweep,
	.counters = file_counters,
	.close = file_close,
};

static int open_capture(struct backend_file *b, char reason[BACKEND_REASON])
{
	char error[PCAP_ERRBUF_SIZE];
	int dlt;

	b->pcap = pcap_open_offline_with_tstamp_precision(b->path, PCAP_TSTAMP_PRECISION_NANO,
							  error);
	if (!b->pcap) {
		snprintf(reason, BACKEND_REASON, "%s: %.200s", b->path, error);
		return -EIO;
	}
	dlt = pcap_datalink(b->pcap);
	if (frame_link_layer(dlt, &b->link)) {
		const char *name = pcap_datalink_val_to_name(dlt);

		snprintf(reason, BACKEND_REASON,
			 "%s: link type %d (%s) is not known; known are Ethernet, raw IP, Linux "
			 "cooked v1 and v2, and loopback",
			 b->path, dlt, name ? name : "?");
		return -ENOTSUP;
	}
	return 0;
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
	b->path = path;
	err = open_capture(b, reason);
	if (!err)
		err = local_addresses_set(&b->local, local, local_count);
	if (!err) {
		struct flow_table_settings table = {
			.engine = {.mark_mask = settings->marks - 1,
				   .batch_limit = settings->batch_limit,
				   .batch_age = settings->batch_age},
			.max_flows = settings->max_flows,
			.emit = deliver,
			.arg = b,
		};
		err = flow_table_new(&b->table, &table);
	}
	if (err) {
		file_close(&b->backend);
		return err;
	}
	*backend = &b->backend;
	return 0;
}
