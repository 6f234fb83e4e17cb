/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One connection, against the model of what a sample is: the fuzzer looks for an ACK of which the
 * engine makes a sample that is wrong, or none where one must be. Input: the marks and the first
 * number, then three bytes an event: what, and two for how much.
 */
#include "../unit/model.h"
#include "../unit/run_packet.h"
#include "fuzzing.h"

struct race {
	struct flow_table *table;
	struct model model;
	__u64 now;
	__u32 base;
	bool complete, tell;
	unsigned int samples;
	__u32 rtt;
};

static void on_record(void *arg, const struct flow_record *record)
{
	struct race *r = arg;

	r->samples += record->count;
	r->rtt = record->rtt[record->count];
}

static void sent(struct race *r, __u32 seq, __u32 length, __u8 flags)
{
	struct packet p = {.seq = seq, .payload = length, .flags = flags};

	/* Data before its own SYN there is none. */
	if (length && r->model.isn_known && (__s32)(seq - (__u32)r->model.isn) <= 0)
		return;

	p.src.bytes[0] = 1;
	if (r->tell)
		fprintf(stderr, "%llu us: sent %u + %u flags %x\n", r->now / 1000, seq - r->base,
			length, flags);
	model_sent(&r->model, seq, length, flags, r->now);
	run_packet(r->table, &p, r->now, 0, DIRECTION_SENT);
}

static void received(struct race *r, __u32 ack)
{
	struct packet p = {.ack = ack, .flags = TCP_ACK};
	struct model_answer answer;
	const char *wrong = NULL;
	__s64 off;

	p.dst.bytes[0] = 1;
	if (r->tell)
		fprintf(stderr, "%llu us: ACK %u\n", r->now / 1000, ack - r->base);
	r->samples = 0;
	answer = model_acked(&r->model, ack, r->now);
	run_packet(r->table, &p, r->now, 0, DIRECTION_RECEIVED);
	off = llabs(((__s64)r->rtt << TICK_SHIFT) - answer.rtt_ns);
	if (r->samples && answer.verdict == MODEL_NOTHING)
		wrong = "a sample where there is none";
	else if (r->samples && off > 1000 && off > answer.rtt_ns / 1000 + 2 * TICK_NS)
		wrong = "a sample of another value";
	else if (!r->samples && answer.verdict == MODEL_CORE && r->complete)
		wrong = "a sample is missing";
	if (!wrong)
		return;
	fprintf(stderr, "%s: ACK %u: %u samples, last %lld ns; the model says %s, %lld ns\n", wrong,
		ack - r->base, r->samples, (__s64)r->rtt << TICK_SHIFT, answer.why, answer.rtt_ns);
	abort();
}

/* A number that matters, by choice of the input. */
static __u32 number(const struct race *r, __u8 which)
{
	const struct model *m = &r->model;

	switch (which % 4) {
	case 0:
		return (__u32)m->highest;
	case 1:
		return (__u32)(m->una_known ? m->una : m->first);
	case 2:
		return (__u32)(m->count ? m->segments[which / 4 % m->count].end : m->end);
	default:
		return (__u32)(m->count ? m->segments[which / 4 % m->count].start : m->end);
	}
}

static void event(struct race *r, __u8 what, __u8 a, __u8 b)
{
	const struct model *m = &r->model;
	__u32 seq;

	if (model_is_over(m) || (!m->data_seen && what % 8 > 1))
		return;
	/* More than TCP can have in flight is not worth the search. */
	if (m->open && m->highest - (m->una_known ? m->una : m->first) > 1 << 29)
		return;
	switch (what % 8) {
	case 0:
	case 1: /* new data, with a hole or FIN */
		seq = m->open ? (__u32)m->highest : r->base + 1;
		sent(r, seq + (a > 250 ? 100 * (a - 250) : 0), 1 + b * 10,
		     TCP_ACK | (what == 0xff));
		break;
	case 2: /* from one number that matters on, or from below it */
		sent(r, number(r, a) - (b & 0x80 ? 2 * (b & 0x7f) : 0), 1 + (b & 0x7f), TCP_ACK);
		break;
	case 3: /* between two numbers that matter */
		seq = number(r, a);
		if (number(r, b) - seq - 1 < 1 << 20)
			sent(r, seq, number(r, b) - seq, TCP_ACK);
		break;
	case 4:
	case 5:
		received(r, number(r, a));
		break;
	case 6:
		received(r, number(r, a) + (__u32)(__s8)b);
		break;
	default:
		if (what == 7)
			sent(r, (__u32)(m->isn_known ? m->isn : r->base), 0, TCP_SYN);
		else if (what == 15 && b == 9)
			sent(r, (__u32)m->first + (a + 1u) * 10000000, 0, TCP_SYN);
		else if (what == 23)
			r->now += a * 1000000000ull;
		else if (what == 31)
			received(r, number(r, b) + ((__u32)a << 24));
		break;
	}
	r->now += what / 8 * 3000ull;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct race r = {.now = 1000000000000ull, .tell = getenv("METRO_TELL") != NULL};
	struct flow_table_settings settings = {
		.engine = {.batch_limit = 1, .batch_age = 0x7fffffff},
		.max_flows = 4,
		.emit = on_record,
		.arg = &r,
	};

	if (size < 2)
		return 0;
	r.complete = data[0] & 1;
	r.base = (__u32)(data[0] & 6) << 29;
	r.base -= data[1] * 100u;
	settings.engine.mark_mask = r.complete ? 1023 : 7;
	r.model.longest_ns = RTT_NS_MAX;
	if (flow_table_new(&r.table, &settings))
		return 0;
	if (data[0] & 8)
		sent(&r, r.base, 0, TCP_SYN);
	for (size_t i = 2; i + 3 <= size && i < 3000; i += 3)
		event(&r, data[i], data[i + 1], data[i + 2]);
	flow_table_free(r.table);
	model_free(&r.model);
	return 0;
}
