// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * kernel_bench [ROUNDS]: nanoseconds that the programs take for a packet, by BPF_PROG_TEST_RUN.
 * Every case runs once a round, between two runs of its baseline; printed is, as a line of JSON a
 * case, the median over the rounds of what is left when the baseline is taken off.
 */
#include "array.h"
#include "bpf_flows.h"
#include "flow_slot.h"
#include "packet.h"
#include "../tools/measure.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS_MAX  11
#define NAME        96    /* bytes of a case's name */
#define CHUNK       20000 /* runs in one go: their records fill a part of the ring buffer */
#define CHUNKS      10
#define MANY_FLOWS  (1u << 20)
#define INTERVAL_MS 10000 /* between reports, by default */
#define PAUSE_MS    5     /* of the event loop: no more */
#define SEGMENT     1000

struct bench {
	struct bpf_programs programs;
	struct ring_buffer *ring;
};

struct frame {
	__u8 bytes[256];
	__u32 length;
};

/* What a case measures, and what of it is the baseline's. */
struct bench_case {
	const char *name;
	const struct frame *frame;
	int program, baseline; /* descriptors; 0: the program itself, idle */
	unsigned int packets;  /* in one run */
	__u32 flows;           /* power of two; 0: the packet is always the same */
	__u64 position;        /* runs so far: each flow goes on where it stands */
	double net[ROUNDS_MAX], base[ROUNDS_MAX];
};

static int drop_record(void *arg, void *data, size_t size)
{
	(void)arg, (void)data, (void)size;
	return 0;
}

static double run(struct bench *b, int program, const struct frame *frame, int chunks)
{
	double sum = 0;

	for (int i = 0; i < chunks; i++) {
		LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame->bytes,
			    .data_size_in = frame->length, .repeat = CHUNK);

		if (bpf_prog_test_run_opts(program, &opts)) {
			perror("kernel_bench: BPF_PROG_TEST_RUN");
			exit(1);
		}
		ring_buffer__consume(b->ring);
		sum += opts.duration;
	}
	return sum / chunks;
}

