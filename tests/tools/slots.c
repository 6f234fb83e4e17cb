/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * slots tags|full|churn: the kernel's table of flows (bpf/flow_slots.h), by BPF_PROG_TEST_RUN.
 *
 * tags: two connections with the same tag have a sample each. full: as many flows as the table is
 * large, all but a few. churn: for two seconds two threads on two CPUs make the same flows, end
 * them with FIN and its ACK, and a third walks and drops them; then no flow is left, and no slot is
 * missing: all of them can be taken again. Prints a line of JSON; exit status 1 if it is not so.
 */
#include "array.h"
#include "bpf_flows.h"
#include "interface_number.h"
#include "test_run.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FLOWS      1024 /* as programs_load has it */
#define FULL_LEAST (FLOWS - 2)
#define SECONDS    2
#define LOOPBACK   1
#define PORTS      8 /* of 65,536 peers: half a million keys, some 30 pairs with the same tag */
#define KEYS       (65536u * PORTS)

struct work {
	struct bpf_programs programs;
	struct ring_buffer *ring;
	struct flow_walk *walk;
	__u32 samples;
	_Atomic bool stop, failed;
};

static void run(struct work *w, const struct bpf_program *program, const struct frame *frame)
{
	struct span span;

	w->failed |= !!frame_run(program, frame, 0, &span);
}

static void send_data(struct work *w, const struct frame *frame)
{
	run(w, w->programs.skel->progs.metro_out_eth, frame);
}

static void receive(struct work *w, const struct frame *frame)
{
	run(w, w->programs.skel->progs.metro_in_eth, frame);
}

static int on_record(void *arg, void *data, size_t size)
{
	struct work *w = arg;
	const struct flow_record *record = data;

	(void)size;
	w->samples += record->count;
	return 0;
}

static __u32 flows(const struct work *w)
{
	return *(volatile __u32 *)&w->programs.skel->bss->flow_count.n;
}

static __u64 counter(const struct work *w, enum counter which)
{
	__u64 values[COUNTERS] = {};

	bpf_programs_counters(&w->programs, values);
	return values[which];
}

/* All flows are over that were silent for a millisecond. */
static void drop_idle(struct work *w)
{
	const struct flow_walk_terms terms = {.over = sweep_terms(clock_ns(CLOCK_MONOTONIC), 0, 0)};
	int done = 0;

	while (!done)
		done = flow_walk_step(w->walk, &terms);
	w->failed |= done < 0;
	ring_buffer__consume(w->ring);
}

static void drop_all(struct work *w)
{
	usleep(5000);
	drop_idle(w);
}

/* ---- tags ---- */

struct tagged {
	__u32 tag, number; /* of the key */
};

static struct frame tagged_frame(__u32 number, bool data)
{
	struct frame frame = frame_of(number / PORTS, data, 0);
	__be16 port = htons(1024 + number % PORTS);

	if (data)
		frame.tcp.source = port;
	else
		frame.tcp.destination = port;
	return frame;
}

static __u32 tag_of(__u32 number)
{
	struct flow_key key = {
		.local.words = {0, 0, htonl(0xffff), htonl(0x0a000001)},
		.peer.words = {0, 0, htonl(0xffff), htonl(FIRST_PEER + number / PORTS)},
		.local_port = (__u16)(1024 + number % PORTS),
		.peer_port = 443,
		.ifindex = interface_number(LOOPBACK, WAY_OUT),
	};

	return flow_tag(&key);
}

static int by_tag(const void *a, const void *b)
{
	const struct tagged *x = a, *y = b;

	return x->tag < y->tag ? -1 : x->tag > y->tag;
}

static bool check_tags(struct work *w)
{
	static struct tagged keys[KEYS];
	__u32 pairs = 0;

	for (__u32 i = 0; i < KEYS; i++)
		keys[i] = (struct tagged){tag_of(i), i};
	qsort(keys, KEYS, sizeof(*keys), by_tag);
	for (__u32 i = 1; i < KEYS; i++) {
		struct frame frames[] = {tagged_frame(keys[i - 1].number, true),
					 tagged_frame(keys[i].number, true),
					 tagged_frame(keys[i - 1].number, false),
					 tagged_frame(keys[i].number, false)};

		if (keys[i].tag != keys[i - 1].tag)
			continue;
		send_data(w, &frames[0]);
		send_data(w, &frames[1]);
		receive(w, &frames[2]);
		receive(w, &frames[3]);
		pairs++;
	}
	drop_all(w);
	printf("{\"pairs\":%u,\"flows\":%llu,\"samples\":%u}\n", pairs, counter(w, COUNTER_FLOWS),
	       w->samples);
	return pairs && w->samples == 2 * pairs && counter(w, COUNTER_FLOWS) == 2 * pairs;
}

