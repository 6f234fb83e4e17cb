/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names for the counters, and advice on those that tell of lost measurements. */
#include "counter_names.h"
#include "array.h"
#include "log.h"

#include <assert.h>
#include <stdio.h>

static const char *const names[] = {
	[COUNTER_SAMPLES] = "samples",
	[COUNTER_FLOWS] = "flows",
	[COUNTER_FLOWS_REFUSED] = "flows_refused",
	[COUNTER_FLOWS_EVICTED] = "flows_evicted",
	[COUNTER_MARKS_THINNED] = "marks_thinned",
	[COUNTER_ACKS_AMBIGUOUS] = "acks_ambiguous",
	[COUNTER_ACKS_UNSEEN] = "acks_unseen",
	[COUNTER_ACKS_IMPLAUSIBLE] = "acks_implausible",
	[COUNTER_OUT_OF_WINDOW] = "out_of_window",
	[COUNTER_RETRANSMISSIONS] = "retransmissions",
	[COUNTER_COPIES] = "copies",
	[COUNTER_FRAGMENTS] = "fragments",
	[COUNTER_PARSE_ERRORS] = "parse_errors",
	[COUNTER_RING_LOST] = "ring_lost",
	[COUNTER_CAPTURE_DROPS] = "capture_drops",
	[COUNTER_DIRECTION] = "direction_unknown",
	[COUNTER_REATTACHED] = "reattached",
	[COUNTER_OUTPUT_LOST] = "output_lost",
};

static_assert(ARRAY_SIZE(names) == COUNTERS, "a counter has no name");

static const char *const helps[] = {
	[COUNTER_SAMPLES] = "Round-trip times measured.",
	[COUNTER_FLOWS] = "Connections taken into the table, one for each direction measured.",
	[COUNTER_FLOWS_REFUSED] = "Segments not measured since the table was full.",
	[COUNTER_FLOWS_EVICTED] = "Silent connections that made room in a nearly full table.",
	[COUNTER_MARKS_THINNED] = "Segments no longer remembered: too many were in flight.",
	[COUNTER_ACKS_AMBIGUOUS] = "ACKs without a sample: of data sent again or not remembered.",
	[COUNTER_ACKS_UNSEEN] = "ACKs of data that never passed here.",
	[COUNTER_ACKS_IMPLAUSIBLE] = "ACKs later than their sender would have waited.",
	[COUNTER_OUT_OF_WINDOW] = "Segments with a number that the connection cannot have.",
	[COUNTER_RETRANSMISSIONS] = "Segments sent again, over all peers.",
	[COUNTER_COPIES] = "Segments seen twice that count once.",
	[COUNTER_FRAGMENTS] = "IP fragments, which are not measured.",
	[COUNTER_PARSE_ERRORS] = "Packets whose headers are cut short or contradict themselves.",
	[COUNTER_RING_LOST] = "Samples that did not fit into the ring buffer.",
	[COUNTER_CAPTURE_DROPS] = "Packets that libpcap could not keep up with.",
	[COUNTER_DIRECTION] = "Packets between two peers whose direction could not be told.",
	[COUNTER_REATTACHED] = "Lost attachments to an interface that were renewed.",
	[COUNTER_OUTPUT_LOST] = "Samples not printed: standard output was read too slowly.",
};

static_assert(ARRAY_SIZE(helps) == COUNTERS, "a counter is not explained");

const char *counter_name(enum counter counter)
{
	return names[counter];
}

const char *counter_help(enum counter counter)
{
	return helps[counter];
}

/* Counters that stand for lost measurements, and what the user can do about them. */
static const struct {
	enum counter counter;
	const char *advice;
} losses_known[LOSSES] = {
	{COUNTER_FLOWS_REFUSED,
	 "segments of new flows were not measured: the flow table is full; raise max_flows"},
	{COUNTER_RING_LOST,
	 "samples were lost: the BPF ring buffer was full; is the CPU overloaded?"},
	{COUNTER_CAPTURE_DROPS,
	 "packets were lost: libpcap could not keep up; use the BPF backend"},
	{COUNTER_DIRECTION, "packets between two peers were left out: neither is this host, so "
			    "their direction is unknown"},
	{COUNTER_OUTPUT_LOST, "samples were not printed: standard output is read too slowly"},
};

void counters_log(const __u64 values[COUNTERS])
{
	char line[512];
	size_t n = 0;

	for (int i = 0; i < COUNTERS && n < sizeof(line); i++)
		n += (size_t)snprintf(line + n, sizeof(line) - n, "%s%s=%llu", i ? " " : "",
				      names[i], values[i]);
	log_info("counters: %s", line);
	for (size_t i = 0; i < LOSSES; i++)
		if (values[losses_known[i].counter])
			log_warning("%llu %s", values[losses_known[i].counter],
				    losses_known[i].advice);
}

void losses_write(const __u64 values[COUNTERS], char *text, size_t size)
{
	size_t length = 0;

	*text = '\0';
	for (size_t i = 0; i < LOSSES && length < size; i++)
		if (values[losses_known[i].counter])
			length += (size_t)snprintf(
				text + length, size - length, "%s%s %llu", length ? ", " : "",
				names[losses_known[i].counter], values[losses_known[i].counter]);
}

void losses_log(struct losses *losses, const __u64 values[COUNTERS])
{
	for (size_t i = 0; i < LOSSES; i++) {
		__u64 now = values[losses_known[i].counter];
		bool losing = now > losses->before[i];

		if (losing && !losses->losing[i])
			log_warning("in the last interval, %llu %s", now - losses->before[i],
				    losses_known[i].advice);
		losses->before[i] = now;
		losses->losing[i] = losing;
	}
}
