/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * replay FILE [MARKS [PORT]...]: runs a capture through the BPF programs, by BPF_PROG_TEST_RUN and
 * by the capture's clock, and prints the samples as `bpf-metro -r FILE --output json` does. The two
 * must be the same, line by line: one engine, compiled twice.
 *
 * Each packet is received and sent, as with `-r` without --local. Packets larger than a test run
 * takes are cut: the programs go by the lengths in the IP header.
 */
#include "capture_file.h"
#include "copies.h"
#include "engine.h"
#include "frame.h"
#include "measure.h"
#include "sink.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FLOWS      65536
#define PACKET_MAX 3072 /* bytes of a packet handed on: a page, less what an skb needs itself */
#define ETHERNET   14   /* test runs begin with an Ethernet header, behind which the network's is */

struct replay {
	struct bpf_programs programs;
	struct ring_buffer *ring;
	struct capture_file *file;
	struct captured packet;
	struct copies copies;
	struct sink *sink;
};

static int on_record(void *arg, void *data, size_t size)
{
	struct replay *r = arg;
	const struct flow_record *record = data;
	struct delivery delivery = {
		.record = record,
		.iface = "file",
		.wall_ns = record->time_ns,
		.frame = r->packet.number,
	};

	(void)size;
	r->sink->ops->take(r->sink, &delivery);
	return 0;
}

/* Whom to measure: everybody, on these ports or ranges of them if there are any. */
static int measure_all(struct replay *r, char *const texts[])
{
	struct ports ports = {};
	struct port_range range;
	struct prefix all[2];

	for (; *texts; texts++)
		if (ports_parse(*texts, &range) || ports_add(&ports, &range))
			return -EINVAL;

	if (prefix_parse("0.0.0.0/0", &all[0]) || prefix_parse("::/0", &all[1]))
		return -EINVAL;
	return measure_ports(&r->programs, all, 2, ports.count ? &ports : NULL);
}

static int run(struct replay *r, const struct bpf_program *program, const __u8 *bytes, __u32 length)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = bytes, .data_size_in = length);

	if (bpf_prog_test_run_opts(bpf_program__fd(program), &opts))
		return -errno;
	return ring_buffer__consume(r->ring) < 0 ? -EIO : 0;
}

static long load(void *ctx, __u32 offset, void *to, __u32 len)
{
	const struct captured *c = ctx;

	if (offset > c->length || len > c->length - offset)
		return -ENODATA;
	memcpy(to, c->bytes + offset, len);
	return 0;
}

/* Does this begin as what the kernel's hooks see, and can read? */
static bool is_for_kernel(struct captured *c, enum link_layer link)
{
	struct packet p;

	return link == LINK_ETHERNET &&
	       packet_parse(c, load, link, c->wire_length, &p) != PACKET_OTHER;
}

/* A hook sees each packet once, where a capture may have it twice. */
static bool is_copy(struct replay *r, enum link_layer link)
{
	const struct captured *c = &r->packet;
	struct inside inside;
	struct packet p;

	if (frame_parse(link, c->bytes, c->length, c->wire_length, &p, &inside) != PACKET_TCP ||
	    !engine_heeds_sent(&p))
		return false;
	return copies_have(&r->copies, &p, copies_hash(&p, 0), c->time_ns,
			   p.id ? 0
				: frame_place(link, c->bytes, c->length, c->interface, &inside));
}

/* The kernel's hooks see Ethernet or bare IP; headers of other link layers, and of tunnels, are
 * taken off. */
static int replay_packet(struct replay *r)
{
	const struct metro *skel = r->programs.skel;
	struct captured *c = &r->packet;
	__u8 bytes[ETHERNET + PACKET_MAX] = {};
	struct inside inside = {};
	enum link_layer link;
	__u32 length;
	bool ethernet;
	int err;

	if (!c->timed || frame_link_layer(c->link_type, &link))
		return 0;
	ethernet = is_for_kernel(c, link);
	if (!ethernet && decapsulate(link, c->bytes, c->length, &inside) != PACKET_TCP)
		return 0;
	if (c->length < inside.offset + ETHERNET)
		return 0;
	length = c->length - inside.offset < PACKET_MAX ? c->length - inside.offset : PACKET_MAX;
	memcpy(bytes + (ethernet ? 0 : ETHERNET), c->bytes + inside.offset, length);
	length += ethernet ? 0 : ETHERNET;
	r->programs.skel->bss->replay_ns = c->time_ns;
	err = run(r, ethernet ? skel->progs.metro_in_eth : skel->progs.metro_in_ip, bytes, length);
	if (err || is_copy(r, link))
		return err;
	return run(r, ethernet ? skel->progs.metro_out_eth : skel->progs.metro_out_ip, bytes,
		   length);
}

static int next_packet(struct replay *r, char reason[BACKEND_REASON])
{
	int status;

	do
		status = capture_file_next(r->file, &r->packet, reason, BACKEND_REASON);
	while (status == -EINTR);
	return status;
}

static int replay_file(struct replay *r, const char *path, char reason[BACKEND_REASON])
{
	int status = capture_file_open(&r->file, path, reason, BACKEND_REASON);

	if (status)
		return status;
	while ((status = next_packet(r, reason)) == 1) {
		status = replay_packet(r);
		if (status) {
			snprintf(reason, BACKEND_REASON, "packet %llu: %s", r->packet.number,
				 strerror(-status));
			break;
		}
	}
	capture_file_close(r->file);
	return status;
}

static int start(struct replay *r, unsigned int marks, char *const ports[],
		 char reason[BACKEND_REASON])
{
	struct backend_settings settings = {.marks = marks, .max_flows = FLOWS, .batch_limit = 1};
	int err;

	err = bpf_programs_load(&r->programs, &settings, true, reason);
	if (err)
		return err;
	r->ring = ring_buffer__new(bpf_map__fd(r->programs.skel->maps.records), on_record, r, NULL);
	err = r->ring ? measure_all(r, ports) : -errno;
	if (err)
		snprintf(reason, BACKEND_REASON, "starting: %s", strerror(-err));
	return err;
}

int main(int argc, char *argv[])
{
	char reason[BACKEND_REASON] = "out of memory";
	static struct replay r;
	int err;

	if (argc < 2) {
		fprintf(stderr, "usage: replay FILE [MARKS [PORT]...]\n");
		return 2;
	}
	err = sink_json_open(&r.sink, NULL);
	if (err)
		return 1;
	err = start(&r, argc > 2 ? (unsigned int)atoi(argv[2]) : MARKS_DEFAULT,
		    argv + (argc > 2 ? 3 : argc), reason);
	if (!err)
		err = replay_file(&r, argv[1], reason);
	if (err)
		fprintf(stderr, "replay: %s: %s\n", argv[1], reason);
	ring_buffer__free(r.ring);
	bpf_programs_unload(&r.programs);
	return r.sink->ops->close(r.sink) || err ? 1 : 0;
}
