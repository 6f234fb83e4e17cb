/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Segments of flows 0, 1, 2 .. that go through the BPF programs by BPF_PROG_TEST_RUN. */
#ifndef METRO_TEST_RUN_H
#define METRO_TEST_RUN_H

#include "clock.h"
#include "measure.h"
#include "packet.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>

#define SEGMENT    1000 /* bytes that a segment says it has */
#define ETHERNET   14
#define FIRST_PEER 0x0a010000u /* 10.1.0.0, of flow 0 */
#define PEERS      "10.1.0.0/16"

struct frame {
	__u8 ethernet[ETHERNET];
	struct ipv4_header ip;
	struct tcp_header tcp;
} __attribute__((packed));

/* A segment of data that the local side sends, by its number from 0 on, or the peer's ACK of it. */
static inline struct frame frame_of(__u32 flow, bool data, __u32 number)
{
	__u32 here = htonl(0x0a000001), peer = htonl(FIRST_PEER + flow);

	return (struct frame){
		.ethernet = {[12] = 0x08},
		.ip = {.version_ihl = 0x45,
		       .total_length = htons(sizeof(struct ipv4_header) +
					     sizeof(struct tcp_header) + (data ? SEGMENT : 0)),
		       .protocol = PROTOCOL_TCP,
		       .source = data ? here : peer,
		       .destination = data ? peer : here},
		.tcp = {.source = htons(data ? 1024 : 443),
			.destination = htons(data ? 443 : 1024),
			.seq = htonl(data ? number * SEGMENT : 0),
			.ack = htonl(data ? 0 : (number + 1) * SEGMENT),
			.data_offset = 5 << 4,
			.flags = TCP_ACK},
	};
}

/* Keeps the calling thread on one CPU. */
static inline void stay_on(unsigned int number)
{
	cpu_set_t cpu;

	CPU_ZERO(&cpu);
	CPU_SET(number, &cpu);
	pthread_setaffinity_np(pthread_self(), sizeof(cpu), &cpu);
}

/* CLOCK_MONOTONIC before and after a run */
struct span {
	__u64 begin, end;
};

/* tstamp: what skb->tstamp is then. Returns 0 or -errno. */
static inline int frame_run(const struct bpf_program *program, const struct frame *frame,
			    __u64 tstamp, struct span *span)
{
	struct __sk_buff skb = {.tstamp = tstamp};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(*frame));
	int err;

	if (tstamp) {
		opts.ctx_in = &skb;
		opts.ctx_size_in = sizeof(skb);
	}
	span->begin = clock_ns(CLOCK_MONOTONIC);
	err = bpf_prog_test_run_opts(bpf_program__fd(program), &opts);
	span->end = clock_ns(CLOCK_MONOTONIC);
	return err ? -errno : 0;
}

/* Loads the programs, which then measure these flows. batch: samples in a record, which may wait
 * for delay_ns. Returns 0, or -errno explained in reason. */
static inline int programs_load(struct bpf_programs *programs, __u32 batch, __u64 delay_ns,
				char reason[BACKEND_REASON])
{
	struct backend_settings settings = {
		.marks = MARKS_DEFAULT,
		.max_flows = 1024,
		.batch_limit = batch,
		.batch_age = 1u << 30,
		.delay_ns = delay_ns,
	};
	struct prefix peers;
	int err = bpf_programs_load(programs, &settings, false, reason);

	if (err)
		return err;
	err = prefix_parse(PEERS, &peers);
	if (!err)
		err = measure_peers(programs, &peers, 1);
	if (err)
		snprintf(reason, BACKEND_REASON, "starting");
	return err;
}

#endif
