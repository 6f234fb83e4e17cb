/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * many_cpus [THREADS [EXCHANGES [BATCH]]]: the BPF programs on many CPUs at once, by
 * BPF_PROG_TEST_RUN: one set of maps, one ring buffer, one reader. Every flow is in the hands of
 * two threads on two CPUs, one that sends its data and one that acknowledges it, both at the same
 * time.
 *
 * Each ACK ends on a segment, so it must make a sample, and that must lie between what the two
 * threads saw of the time: at least from the end of sending to the beginning of the ACK's run, at
 * most from the beginning to the end. Prints a line of JSON. Exit status 1 if a sample is missing
 * and was not counted as lost, or is not what it must be.
 */
#include "bpf_flows.h"
#include "test_run.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WINDOW      16 /* segments in flight: fewer than marks, so that none gives way */
#define THREADS_MAX 128

/* Thread i sends the data of flow i; thread i + 1 acknowledges it. */
struct flow_run {
	struct span *sent;                    /* by segment */
	struct span *acked;                   /* by ACK */
	__u32 *covers;                        /* by ACK: its segment */
	__u32 *ticks;                         /* by sample, as they arrived */
	_Atomic __u32 sent_count, acked_upto; /* segments */
	__u32 acks, samples;
};

struct work {
	struct bpf_programs programs;
	struct ring_buffer *ring;
	struct flow_run flows[THREADS_MAX];
	__u32 threads, exchanges;
	_Atomic __u32 running;
	_Atomic bool failed;
};

struct thread {
	struct work *work;
	__u32 index;
	pthread_t id;
};

static struct span run(struct work *w, const struct bpf_program *program, const struct frame *frame)
{
	struct span span;

	if (frame_run(program, frame, 0, &span) && !w->failed) {
		perror("many_cpus: BPF_PROG_TEST_RUN");
		w->failed = true;
	}
	return span;
}

static bool send_one(struct work *w, __u32 flow)
{
	struct flow_run *f = &w->flows[flow];
	__u32 number = f->sent_count;
	struct frame frame = frame_of(flow, true, number);

	if (number == w->exchanges || number - f->acked_upto >= WINDOW)
		return false;
	f->sent[number] = run(w, w->programs.skel->progs.metro_out_eth, &frame);
	f->sent_count = number + 1;
	return true;
}

static bool acknowledge_all(struct work *w, __u32 flow)
{
	struct flow_run *f = &w->flows[flow];
	__u32 upto = f->sent_count;
	struct frame frame = frame_of(flow, false, upto - 1);

	if (upto == f->acked_upto)
		return false;
	f->covers[f->acks] = upto - 1;
	f->acked[f->acks++] = run(w, w->programs.skel->progs.metro_in_eth, &frame);
	f->acked_upto = upto;
	return true;
}

static void *thread_run(void *arg)
{
	struct thread *t = arg;
	struct work *w = t->work;
	__u32 other = (t->index + w->threads - 1) % w->threads;

	stay_on(t->index % (unsigned int)sysconf(_SC_NPROCESSORS_ONLN));
	while (!w->failed && (w->flows[t->index].acked_upto < w->exchanges ||
			      w->flows[other].acked_upto < w->exchanges)) {
		bool sent = send_one(w, t->index);

		if (!acknowledge_all(w, other) && !sent)
			sched_yield();
	}
	w->running--;
	return NULL;
}

static int on_record(void *arg, void *data, size_t size)
{
	struct work *w = arg;
	const struct flow_record *record = data;
	__u32 flow = ntohl(record->key.peer.words[3]) - FIRST_PEER;
	struct flow_run *f = &w->flows[flow];

	if (flow >= w->threads || size < FLOW_RECORD_SIZE(record->count) ||
	    f->samples + record->count > w->exchanges || record->flags & RECORD_HANDSHAKE ||
	    record->retransmissions) {
		fprintf(stderr, "many_cpus: the ring buffer has a record that is none of ours\n");
		w->failed = true;
		return 0;
	}
	for (unsigned int i = 1; i <= record->count; i++)
		f->ticks[f->samples++] = record->rtt[i];
	return 0;
}

static int flow_run_open(struct flow_run *f, __u32 exchanges)
{
	f->sent = calloc(exchanges, sizeof(*f->sent));
	f->acked = calloc(exchanges, sizeof(*f->acked));
	f->covers = calloc(exchanges, sizeof(*f->covers));
	f->ticks = calloc(exchanges, sizeof(*f->ticks));
	return f->sent && f->acked && f->covers && f->ticks ? 0 : -ENOMEM;
}

static int start(struct work *w, __u32 batch, char reason[BACKEND_REASON])
{
	int err = programs_load(&w->programs, batch, 0, reason);

	if (err)
		return err;
	snprintf(reason, BACKEND_REASON, "cannot start");
	for (__u32 i = 0; i < w->threads && !err; i++)
		err = flow_run_open(&w->flows[i], w->exchanges);
	w->ring = ring_buffer__new(bpf_map__fd(w->programs.skel->maps.records), on_record, w, NULL);
	return err ? err : w->ring ? 0 : -errno;
}

