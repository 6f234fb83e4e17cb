/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Records as an engine would hand them over, for the tests of windows and sinks. Include after
 * cmocka.h. */
#ifndef METRO_TEST_SAMPLES_H
#define METRO_TEST_SAMPLES_H

#include <errno.h>
#include <string.h>

#include "prefix.h"
#include "record.h"
#include "window.h"

#define TICKS_A_MS 15625 /* of 64 ns */

/* Of a connection, as text. */
struct ends {
	const char *src;
	const char *dst;
	__u16 sport;
	__u16 dport;
	__u32 ifindex;
};

/* A record of the given samples, the first sample in rtt[0]. */
static inline struct flow_record make_record(const struct ends *ends, __u64 time_ns,
					     unsigned int count, const __u32 *rtt)
{
	struct flow_record record = {
		.key.local_port = ends->sport,
		.key.peer_port = ends->dport,
		.key.ifindex = ends->ifindex,
		.time_ns = time_ns,
		.count = count,
	};

	assert_int_equal(address_parse(ends->src, &record.key.local), 0);
	assert_int_equal(address_parse(ends->dst, &record.key.peer), 0);
	assert_true(count <= BATCH_MAX);
	record.rtt[0] = 0xdeadbeef; /* only with RECORD_HAS_PREVIOUS does this mean anything */
	if (count)
		memcpy(record.rtt + 1, rtt, count * sizeof(*rtt));
	return record;
}

/* Counts a record into its window, which is opened if need be. Returns 0 or -ENOMEM. */
static inline int count_record(struct windows *windows, const struct flow_record *record,
			       const char *iface)
{
	struct window_key key = {
		.src = record->key.local,
		.dst = record->key.peer,
		.ifindex = record->key.ifindex,
	};
	struct window *window;

	if (!windows_want(windows, record))
		return 0;
	window = windows_find(windows, &key);
	if (!window)
		window = windows_open(windows, &key, iface);
	return window ? window_add(windows, window, record) : -ENOMEM;
}

static inline void set_previous(struct flow_record *record, __u32 rtt)
{
	record->flags |= RECORD_HAS_PREVIOUS;
	record->rtt[0] = rtt;
}

#endif
