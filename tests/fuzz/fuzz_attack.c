/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Plays someone who forges a connection's packets without seeing them, though the numbers may be as
 * lucky as the fuzzer can make them. A host goes on asking its peer: after any forged packets,
 * samples resume within 16 segments and are right. While the forger is at it, an ACK that hits what
 * is in flight cannot be told from the peer's own, so until then values are not looked at.
 *
 * Input: one byte (0x01: the connection's SYN is seen), then packets of 10 bytes: what to do (0x01:
 * a request passes first; 0x02: one is in flight meanwhile; 0x04: the sequence number is that of
 * the peer; 0x08: the ACK counts from what was sent), control bits, sequence number, ACK.
 */
#include "../unit/run_packet.h"
#include "fuzzing.h"

#include <string.h>

#define RTT_NS       5000000ull
#define HEALS_WITHIN 16 /* segments */
#define REQUEST      100

struct attack {
	struct flow_table *table;
	__u64 now;
	__u32 nxt, peer_nxt;
	unsigned int samples, wrong;
};

static void fail(const struct attack *a, const char *what)
{
	fprintf(stderr, "%s: %u samples, %u of them wrong\n", what, a->samples, a->wrong);
	abort();
}

static void on_record(void *arg, const struct flow_record *record)
{
	struct attack *a = arg;

	for (int i = 1; i <= record->count; i++) {
		__s64 off = ((__s64)record->rtt[i] << TICK_SHIFT) - (__s64)RTT_NS;

		a->wrong += llabs(off) > 1000;
	}
	a->samples += record->count;
}

static struct packet segment(bool from_peer, __u32 seq, __u32 ack, __u32 payload, __u8 flags)
{
	struct packet p = {
		.sport = from_peer ? 443 : 40000,
		.dport = from_peer ? 40000 : 443,
		.seq = seq,
		.ack = ack,
		.payload = payload,
		.flags = flags,
	};

	address_set_v4(&p.src, from_peer ? 0x0200000a : 0x0100000a);
	address_set_v4(&p.dst, from_peer ? 0x0100000a : 0x0200000a);
	return p;
}

static void local_sends(struct attack *a, __u32 payload, __u8 flags)
{
	struct packet p = segment(false, a->nxt, a->peer_nxt, payload, flags);

	run_packet(a->table, &p, a->now, 0, DIRECTION_SENT);
	a->nxt += payload + !!(flags & TCP_SYN);
}

static void peer_sends(struct attack *a, __u32 seq, __u32 ack, __u8 flags)
{
	struct packet p = segment(true, seq, ack, 0, flags);

	run_packet(a->table, &p, a->now, 0, DIRECTION_RECEIVED);
}

static void answer(struct attack *a)
{
	a->now += RTT_NS;
	peer_sends(a, a->peer_nxt, a->nxt, TCP_ACK);
	a->now += RTT_NS;
}

static void requests(struct attack *a, int count)
{
	for (int i = 0; i < count; i++) {
		local_sends(a, REQUEST, TCP_ACK | TCP_PSH);
		answer(a);
	}
}

static __u32 word(const uint8_t *bytes)
{
	__u32 value;

	memcpy(&value, bytes, sizeof(value));
	return value;
}

static void forge(struct attack *a, const uint8_t *what)
{
	__u32 seq = word(what + 2), ack = word(what + 6);

	if (what[0] & 1)
		requests(a, 1);
	if (what[0] & 2)
		local_sends(a, REQUEST, TCP_ACK | TCP_PSH);
	peer_sends(a, what[0] & 4 ? a->peer_nxt : seq, what[0] & 8 ? a->nxt + ack : ack, what[1]);
	if (what[0] & 2)
		answer(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct attack a = {.now = 1700000000000000000ull, .nxt = 1000, .peer_nxt = 5000};
	struct flow_table_settings settings = {
		.engine = {.mark_mask = 31, .batch_limit = 1, .batch_age = 0x7fffffff},
		.max_flows = 4,
		.emit = on_record,
		.arg = &a,
	};

	if (size < 1 || flow_table_new(&a.table, &settings))
		return 0;
	if (data[0] & 1) {
		local_sends(&a, 0, TCP_SYN);
		answer(&a);
	}
	for (size_t at = 1; at + 10 <= size && at < 2000; at += 10)
		forge(&a, data + at);
	requests(&a, HEALS_WITHIN);
	a.samples = a.wrong = 0;
	requests(&a, 10);
	if (a.samples != 10 || a.wrong)
		fail(&a, "the connection is measured no longer as it was");
	flow_table_free(a.table);
	return 0;
}
