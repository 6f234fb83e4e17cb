/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * paced: segments that fq holds back, as the hook sees them: they pass before they leave, and
 * skb->tstamp says when that will be (Linux 4.20). Each of them is acknowledged by itself, so each
 * must make a sample, and that must count from when it left, whatever passes meanwhile. Other
 * clocks in skb->tstamp (SO_TXTIME), and times that have gone by, must change nothing.
 *
 * Runs by the programs' own clock, so it takes as long as it says. Prints a line of JSON for each
 * case. Exit status 1 if samples are missing or wrong.
 */
#include "array.h"
#include "test_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SEGMENTS 30 /* of a flow: fewer than marks, so that none gives way */
#define MS       NS_PER_MS

enum stamp { STAMP_DEPARTURE, STAMP_REALTIME, STAMP_TAI, STAMP_PAST };

/* Segment i leaves i gaps after the beginning, and passes the hook so long ahead, but not before
 * the beginning; its ACK comes one rtt after it left. */
struct pace {
	const char *name;
	__u64 gap, ahead, rtt; /* ns */
	enum stamp stamp;
};

/* All at the same time, a flow each. A segment of 1 KB in 80 ms are 12 KB a second. */
static const struct pace paces[] = {
	{"one in flight", 80 * MS, 0, 20 * MS, STAMP_DEPARTURE},
	{"passes while the one before waits", 80 * MS, 100 * MS, 20 * MS, STAMP_DEPARTURE},
	{"two seconds ahead", 80 * MS, 2000 * MS, 20 * MS, STAMP_DEPARTURE},
	{"all at once", 80 * MS, 9000 * MS, 20 * MS, STAMP_DEPARTURE},
	{"all at once, many on the way", 60 * MS, 9000 * MS, 500 * MS, STAMP_DEPARTURE},
	{"realtime", 80 * MS, 0, 20 * MS, STAMP_REALTIME},
	{"TAI", 80 * MS, 0, 20 * MS, STAMP_TAI},
	{"gone by", 80 * MS, 0, 20 * MS, STAMP_PAST},
};
#define FLOWS (ARRAY_SIZE(paces))

struct flow_run {
	__u64 departures[SEGMENTS];
	struct span sent[SEGMENTS], acked[SEGMENTS];
	__u32 ticks[SEGMENTS]; /* of the samples, in the order of the ACKs */
	__u32 sent_count, acked_count, samples;
};

struct work {
	struct bpf_programs programs;
	struct ring_buffer *ring;
	__u64 begin;
	struct flow_run flows[FLOWS];
};

static __u64 departure_of(const struct work *w, __u32 flow, __u32 i)
{
	return w->begin + i * paces[flow].gap;
}

/* When the next segment passes, or the next ACK comes; ~0: never. */
static __u64 next_sent(const struct work *w, __u32 flow)
{
	__u32 i = w->flows[flow].sent_count;
	__u64 at = departure_of(w, flow, i);

	if (i == SEGMENTS)
		return ~0ull;
	return at - w->begin < paces[flow].ahead ? w->begin : at - paces[flow].ahead;
}

static __u64 next_acked(const struct work *w, __u32 flow)
{
	const struct flow_run *f = &w->flows[flow];

	if (f->acked_count == f->sent_count)
		return ~0ull;
	return departure_of(w, flow, f->acked_count) + paces[flow].rtt;
}

static __u64 stamp_of(const struct work *w, __u32 flow, __u32 i)
{
	switch (paces[flow].stamp) {
	case STAMP_REALTIME:
		return clock_ns(CLOCK_REALTIME);
	case STAMP_TAI:
		return clock_ns(CLOCK_TAI);
	case STAMP_PAST:
		return departure_of(w, flow, i) - 50 * MS;
	default:
		return departure_of(w, flow, i);
	}
}

static int send_one(struct work *w, __u32 flow)
{
	struct flow_run *f = &w->flows[flow];
	__u32 i = f->sent_count++;
	struct frame frame = frame_of(flow, true, i);

	if (paces[flow].stamp == STAMP_DEPARTURE)
		f->departures[i] = departure_of(w, flow, i);
	return frame_run(w->programs.skel->progs.metro_out_eth, &frame, stamp_of(w, flow, i),
			 &f->sent[i]);
}

