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
};

static_assert(ARRAY_SIZE(names) == COUNTERS, "a counter has no name");

const char *counter_name(enum counter counter)
{
	return names[counter];
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