/* ---- full ---- */

static __u64 fill(struct work *w, __u32 number)
{
	__u64 before = counter(w, COUNTER_FLOWS);

	for (__u32 flow = 0; flow < 2 * FLOWS; flow++) {
		struct frame frame = frame_of(flow, true, number);

		send_data(w, &frame);
	}
	return counter(w, COUNTER_FLOWS) - before;
}

static bool check_full(struct work *w)
{
	__u64 first = fill(w, 0), again;
	__u32 full = flows(w), empty;

	drop_all(w);
	empty = flows(w);
	again = fill(w, 0);
	printf("{\"first\":%llu,\"full\":%u,\"empty\":%u,\"again\":%llu}\n", first, full, empty,
	       again);
	return first >= FULL_LEAST && first == full && !empty && again >= FULL_LEAST &&
	       again <= FLOWS;
}

/* ---- churn ---- */

struct thread {
	struct work *work;
	unsigned int index;
	pthread_t id;
};

/* Every second time a FIN follows the data, and the ACK of both. */
static void *make_flows(void *arg)
{
	struct thread *t = arg;
	struct work *w = t->work;

	stay_on(t->index % (unsigned int)sysconf(_SC_NPROCESSORS_ONLN));
	for (__u32 number = 0; !w->stop; number++) {
		__u32 flow = number % (FLOWS / 2);
		struct frame data = frame_of(flow, true, number);
		struct frame ack = frame_of(flow, false, number);

		if (number / (FLOWS / 2) % 2) {
			data.tcp.flags |= TCP_FIN;
			ack.tcp.ack = htonl((number + 1) * SEGMENT + 1);
		}
		send_data(w, &data);
		receive(w, &ack);
	}
	return NULL;
}

static bool check_churn(struct work *w)
{
	struct thread threads[2] = {{w, 0, 0}, {w, 1, 0}};
	__u64 begin = clock_ns(CLOCK_MONOTONIC), made, again;
	__u32 left;

	for (unsigned int i = 0; i < 2; i++)
		if (pthread_create(&threads[i].id, NULL, make_flows, &threads[i]))
			return false;
	while (clock_ns(CLOCK_MONOTONIC) - begin < SECONDS * NS_PER_S)
		drop_idle(w);
	w->stop = true;
	for (unsigned int i = 0; i < 2; i++)
		pthread_join(threads[i].id, NULL);
	made = counter(w, COUNTER_FLOWS);
	drop_all(w);
	left = flows(w);
	again = fill(w, 1u << 20);
	printf("{\"made\":%llu,\"left\":%u,\"again\":%llu}\n", made, left, again);
	return made > FLOWS && !left && again >= FULL_LEAST && again <= FLOWS;
}

/* ---- all ---- */

static int start(struct work *w, char reason[BACKEND_REASON])
{
	int err = programs_load(&w->programs, 1, 0, reason);

	if (err)
		return err;
	snprintf(reason, BACKEND_REASON, "cannot start");
	w->ring = ring_buffer__new(bpf_map__fd(w->programs.skel->maps.records), on_record, w, NULL);
	if (!w->ring)
		return -errno;
	return flow_walk_new(&w->walk, w->programs.flows,
			     bpf_map__fd(w->programs.skel->maps.fresh_slots),
			     bpf_program__fd(w->programs.skel->progs.metro_sweep), MARKS_DEFAULT);
}

static const struct {
	const char *name;
	bool (*check)(struct work *w);
} checks[] = {{"tags", check_tags}, {"full", check_full}, {"churn", check_churn}};

int main(int argc, char *argv[])
{
	struct work w = {.programs = BPF_PROGRAMS_NONE};
	char reason[BACKEND_REASON] = "out of memory";
	bool right = false;

	if (start(&w, reason)) {
		fprintf(stderr, "slots: %s\n", reason);
		return 1;
	}
	for (size_t i = 0; argc == 2 && i < ARRAY_SIZE(checks); i++)
		if (!strcmp(argv[1], checks[i].name))
			right = checks[i].check(&w) && !w.failed;
	flow_walk_free(w.walk);
	ring_buffer__free(w.ring);
	bpf_programs_unload(&w.programs);
	return !right;
}
