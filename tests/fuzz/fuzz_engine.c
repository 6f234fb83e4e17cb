/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Packets in sequence through parser, flow table and engine, with every flow looked at after each.
 *
 * Input: one byte of settings (0x20: handshakes are told), then packets: how much time has passed
 * (16 bits of microseconds; the upper bit turns it into milliseconds, 0xffff sets the clock back),
 * directions and link type, how many bytes are captured, and these bytes. Little endian.
 */
#include "../../src/backend/flow_table.c" /* for a look inside */

#include "../unit/run_packet.h"
#include "frame.h"
#include "fuzzing.h"

struct limits {
	__u32 batch;
	bool handshakes; /* are told */
	__u64 samples, retransmissions;
};

static void check_handshake(const struct limits *limits, const struct flow_record *record)
{
	CHECK(limits->handshakes);
	CHECK(record->flags == RECORD_HANDSHAKE);
	CHECK(record->count == 1 && record->retransmissions == 0);
	CHECK(record->rtt[1] <= RTT_TICKS_MAX);
}

static void on_record(void *arg, const struct flow_record *record)
{
	struct limits *limits = arg;

	if (record->flags & RECORD_HANDSHAKE) {
		check_handshake(limits, record);
		return;
	}
	CHECK(record->count || record->retransmissions);
	CHECK(record->count <= limits->batch);
	CHECK(!(record->flags & ~RECORD_HAS_PREVIOUS));
	for (int i = 1; i <= record->count; i++)
		CHECK(record->rtt[i] <= RTT_TICKS_MAX);
	if (record->flags & RECORD_HAS_PREVIOUS)
		CHECK(record->rtt[0] <= RTT_TICKS_MAX);
	limits->samples += record->count;
	limits->retransmissions += record->retransmissions;
}

static void check_flow(const struct flow_table *t, struct flow *f)
{
	__u32 mask = t->settings.engine.mark_mask;
	const struct mark *m, *below = NULL;

	CHECK(f->flags & FLOW_OPEN);
	CHECK(f->count <= mask + 1);
	CHECK(f->batch_count < t->settings.engine.batch_limit);
	CHECK(!seq_after(f->end, f->nxt) || f->flags & FLOW_UNA_KNOWN);
	for (__u32 i = 0; i < f->count; i++, below = m) {
		m = marks_at(f, i, mask);
		CHECK(!below || seq_before(below->end, m->end));
		CHECK(!seq_after(m->end, f->end));
	}
	if (f->count) {
		CHECK(marks_covered(f, f->end, mask) == f->count);
		CHECK(!marks_covered(f, marks_at(f, 0, mask)->end - 1, mask));
		/* More in flight than TCP can have: then una means little. */
		if (f->flags & FLOW_UNA_KNOWN && f->nxt - f->una < 1 << 29)
			CHECK(seq_after(marks_at(f, 0, mask)->end, f->una));
	}
}

static void check_table(const struct flow_table *t)
{
	unsigned int n = 0;

	for (struct entry *e = t->entries; e; e = e->next, n++)
		check_flow(t, &e->flow);
	CHECK(n <= t->settings.max_flows);
}

static void sweep(struct flow_table *t, __u64 now, __u64 idle, __u64 ended)
{
	struct sweep_terms terms = sweep_terms(now, idle, ended);

	flow_table_sweep(t, &terms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct limits limits = {0};
	struct flow_table_settings settings = {
		.max_flows = 8,
		.emit = on_record,
		.arg = &limits,
	};
	__u64 now = 1700000000000000000ull;
	struct flow_table *table;

	if (size < 1)
		return 0;
	limits.batch = 1 + data[0] % BATCH_MAX;
	settings.engine.batch_limit = limits.batch;
	limits.handshakes = data[0] & 0x20;
	settings.handshakes = limits.handshakes;
	settings.engine.mark_mask = 8 * (1 + (data[0] >> 7)) - 1;
	settings.engine.batch_age = data[0] & 0x40 ? 100000 : 0x7fffffff;
	if (flow_table_new(&table, &settings))
		return 0;
	data++, size--;
	while (size >= 4) {
		__u32 delta = data[0] | data[1] << 8, captured = data[3];
		struct inside inside;
		enum link_layer link = data[2] >> 2 & 15; /* up to LINK_OTHERS + 10 */
		struct packet packet;
		enum packet_kind kind;
		__u8 *copy;

		now += delta == 0xffff  ? -90000000000ull
		       : delta & 0x8000 ? (delta & 0x7fff) * 1000000ull
					: delta * 1000ull;
		if (captured > size - 4)
			captured = size - 4;
		copy = malloc(captured ? captured : 1);
		if (!copy)
			break;
		memcpy(copy, data + 4, captured);
		kind = frame_parse(link, copy, captured, captured + (data[2] & 0x80 ? 3000 : 0),
				   &packet, &inside);
		if (kind == PACKET_TCP)
			run_packet(table, &packet, now, data[2] >> 6 & 1,
				   data[2] & 3 ? data[2] & 3 : 3);
		else
			flow_table_unread(table, kind);
		free(copy);
		check_table(table);
		if ((data[2] >> 2 & 0xf) == 0xf)
			sweep(table, now, data[2] & 0x80 ? 90000000000 : 1000000000, 10000000);
		data += 4 + captured;
		size -= 4 + captured;
	}
	flow_table_sweep(table, NULL);
	CHECK(limits.samples == flow_table_counters(table)[COUNTER_SAMPLES]);
	CHECK(limits.retransmissions == flow_table_counters(table)[COUNTER_RETRANSMISSIONS]);
	flow_table_free(table);
	return 0;
}