static void measure(struct bench *b, struct bench_case *c, int round)
{
	struct metro__bss *bss = b->programs.skel->bss;
	int baseline = c->baseline ? c->baseline : c->program;
	double base, with;

	bss->bench_flows_mask = c->flows ? c->flows - 1 : 0;
	bss->bench_idle = true;
	base = run(b, baseline, c->frame, CHUNKS);
	bss->bench_idle = false;
	bss->bench_run = c->position;
	with = run(b, c->program, c->frame, CHUNKS);
	c->position = bss->bench_run;
	bss->bench_idle = true;
	base = (base + run(b, baseline, c->frame, CHUNKS)) / 2;
	c->base[round] = base;
	c->net[round] = (with - base) / c->packets;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print(struct bench_case *c, int rounds)
{
	qsort(c->net, rounds, sizeof(*c->net), compare);
	qsort(c->base, rounds, sizeof(*c->base), compare);
	printf("{\"part\":\"kernel\",\"case\":\"%s\",\"unit\":\"ns a packet, net\",\"value\":%.1f,"
	       "\"min\":%.1f,\"max\":%.1f,\"baseline\":%.1f,\"ratio\":%.2f}\n",
	       c->name, c->net[rounds / 2], c->net[0], c->net[rounds - 1], c->base[rounds / 2],
	       c->net[rounds / 2] * c->packets / c->base[rounds / 2] + 1);
	fflush(stdout);
}

static void parse(const char *text, struct prefix *prefix)
{
	if (prefix_parse(text, prefix)) {
		fprintf(stderr, "kernel_bench: %s is no peer\n", text);
		exit(1);
	}
}

/* The peers of all cases, and this many others: addresses of 192.0.0.0/7, or every other /28 from
 * 172.0.0.0 on. */
static void set_peers(struct bench *b, unsigned int others, bool networks)
{
	struct prefix *prefixes = calloc(2 + others, sizeof(*prefixes));
	char text[PREFIX_TEXT];

	if (!prefixes)
		exit(1);
	parse("10.1.0.0/16", &prefixes[0]);
	parse("fd01::/32", &prefixes[1]);
	for (__u32 i = 0; i < others; i++) {
		__u32 addr = networks ? 0xac000000 + (i << 5) : 0xc0000001 + i * 77;

		snprintf(text, sizeof(text), networks ? "%u.%u.%u.%u/28" : "%u.%u.%u.%u",
			 addr >> 24, addr >> 16 & 0xff, addr >> 8 & 0xff, addr & 0xff);
		parse(text, &prefixes[2 + i]);
	}
	if (measure_peers(&b->programs, prefixes, 2 + others)) {
		fprintf(stderr, "kernel_bench: cannot measure %u peers\n", 2 + others);
		exit(1);
	}
	free(prefixes);
}

static void start(struct bench *b, unsigned int max_flows)
{
	struct backend_settings settings = {.marks = MARKS_DEFAULT,
					    .max_flows = max_flows,
					    .batch_limit = BATCH_MAX,
					    .batch_age = 1u << 30};
	char reason[BACKEND_REASON] = "out of memory";

	if (bpf_programs_load(&b->programs, &settings, false, reason)) {
		fprintf(stderr, "kernel_bench: %s\n", reason);
		exit(1);
	}
	b->ring = ring_buffer__new(bpf_map__fd(b->programs.skel->maps.records), drop_record, NULL,
				   NULL);
	if (!b->ring) {
		perror("kernel_bench: ring buffer");
		exit(1);
	}
	set_peers(b, 0, false);
}

static void stop(struct bench *b)
{
	ring_buffer__free(b->ring);
	bpf_programs_unload(&b->programs);
}

/* Cases that do not do what they say would be fast and worth nothing. */
static void check(const struct bench *b, __u32 flows)
{
	__u64 values[COUNTERS];

	/* In a full table, some find both of their buckets full (flow_slot.h). */
	if (bpf_programs_counters(&b->programs, values) || values[COUNTER_FLOWS] > flows ||
	    values[COUNTER_FLOWS] < flows - flows / 20000 || values[COUNTER_MARKS_THINNED] ||
	    values[COUNTER_ACKS_AMBIGUOUS] || values[COUNTER_ACKS_UNSEEN] ||
	    values[COUNTER_RING_LOST]) {
		fprintf(stderr, "kernel_bench: the flows do not do what they should\n");
		exit(1);
	}
}

/* ---- packets ---- */

static void make_ethernet(struct frame *f, __u16 type)
{
	memset(f, 0, sizeof(*f));
	f->bytes[12] = type >> 8;
	f->bytes[13] = type & 0xff;
	f->length = 14;
}

static void make_tcp(struct frame *f, __u8 flags)
{
	struct tcp_header tcp = {
		.source = htons(1024),
		.destination = htons(443),
		.seq = htonl(1),
		.data_offset = 5 << 4,
		.flags = flags,
	};

	memcpy(f->bytes + f->length, &tcp, sizeof(tcp));
	f->length += sizeof(tcp);
}

static struct frame make_v4(const char *peer, __u8 protocol, __u8 flags)
{
	struct ipv4_header ip = {
		.version_ihl = 0x45,
		.total_length = htons(sizeof(ip) + sizeof(struct tcp_header) + SEGMENT),
		.ttl = 64,
		.protocol = protocol,
		.source = htonl(0x0a000001),
	};
	struct frame f;

	inet_pton(AF_INET, peer, &ip.destination);
	make_ethernet(&f, ETHERTYPE_IPV4);
	memcpy(f.bytes + f.length, &ip, sizeof(ip));
	f.length += sizeof(ip);
	make_tcp(&f, flags);
	return f;
}

/* The ACK of make_v4's data, and of 1000 bytes of it. */
static struct frame make_v4_ack(const char *peer)
{
	struct frame f = make_v4(peer, PROTOCOL_TCP, TCP_ACK);
	struct ipv4_header *ip = (void *)(f.bytes + 14);
	struct tcp_header *tcp = (void *)(f.bytes + 34);
	__u32 local = ip->source;

	ip->source = ip->destination;
	ip->destination = local;
	ip->total_length = htons(sizeof(*ip) + sizeof(*tcp));
	tcp->source = htons(443);
	tcp->destination = htons(1024);
	tcp->ack = htonl(1 + SEGMENT);
	return f;
}

static struct frame make_v6(const char *peer)
{
	struct ipv6_header ip = {
		.version_class = 0x60,
		.payload_length = htons(sizeof(struct tcp_header) + SEGMENT),
		.next_header = PROTOCOL_TCP,
		.hop_limit = 64,
	};
	struct frame f;

	inet_pton(AF_INET6, "fd00::1", ip.source.bytes);
	inet_pton(AF_INET6, peer, ip.destination.bytes);
	make_ethernet(&f, ETHERTYPE_IPV6);
	memcpy(f.bytes + f.length, &ip, sizeof(ip));
	f.length += sizeof(ip);
	make_tcp(&f, TCP_ACK);
	return f;
}

/* ---- cases ---- */

#define EMPTY(bench)         .baseline = PROGRAM(bench, bench_empty), .packets = 1
#define PROGRAM(bench, name) bpf_program__fd((bench)->programs.skel->progs.name)

/* Goes once around all flows, and a little further: they are there then. */
static void make_flows(struct bench *b, struct bench_case *c)
{
	struct metro__bss *bss = b->programs.skel->bss;

	bss->bench_flows_mask = c->flows - 1;
	bss->bench_idle = false;
	bss->bench_run = 0;
	run(b, c->program, c->frame, (int)(c->flows / CHUNK + 1));
	c->position = bss->bench_run;
}

static void measure_all(struct bench *b, struct bench_case *cases, size_t count, int rounds)
{
	for (size_t i = 0; i < count; i++)
		if (cases[i].flows)
			make_flows(b, &cases[i]);
	for (int round = 0; round < rounds; round++)
		for (size_t i = 0; i < count; i++)
			measure(b, &cases[i], round);
	for (size_t i = 0; i < count; i++)
		print(&cases[i], rounds);
}

/* Packets that make no sample. */
static void bench_strangers(int rounds, unsigned int peers, bool networks)
{
	const struct frame udp = make_v4("203.0.113.1", 17, 0);
	const struct frame v4 = make_v4("203.0.113.1", PROTOCOL_TCP, TCP_ACK);
	const struct frame v6 = make_v6("fd99::1");
	const struct frame near = make_v4("172.0.0.16", PROTOCOL_TCP, TCP_ACK);
	static const char *const kinds[] = {
		"not TCP",
		"data to no peer",
		"data from no peer",
		"IPv6 data to no peer",
		"IPv6 data from no peer",
		"data to no peer, in the same /24 as one",
	};
	char names[ARRAY_SIZE(kinds)][NAME];
	struct bench b;

	start(&b, 1024);
	set_peers(&b, peers, networks);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		snprintf(names[i], NAME, "%s, of %u %s", kinds[i], peers,
			 networks ? "networks" : "addresses");
	struct bench_case cases[] = {
		{names[0], &udp, PROGRAM(&b, metro_out_eth), EMPTY(&b)},
		{names[1], &v4, PROGRAM(&b, metro_out_eth), EMPTY(&b)},
		{names[2], &v4, PROGRAM(&b, metro_in_eth), EMPTY(&b)},
		{names[3], &v6, PROGRAM(&b, metro_out_eth), EMPTY(&b)},
		{names[4], &v6, PROGRAM(&b, metro_in_eth), EMPTY(&b)},
		{names[5], &near, PROGRAM(&b, metro_out_eth), EMPTY(&b)},
	};
	measure_all(&b, cases, networks ? ARRAY_SIZE(cases) : ARRAY_SIZE(cases) - 1, rounds);
	stop(&b);
}

/* Connections of a peer that are nobody's: it is one for another port alone; and those of a flow
 * and of a new one where it is one for theirs. */
static void bench_ports(int rounds)
{
	struct ports ssh = {1, {{22, 22}}}, https = {2, {{22, 22}, {443, 443}}};
	const struct frame data = make_v4("10.1.0.0", PROTOCOL_TCP, TCP_ACK);
	struct prefix peer;
	struct bench b;

	parse("10.1.0.0/16", &peer);
	start(&b, 1024);
	if (measure_ports(&b.programs, &peer, 1, &ssh))
		exit(1);
	struct bench_case other = {"data to a peer, other port", &data, PROGRAM(&b, metro_out_eth),
				   EMPTY(&b)};
	measure_all(&b, &other, 1, rounds);
	if (measure_ports(&b.programs, &peer, 1, &https))
		exit(1);
	struct bench_case pair = {"data and ACK with sample, mean of both, by port", &data,
				  .program = PROGRAM(&b, bench_pair_v4), .packets = 2, .flows = 1};
	measure_all(&b, &pair, 1, rounds);
	check(&b, 1);
	stop(&b);
}

static void bench_flows(int rounds, __u32 flows)
{
	const struct frame v4 = make_v4("10.1.0.0", PROTOCOL_TCP, TCP_ACK);
	const struct frame v6 = make_v6("fd01::");
	char names[2][NAME];
	struct bench b;

	start(&b, 2 * flows > 1024 ? 2 * flows : 1024);
	snprintf(names[0], NAME, "data and ACK with sample, mean of both, %u flows", flows);
	snprintf(names[1], NAME, "IPv6 data and ACK with sample, mean of both, %u flows", flows);
	struct bench_case cases[] = {
		{names[0], &v4, .program = PROGRAM(&b, bench_pair_v4), .packets = 2,
		 .flows = flows},
		{names[1], &v6, .program = PROGRAM(&b, bench_pair_v6), .packets = 2,
		 .flows = flows},
	};
	measure_all(&b, cases, ARRAY_SIZE(cases), rounds);
	check(&b, 2 * flows);
	stop(&b);
}

/* Where the time of a known flow's packet goes, and packets of one that make no sample. */
static void bench_stages(int rounds)
{
	const struct frame data = make_v4("10.1.0.0", PROTOCOL_TCP, TCP_ACK);
	const struct frame ack = make_v4_ack("10.1.0.0");
	struct bench b;

	start(&b, 1024);
	run(&b, PROGRAM(&b, metro_out_eth), &data, 1);
	run(&b, PROGRAM(&b, metro_in_eth), &ack, 1);
	struct bench_case cases[] = {
		{"stage: parse", &data, PROGRAM(&b, bench_parse), EMPTY(&b)},
		{"stage: parse, filter peers", &data, PROGRAM(&b, bench_filter), EMPTY(&b)},
		{"stage: .., find the flow", &data, PROGRAM(&b, bench_find), EMPTY(&b)},
		{"stage: .., lock and unlock it", &data, PROGRAM(&b, bench_lock), EMPTY(&b)},
		{"stage: one clock read", &data, PROGRAM(&b, bench_clock), EMPTY(&b)},
		{"data sent again", &data, PROGRAM(&b, metro_out_eth), EMPTY(&b)},
		{"ACK without sample", &ack, PROGRAM(&b, metro_in_eth), EMPTY(&b)},
	};
	measure_all(&b, cases, ARRAY_SIZE(cases), rounds);
	stop(&b);
}

static void touch(int map, __u32 entries, __u32 size)
{
	static char value[FLOW_SLOT_SIZE(MARKS_DEFAULT)];
	__u32 step = 4096 / size;

	for (__u32 i = 0; i < entries; i += step)
		bpf_map_lookup_elem(map, &i, value);
}

/* The first use of a page takes 2 us where a hypervisor makes page tables by need. */
static void touch_table(const struct bench *b, __u32 flows)
{
	touch(b->programs.flows, flows, FLOW_SLOT_SIZE(MARKS_DEFAULT));
	touch(bpf_map__fd(b->programs.skel->maps.flow_index), 1u << flow_index_bits(flows),
	      sizeof(struct flow_bucket));
}

/* Each packet is of a new flow; and what it costs when there is no room for one. */
static void bench_creation(int rounds)
{
	const struct frame v4 = make_v4("10.1.0.0", PROTOCOL_TCP, TCP_ACK);
	struct bench b;
	struct bench_case new_flow = {"new flow", &v4, .packets = 1, .flows = MANY_FLOWS};
	struct bench_case refused = {"new flow, table full", &v4, .packets = 1,
				     .flows = MANY_FLOWS};

	start(&b, MANY_FLOWS);
	touch_table(&b, MANY_FLOWS);
	new_flow.program = PROGRAM(&b, bench_data_v4);
	for (int round = 0; round < (rounds < 5 ? rounds : 5); round++)
		measure(&b, &new_flow, round); /* a fifth of them each */
	print(&new_flow, rounds < 5 ? rounds : 5);
	stop(&b);

	start(&b, 16);
	refused.program = PROGRAM(&b, bench_data_v4);
	make_flows(&b, &refused);
	for (int round = 0; round < rounds; round++)
		measure(&b, &refused, round);
	print(&refused, rounds);
	stop(&b);
}

/* One walk over all flows. Returns nanoseconds; *longest becomes those of its longest step. Both of
 * this thread's CPU: what others do meanwhile is not the walk's. */
static double walk_once(struct bench *b, struct flow_walk *walk, double *longest)
{
	const struct flow_walk_terms terms = {};
	__u64 begin = clock_ns(CLOCK_THREAD_CPUTIME_ID), step = begin, now = begin;

	*longest = 0;
	for (int done = 0; !done; step = now) {
		done = flow_walk_step(walk, &terms);
		ring_buffer__consume(b->ring);
		now = clock_ns(CLOCK_THREAD_CPUTIME_ID);
		if (now - step > *longest)
			*longest = now - step;
	}
	return now - begin;
}

/* Its baseline is the time that it may take: the ratio is the share that it takes. */
static void print_walk(const char *what, __u32 flows, double may, double *values, int rounds)
{
	qsort(values, rounds, sizeof(*values), compare);
	printf("{\"part\":\"kernel\",\"case\":\"walk over %u flows, %s\",\"unit\":\"ms\","
	       "\"value\":%.3f,\"min\":%.3f,\"max\":%.3f,\"baseline\":%.0f,\"ratio\":%.4f}\n",
	       flows, what, values[rounds / 2], values[0], values[rounds - 1], may,
	       values[rounds / 2] / may);
}

/* The walk that ends every report interval: samples wait in every flow for the first one, the
 * others find nothing to do. */
static void bench_walk(int rounds, __u32 flows)
{
	const struct frame v4 = make_v4("10.1.0.0", PROTOCOL_TCP, TCP_ACK);
	struct bench_case pairs = {.frame = &v4, .flows = flows};
	double first, first_step, idle[ROUNDS_MAX], steps[ROUNDS_MAX];
	struct flow_walk *walk;
	struct bench b;

	start(&b, flows);
	pairs.program = PROGRAM(&b, bench_pair_v4);
	make_flows(&b, &pairs);
	if (flow_walk_new(&walk, b.programs.flows, bpf_map__fd(b.programs.skel->maps.fresh_slots),
			  PROGRAM(&b, metro_sweep), MARKS_DEFAULT))
		exit(1);
	first = walk_once(&b, walk, &first_step) / 1e6;
	for (int round = 0; round < rounds; round++) {
		idle[round] = walk_once(&b, walk, &steps[round]) / 1e6;
		steps[round] /= 1e6;
	}
	print_walk("samples waiting in each", flows, INTERVAL_MS, &first, 1);
	print_walk("nothing to do", flows, INTERVAL_MS, idle, rounds);
	print_walk("its longest step", flows, PAUSE_MS, steps, rounds);
	flow_walk_free(walk);
	stop(&b);
}

int main(int argc, char *argv[])
{
	int rounds = argc > 1 ? atoi(argv[1]) : ROUNDS_MAX;

	if (rounds < 1 || rounds > ROUNDS_MAX)
		rounds = ROUNDS_MAX;
	bench_stages(rounds);
	for (unsigned int peers = 1; peers <= 100000; peers *= peers == 1 ? 1000 : 100)
		for (int networks = 0; networks < 2; networks++)
			bench_strangers(rounds, peers, networks);
	bench_ports(rounds);
	bench_flows(rounds, 1);
	bench_flows(rounds, 1024);
	bench_flows(rounds, MANY_FLOWS);
	bench_creation(rounds);
	bench_walk(rounds, 1024);
	bench_walk(rounds, MANY_FLOWS);
	return 0;
}
