/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Samples for a sink, one batch after another. Include after cmocka.h. */
#ifndef METRO_TEST_SINKS_H
#define METRO_TEST_SINKS_H

#include "samples.h"
#include "sink.h"

#define WALL_NS 1795428000123456789ULL /* 2026-11-23T10:00:00.123456789Z */

static struct ends flow = {"10.0.0.1", "10.0.0.2", 40000, 443, 0};

static inline void take(struct sink *sink, const struct ends *of, const char *iface, __u64 frame,
			unsigned int count, const __u32 *rtt)
{
	struct flow_record record = make_record(of, 1, count, rtt);
	struct delivery delivery = {&record, iface, WALL_NS, frame};

	assert_true(count <= sink->ops->batch_limit);
	sink->ops->take(sink, &delivery);
}

static inline void take_one(struct sink *sink, const struct ends *of, const char *iface,
			    __u64 frame, __u32 rtt)
{
	take(sink, of, iface, frame, 1, &rtt);
}

static inline void take_record(struct sink *sink, const struct flow_record *record,
			       const char *iface)
{
	struct delivery delivery = {record, iface, WALL_NS, 0};

	sink->ops->take(sink, &delivery);
}

/* A handshake's time is in the place of a sample. */
static inline void take_handshake(struct sink *sink, const struct ends *of, const char *iface,
				  __u32 rtt)
{
	struct flow_record record = make_record(of, 1, 1, &rtt);

	record.flags = RECORD_HANDSHAKE;
	take_record(sink, &record, iface);
}

static inline void take_retransmissions(struct sink *sink, const struct ends *of, const char *iface,
					__u16 count)
{
	struct flow_record record = make_record(of, 1, 0, NULL);

	record.retransmissions = count;
	take_record(sink, &record, iface);
}

#endif
