/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * two_cpus [SECONDS [DELAY_MS]]: the ACKs of one connection on two CPUs at once, by
 * BPF_PROG_TEST_RUN, each sample a record, which the daemon's reader takes from the ring buffer.
 * Prints a line of JSON: how many came, how many of them were older than one that had come before,
 * by how much at most, and how late the latest came, both in us. Exit status 1 if it could not run,
 * or none came.
 */
#include "bpf_records.h"
#include "test_run.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WINDOW 16 /* segments in flight: fewer than marks, so that none gives way */

struct work {
	struct bpf_programs programs;
	struct bpf_records *records;
	_Atomic __u32 sent;    /* segments */
	_Atomic __u32 next;    /* to be acknowledged */
	_Atomic __u32 running; /* threads */
	_Atomic bool failed;
	__u64 until_ns;

	/* the reader's */
	__u64 newest_ns, samples, disordered, displaced_ns, latest_ns;
};

struct thread {
	struct work *work;
	__u32 index;
	pthread_t id;
};

static void run(struct work *w, const struct bpf_program *program, const struct frame *frame)
{
	struct span span;

	if (frame_run(program, frame, 0, &span) && !w->failed) {
		perror("two_cpus: BPF_PROG_TEST_RUN");
		w->failed = true;
	}
}

/* One of the threads sends, when all has been acknowledged. */
static void send_window(struct work *w)
{
	__u32 first = w->sent;

	for (__u32 i = 0; i < WINDOW; i++) {
		struct frame frame = frame_of(0, true, first + i);

		run(w, w->programs.skel->progs.metro_out_eth, &frame);
	}
	w->sent = first + WINDOW;
}

/* Takes the next ticket, if there is one. */
static bool acknowledge(struct work *w)
{
	__u32 number = w->next;
	struct frame frame;

	if (number == w->sent)
		return false;
	if (!atomic_compare_exchange_strong(&w->next, &number, number + 1))
		return true;
	frame = frame_of(0, false, number);
	run(w, w->programs.skel->progs.metro_in_eth, &frame);
	return true;
}

static void *thread_run(void *arg)
{
	struct thread *t = arg;
	struct work *w = t->work;

	stay_on(t->index);
	while (!w->failed && monotonic_ns() < w->until_ns)
		if (!acknowledge(w) && t->index == 0)
			send_window(w);
	w->running--;
	return NULL;
}

static void on_record(void *arg, const struct flow_record *record)
{
	struct work *w = arg;
	__u64 late = monotonic_ns() - record->time_ns;

	if (record->time_ns < w->newest_ns) {
		__u64 displaced = w->newest_ns - record->time_ns;

		w->disordered++;
		if (displaced > w->displaced_ns)
			w->displaced_ns = displaced;
	} else {
		w->newest_ns = record->time_ns;
	}
	if (late > w->latest_ns)
		w->latest_ns = late;
	w->samples += record->count;
}

static int start(struct work *w, __u64 delay_ns, char reason[BACKEND_REASON])
{
	struct bpf_records_settings settings = {
		.delay_ns = delay_ns, .most = 16384, .take = on_record, .arg = w};
	int err = programs_load(&w->programs, 1, delay_ns, reason);

	if (err)
		return err;
	settings.map = bpf_map__fd(w->programs.skel->maps.records);
	settings.wake_bytes = w->programs.skel->rodata->wake_bytes;
	snprintf(reason, BACKEND_REASON, "cannot read");
	return bpf_records_open(&w->records, &settings);
}

static int run_threads(struct work *w)
{
	struct thread threads[2];
	struct pollfd readable = {.fd = bpf_records_fd(w->records), .events = POLLIN};
	int err = 0;

	w->running = 2;
	for (__u32 i = 0; i < 2; i++) {
		threads[i] = (struct thread){w, i, 0};
		if (pthread_create(&threads[i].id, NULL, thread_run, &threads[i]))
			return -EAGAIN;
	}
	while (w->running && !err)
		if (poll(&readable, 1, 200) > 0 && bpf_records_due(w->records))
			err = bpf_records_read(w->records);
	for (__u32 i = 0; i < 2; i++)
		pthread_join(threads[i].id, NULL);
	return err;
}

int main(int argc, char *argv[])
{
	static struct work w;
	char reason[BACKEND_REASON] = "out of memory";
	double seconds = argc > 1 ? atof(argv[1]) : 1, delay_ms = argc > 2 ? atof(argv[2]) : 100;
	int err = start(&w, (__u64)(delay_ms * NS_PER_MS), reason);

	w.until_ns = monotonic_ns() + (__u64)(seconds * NS_PER_S);
	if (!err)
		err = run_threads(&w);
	if (err)
		fprintf(stderr, "two_cpus: %s: %s\n", reason, strerror(-err));
	printf("{\"samples\":%llu,\"disordered\":%llu,\"displaced_us\":%.3f,\"latest_us\":%.3f}\n",
	       w.samples, w.disordered, (double)w.displaced_ns / 1e3, (double)w.latest_ns / 1e3);
	bpf_records_close(w.records);
	bpf_programs_unload(&w.programs);
	return err || w.failed || !w.samples;
}
