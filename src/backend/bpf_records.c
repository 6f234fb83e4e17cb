/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where records may wait, the first one that comes after a pause is read at once, and starts a
 * clock: those that follow are read when it runs out, or when the ring has filled to a part. When
 * it runs out and there is nothing, it stops. So a single sample is seen at once, many cost a few
 * wake-ups a second, and none at all costs none.
 *
 * The kernel wakes us by a record that finds the ring read to its end (maps.h, wake_first), once:
 * our epoll(7) descriptor is edge-triggered. A record may slip through while we are reading to the
 * end, since our position and the record's are not compared in one instant. Then the clock runs,
 * and finds it.
 */
#include "bpf_records.h"

#include "descriptor.h"
#include "units.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <unistd.h>

struct bpf_records {
	struct bpf_records_settings settings;
	struct ring_buffer *ring;
	int epoll; /* of the ring and the clock; -1: records do not wait */
	int clock;
	bool running;      /* the clock */
	unsigned int left; /* records that this call of read may still deliver */

	/* Positions in bytes since the start, each on a page of the map that the kernel shares. */
	size_t page;
	const unsigned long *read_to, *written_to;
};

static int on_record(void *arg, void *data, size_t size)
{
	struct bpf_records *r = arg;
	const struct flow_record *record = data;

	/* Nothing else can be: the programs write nothing else. */
	if (size >= FLOW_RECORD_SIZE(0) && size >= FLOW_RECORD_SIZE(record->count))
		r->settings.take(r->settings.arg, record);
	return --r->left ? 0 : -EAGAIN;
}

static const unsigned long *map_position(const struct bpf_records *r, unsigned int place)
{
	void *at = mmap(NULL, r->page, PROT_READ, MAP_SHARED, r->settings.map,
			(off_t)(place * r->page));

	return at == MAP_FAILED ? NULL : at;
}

static void unmap_position(const struct bpf_records *r, const unsigned long *position)
{
	if (position)
		munmap((void *)position, r->page);
}

static int open_clock(struct bpf_records *r)
{
	struct epoll_event ring = {.events = EPOLLIN | EPOLLET, .data.fd = r->settings.map};
	struct epoll_event clock = {.events = EPOLLIN};

	r->page = (size_t)sysconf(_SC_PAGESIZE);
	r->read_to = map_position(r, 0);
	r->written_to = r->read_to ? map_position(r, 1) : NULL;
	if (!r->written_to)
		return -errno;
	r->epoll = epoll_create1(EPOLL_CLOEXEC);
	r->clock = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	clock.data.fd = r->clock;
	if (r->epoll < 0 || r->clock < 0 ||
	    epoll_ctl(r->epoll, EPOLL_CTL_ADD, r->settings.map, &ring) ||
	    epoll_ctl(r->epoll, EPOLL_CTL_ADD, r->clock, &clock))
		return -errno;
	return 0;
}

int bpf_records_open(struct bpf_records **records, const struct bpf_records_settings *settings)
{
	struct bpf_records *r = calloc(1, sizeof(*r));
	int err = 0;

	if (!r)
		return -ENOMEM;
	r->settings = *settings;
	r->epoll = r->clock = -1;
	r->ring = ring_buffer__new(settings->map, on_record, r, NULL);
	if (!r->ring)
		err = -errno;
	else if (settings->delay_ns)
		err = open_clock(r);
	if (err)
		bpf_records_close(r);
	else
		*records = r;
	return err;
}

void bpf_records_close(struct bpf_records *r)
{
	if (!r)
		return;
	ring_buffer__free(r->ring);
	unmap_position(r, r->read_to);
	unmap_position(r, r->written_to);
	descriptor_close(&r->clock);
	descriptor_close(&r->epoll);
	free(r);
}

int bpf_records_fd(const struct bpf_records *r)
{
	return r->settings.delay_ns ? r->epoll : ring_buffer__epoll_fd(r->ring);
}

static void clock_set(struct bpf_records *r, __u64 ns)
{
	struct itimerspec spec = {
		.it_value = {.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)}};

	r->running = ns;
	timerfd_settime(r->clock, 0, &spec, NULL);
}

static unsigned long waiting_bytes(const struct bpf_records *r)
{
	unsigned long to = __atomic_load_n(r->written_to, __ATOMIC_ACQUIRE);

	return to - __atomic_load_n(r->read_to, __ATOMIC_ACQUIRE);
}

bool bpf_records_due(struct bpf_records *r)
{
	struct epoll_event events[2];
	bool ran_out = false;
	int n;

	if (!r->settings.delay_ns)
		return true;
	n = epoll_wait(r->epoll, events, 2, 0);
	for (int i = 0; i < n; i++)
		ran_out |= events[i].data.fd == r->clock;
	return ran_out || !r->running || waiting_bytes(r) >= r->settings.wake_bytes;
}

/* Starts the clock anew, for what comes from now on; at once for what was left. Or stops it. */
static void go_on(struct bpf_records *r)
{
	if (!r->left)
		clock_set(r, 1);
	else
		clock_set(r, r->left < r->settings.most ? r->settings.delay_ns : 0);
}

int bpf_records_read(struct bpf_records *r)
{
	int n;

	r->left = r->settings.most;
	n = ring_buffer__consume(r->ring);
	if (r->settings.delay_ns)
		go_on(r);
	return n < 0 && n != -EAGAIN ? n : 0;
}