static int acknowledge_one(struct work *w, __u32 flow)
{
	struct flow_run *f = &w->flows[flow];
	__u32 i = f->acked_count++;
	struct frame frame = frame_of(flow, false, i);

	return frame_run(w->programs.skel->progs.metro_in_eth, &frame, 0, &f->acked[i]);
}

static void sleep_until(__u64 ns)
{
	struct timespec until = {(time_t)(ns / NS_PER_S), (long)(ns % NS_PER_S)};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
}

/* Whatever comes first, of all flows. Returns 1; 0 when all is done; -errno. */
static int step(struct work *w)
{
	__u64 first = ~0ull;
	bool ack = false;
	__u32 flow = 0;
	int err;

	for (__u32 i = 0; i < FLOWS; i++) {
		__u64 sent = next_sent(w, i), acked = next_acked(w, i);

		if (sent < first || acked < first) {
			ack = acked < sent;
			first = ack ? acked : sent;
			flow = i;
		}
	}
	if (first == ~0ull)
		return 0;
	sleep_until(first);
	err = ack ? acknowledge_one(w, flow) : send_one(w, flow);
	return err ? err : 1;
}

static int on_record(void *arg, void *data, size_t size)
{
	struct work *w = arg;
	const struct flow_record *record = data;
	__u32 flow = ntohl(record->key.peer.words[3]) - FIRST_PEER;

	(void)size;
	for (int i = 1; i <= record->count && flow < FLOWS; i++) {
		struct flow_run *f = &w->flows[flow];

		if (f->samples < SEGMENTS)
			f->ticks[f->samples] = record->rtt[i];
		f->samples++;
	}
	return 0;
}

static int start(struct work *w, char reason[BACKEND_REASON])
{
	int err = programs_load(&w->programs, 1, 0, reason);

	if (err)
		return err;
	snprintf(reason, BACKEND_REASON, "cannot start");
	w->ring = ring_buffer__new(bpf_map__fd(w->programs.skel->maps.records), on_record, w, NULL);
	w->begin = clock_ns(CLOCK_MONOTONIC) + 50 * MS;
	return err ? err : w->ring ? 0 : -errno;
}

static __u64 later(__u64 a, __u64 b)
{
	return a > b ? a : b;
}

/* A segment leaves when it may, but not before it has passed. */
static __u32 wrong_samples(const struct flow_run *f)
{
	__u32 wrong = 0;

	for (__u32 i = 0; i < f->samples; i++) {
		__u64 rtt = (__u64)f->ticks[i] * TICK_NS;
		__u64 earliest = later(f->departures[i], f->sent[i].begin);
		__u64 latest = later(f->departures[i], f->sent[i].end);

		if (rtt + TICK_NS < f->acked[i].begin - latest ||
		    rtt > f->acked[i].end - earliest + TICK_NS)
			wrong++;
	}
	return wrong;
}

static bool judge(const struct work *w)
{
	bool right = true;

	for (__u32 i = 0; i < FLOWS; i++) {
		const struct flow_run *f = &w->flows[i];
		__u32 wrong = f->samples == SEGMENTS ? wrong_samples(f) : 0;

		printf("{\"case\":\"%s\",\"acks\":%d,\"samples\":%u,\"wrong\":%u}\n", paces[i].name,
		       SEGMENTS, f->samples, wrong);
		right = right && f->samples == SEGMENTS && !wrong;
	}
	return right;
}

int main(void)
{
	static struct work w;
	char reason[BACKEND_REASON] = "out of memory";
	int err = start(&w, reason);

	if (!err)
		snprintf(reason, sizeof(reason), "BPF_PROG_TEST_RUN");
	while (!err && (err = step(&w)) == 1)
		err = 0;
	if (err)
		fprintf(stderr, "paced: %s: %s\n", reason, strerror(-err));
	else if (ring_buffer__consume(w.ring) < 0 || !judge(&w))
		err = -EBADMSG;
	ring_buffer__free(w.ring);
	bpf_programs_unload(&w.programs);
	return err ? 1 : 0;
}
