/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where records may wait, the first one that comes after a pause starts a clock. They are read when
 * it runs out, soon for that one, or when the ring has filled to a part. When it runs out and there
 * is nothing, it stops. So a single sample is seen soon, many cost a few wake-ups a second, and
 * none at all costs none.
 *
 * What was read is put in order of time (record_order.h). Records younger than the hold stay for
 * the next time: some CPU may still have an older one.
 *
 * The kernel wakes us by a record that finds the ring read to its end (maps.h, wake_first), once:
 * our epoll(7) descriptor is edge-triggered. A record may slip through while we are reading to the
 * end, since our position and the record's are not compared in one instant. Then the clock runs,
 * and finds it.
 */
#include "bpf_records.h"

#include "clock.h"
#include "descriptor.h"
#include "record_order.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <unistd.h>

/*
 * How old a record must be before no CPU is expected to have an older one. With both CPUs of a
 * virtual machine on one connection's ACKs (two_cpus), 1 in 600 came behind a younger one: half of
 * these by up to 90 ns, 99 in 100 by up to 53 us, the last by 81 us, which is the longest wait for
 * a flow and an interrupt or two. The rest is for a hypervisor that takes the CPU away meanwhile.
 */
#define HOLD_NS (10 * NS_PER_MS)

struct bpf_records {
	struct bpf_records_settings settings;
	struct record_order order; /* if records may wait */
	__u64 hold_ns;
	struct ring_buffer *ring;
	int epoll; /* of the ring and the clock; -1: records do not wait */
	int clock;
	bool running;      /* the clock */
	unsigned int left; /* records that this call of read may still deliver */

	/* Positions in bytes since the start, each on a page of the map that the kernel shares. */
	size_t page;
	const unsigned long *read_to, *written_to;
};

/* Delivers those that are not younger. */
static void deliver(struct bpf_records *r, __u64 until_ns)
{
	const struct flow_record *record;

	while ((record = record_order_take(&r->order, until_ns)))
		r->settings.take(r->settings.arg, record);
}

/*
 * What has no sample needs no order, and may have an old time. What comes behind a record in the
 * ring was written later, so it is younger than that one less the hold. Where too many wait, the
 * oldest goes: no CPU is that many behind.
 */
static void take_in(struct bpf_records *r, const struct flow_record *record)
{
	if (!r->settings.delay_ns || !record->count) {
		r->settings.take(r->settings.arg, record);
		return;
	}
	if (!record_order_has_room(&r->order))
		r->settings.take(r->settings.arg, record_order_take(&r->order, UINT64_MAX));
	record_order_put(&r->order, record);
	deliver(r, record->time_ns - r->hold_ns);
}

static int on_record(void *arg, void *data, size_t size)
{
	struct bpf_records *r = arg;
	const struct flow_record *record = data;

	/* Nothing else can be: the programs write nothing else. */
	if (size >= FLOW_RECORD_SIZE(0) && size >= FLOW_RECORD_SIZE(record->count))
		take_in(r, record);
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

	if (record_order_open(&r->order))
		return -ENOMEM;
	r->hold_ns = r->settings.delay_ns / 2 < HOLD_NS ? r->settings.delay_ns / 2 : HOLD_NS;
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
	record_order_close(&r->order);
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

/* Without the last nanosecond, none would be no time but never. */
static void clock_start(struct bpf_records *r, __u64 ns)
{
	clock_set(r, ns + 1);
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
	if (!r->running)
		clock_start(r, r->hold_ns);
	return ran_out || waiting_bytes(r) >= r->settings.wake_bytes;
}

/* Starts the clock anew, for what comes from now on and for what stayed; at once for what was left.
 * Or stops it. What is too young when it runs out waits for it once more: less than the hold and
 * that, so no longer than the delay. */
static void go_on(struct bpf_records *r)
{
	if (!r->left)
		clock_start(r, 0);
	else if (r->left < r->settings.most || !record_order_is_empty(&r->order))
		clock_start(r, r->settings.delay_ns - r->hold_ns);
	else
		clock_set(r, 0);
}

int bpf_records_read(struct bpf_records *r)
{
	__u64 now = monotonic_ns(); /* what is older than this by the hold is in the ring */
	int n;

	r->left = r->settings.most;
	n = ring_buffer__consume(r->ring);
	if (r->settings.delay_ns) {
		if (r->left)
			deliver(r, now - r->hold_ns);
		go_on(r);
	}
	return n < 0 && n != -EAGAIN ? n : 0;
}

/* The ring has no room for more than one call of read takes. */
int bpf_records_read_all(struct bpf_records *r)
{
	int err = bpf_records_read(r);

	deliver(r, UINT64_MAX);
	return err;
}