/* Takes what waits in the flows, too. */
static int sweep(struct work *w)
{
	const struct flow_walk_terms terms = {
		.over = sweep_terms(clock_ns(CLOCK_MONOTONIC), 300000000000, 300000000000)};
	struct flow_walk *walk;
	int done = flow_walk_new(
		&walk, w->programs.flows, bpf_map__fd(w->programs.skel->maps.fresh_slots),
		bpf_program__fd(w->programs.skel->progs.metro_sweep), MARKS_DEFAULT);

	while (!done)
		done = flow_walk_step(walk, &terms);
	flow_walk_free(walk);
	ring_buffer__consume(w->ring);
	return done < 0 ? done : 0;
}

/* The reader polls as the daemon does: it is woken, or looks now and then. */
static int run_threads(struct work *w)
{
	struct thread threads[THREADS_MAX];

	w->running = w->threads;
	for (__u32 i = 0; i < w->threads; i++) {
		threads[i] = (struct thread){w, i, 0};
		if (pthread_create(&threads[i].id, NULL, thread_run, &threads[i]))
			return -EAGAIN;
	}
	while (w->running)
		ring_buffer__poll(w->ring, 200);
	for (__u32 i = 0; i < w->threads; i++)
		pthread_join(threads[i].id, NULL);
	return sweep(w);
}

/* Can this have been what that ACK tells? */
static bool fits(const struct flow_run *f, __u32 tick, __u32 ack)
{
	const struct span *sent = &f->sent[f->covers[ack]], *acked = &f->acked[ack];
	__u64 rtt = (__u64)tick * TICK_NS;
	__u64 least = acked->begin > sent->end ? acked->begin - sent->end : 0;

	return rtt + TICK_NS >= least && rtt <= acked->end - sent->begin + TICK_NS;
}

/* The samples of a flow come in the order of its ACKs, of which some may have none. */
static __u64 wrong_samples(const struct flow_run *f)
{
	__u32 ack = 0, sample = 0;

	for (; sample < f->samples && ack < f->acks; ack++)
		sample += fits(f, f->ticks[sample], ack);
	return f->samples - sample;
}

/* On a virtual machine the CPU that has a flow may be taken away, and who waits for it gives up
 * (flow_lock.h): that is counted, and costs what is in flight. */
static bool missing_are_few(__u64 missing, __u64 counted, __u64 acks)
{
	return missing <= counted * (1 + WINDOW) && counted <= acks / 100;
}

static bool judge(struct work *w, double seconds)
{
	__u64 counters[COUNTERS] = {}, acks = 0, samples = 0, wrong = 0, others, missed;
	bool right;

	bpf_programs_counters(&w->programs, counters);
	for (__u32 i = 0; i < w->threads; i++) {
		acks += w->flows[i].acks;
		samples += w->flows[i].samples;
		wrong += wrong_samples(&w->flows[i]);
	}
	missed = counters[COUNTER_ACKS_AMBIGUOUS] + counters[COUNTER_ACKS_UNSEEN];
	others = counters[COUNTER_MARKS_THINNED] + counters[COUNTER_RETRANSMISSIONS] +
		 counters[COUNTER_FLOWS_REFUSED] + (counters[COUNTER_FLOWS] != w->threads);
	right = acks && acks >= samples && !wrong && !others &&
		missing_are_few(acks - samples - counters[COUNTER_RING_LOST], missed, acks);
	printf("{\"threads\":%u,\"segments\":%llu,\"acks\":%llu,\"samples\":%llu,\"lost\":%llu,"
	       "\"missed\":%llu,\"wrong\":%llu,\"others\":%llu,\"seconds\":%.3f,\"samples_per_s\":%"
	       ".0f}\n",
	       w->threads, (__u64)w->threads * w->exchanges, acks, samples,
	       counters[COUNTER_RING_LOST], missed, wrong, others, seconds,
	       (double)samples / seconds);
	return right;
}

static __u32 argument(int argc, char *argv[], int i, __u32 otherwise, __u32 most)
{
	long value = argc > i ? atol(argv[i]) : (long)otherwise;

	return value < 1 ? 1 : value > (long)most ? most : (__u32)value;
}

int main(int argc, char *argv[])
{
	static struct work w;
	char reason[BACKEND_REASON] = "out of memory";
	__u64 begin;
	int err;

	w.threads = argument(argc, argv, 1, (__u32)sysconf(_SC_NPROCESSORS_ONLN), THREADS_MAX);
	w.exchanges = argument(argc, argv, 2, 200000, 4000000);
	err = start(&w, argument(argc, argv, 3, BATCH_MAX, BATCH_MAX), reason);
	begin = clock_ns(CLOCK_MONOTONIC);
	if (!err)
		err = run_threads(&w);
	if (err)
		fprintf(stderr, "many_cpus: %s: %s\n", reason, strerror(-err));
	else if (!judge(&w, (double)(clock_ns(CLOCK_MONOTONIC) - begin) / 1e9))
		err = -EBADMSG;
	ring_buffer__free(w.ring);
	bpf_programs_unload(&w.programs);
	return err || w.failed;
}
