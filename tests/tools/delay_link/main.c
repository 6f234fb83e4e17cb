/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A cable between two interfaces with a delay in it, for kernels that have no netem.
 *
 * Frames are taken from and given to packet sockets with the kernel's offload header in front, so
 * that GSO super-packets and checksums still to be computed pass as they are: one frame here may be
 * 64 KB, which is what makes several Gbit/s possible. Each direction is a lane: it has queues in
 * memory, where frames wait for their time of release, and a random generator of its own, so that
 * what happens to the n-th frame of a lane depends on the seed alone.
 */
#include "lane.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define FRAMES_A_WAKE 32 /* taken from one socket before the other gets its turn */

/* A sleeper wakes up tens of microseconds late. So wake early, and watch the clock for the rest. */
#define WAKE_EARLY_NS (60 * NS_PER_US)

struct link {
	struct port ports[2];
	struct lane lanes[2];
	int stop_fd;
};

static void link_release_due(struct link *link)
{
	for (int i = 0; i < 2; i++)
		lane_release_due(&link->lanes[i]);
}

static uint64_t link_wake_time(struct link *link, uint64_t deadline)
{
	uint64_t next = UINT64_MAX;

	for (int i = 0; i < 2; i++) {
		uint64_t ordered = queue_next_release(&link->lanes[i].ordered);
		uint64_t late = queue_next_release(&link->lanes[i].late);

		next = ordered < next ? ordered : next;
		next = late < next ? late : next;
	}
	if (next != UINT64_MAX)
		next -= WAKE_EARLY_NS;
	return next < deadline ? next : deadline;
}

/* Takes what has come, but never lets it keep waiting what is due. */
static int link_receive(struct link *link, struct lane *lane, const struct options *options)
{
	for (int i = 0; i < FRAMES_A_WAKE; i++) {
		int received = lane_receive(lane, options);

		if (received == -EAGAIN)
			return 0;
		if (received < 0)
			return received;
		link_release_due(link);
	}
	return 0;
}

/* Returns 1 to go on, 0 to stop, or -errno. */
static int link_step(struct link *link, const struct options *options, uint64_t deadline)
{
	struct pollfd waiting[] = {
		{.fd = link->lanes[0].in->fd, .events = POLLIN},
		{.fd = link->lanes[1].in->fd, .events = POLLIN},
		{.fd = link->stop_fd, .events = POLLIN},
	};
	uint64_t wake = link_wake_time(link, deadline);
	struct timespec timeout = timespec_of(ns_until(wake));
	int error = 0;

	if (ppoll(waiting, 3, &timeout, NULL) < 0 && errno != EINTR)
		return fail(errno, "cannot wait for frames");
	link_release_due(link);
	for (int i = 0; i < 2 && !error; i++)
		if (waiting[i].revents)
			error = link_receive(link, &link->lanes[i], options);
	if (error)
		return error;
	return !waiting[2].revents && ns_until(deadline) > 0;
}

static int link_run(struct link *link, const struct options *options)
{
	uint64_t deadline = deadline_after(options->duration);
	int going;

	do
		going = link_step(link, options, deadline);
	while (going > 0);
	return going;
}

static int link_open(struct link *link, const struct options *options)
{
	int error = 0;

	for (int i = 0; i < 2; i++) {
		link->ports[i].fd = -1;
		link->lanes[i].in = &link->ports[i];
		link->lanes[i].out = &link->ports[1 - i];
		link->lanes[i].random = options->seed + (uint64_t)i;
	}
	for (int i = 0; i < 2 && !error; i++) {
		error = port_open(&link->ports[i], options->names[i]);
		if (!error)
			error = queue_open(&link->lanes[i].ordered);
		if (!error)
			error = queue_open(&link->lanes[i].late);
	}
	return error;
}

static void link_close(struct link *link)
{
	for (int i = 0; i < 2; i++) {
		port_close(&link->ports[i]);
		queue_close(&link->lanes[i].ordered);
		queue_close(&link->lanes[i].late);
	}
}

static void print_counts(const struct lane *lane)
{
	const struct counts *counts = &lane->counts;

	fprintf(stderr,
		"%s -> %s: forwarded %llu, dropped %llu, lost %llu, duplicated %llu, reordered "
		"%llu\n",
		lane->in->name, lane->out->name, (unsigned long long)counts->forwarded,
		(unsigned long long)(counts->dropped + port_drops(lane->in)),
		(unsigned long long)counts->lost, (unsigned long long)counts->duplicated,
		(unsigned long long)counts->reordered);
}

/* netem works in the kernel's interrupts; the nearest to that is to be punctual and to go first. */
static void hurry(void)
{
	prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
	setpriority(PRIO_PROCESS, 0, -20);
}

static int run(struct link *link, const struct options *options)
{
	int error = link_open(link, options);

	if (!error) {
		fprintf(stderr, "forwarding between %s and %s\n", options->names[0],
			options->names[1]);
		error = link_run(link, options);
		print_counts(&link->lanes[0]);
		print_counts(&link->lanes[1]);
	}
	link_close(link);
	return error;
}

int main(int argc, char *argv[])
{
	struct options options = {.seed = 1};
	struct link link = {0};
	int error;

	parse_options(argc, argv, &options);
	link.stop_fd = open_stop_fd();
	if (link.stop_fd < 0)
		return EXIT_FAILURE;
	hurry();
	error = run(&link, &options);
	close(link.stop_fd);
	return error ? EXIT_FAILURE : EXIT_SUCCESS;
}
