/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "clsact.h"
#include "log.h"
#include "tc_dump.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SLOTS        8 /* bpf-metro processes on one interface */
#define PRIORITIES   8 /* tried from the first on, since another kind of filter may have one */
#define PROGRAM_NAME "metro_"

/* Our filters' handles say "mt", whether it was one of us who made the qdisc, and the slot. */
#define HANDLE         0x6d740001u
#define HANDLE_MASK    0xffff0000u
#define HANDLE_MADE    0x1000u
#define HANDLE_SLOT(h) (((h)&0xff) - 1)

enum { EGRESS, INGRESS, SIDES };

static const enum bpf_tc_attach_point points[SIDES] = {BPF_TC_EGRESS, BPF_TC_INGRESS};

struct clsact {
	unsigned int ifindex;
	unsigned int slot;
	int slot_sockets[SLOTS]; /* held while opening; afterwards only that of our slot */
	bool made_qdisc;         /* by one of us, so by the last of us it is removed */
	__u32 priority[SIDES];   /* 0: not attached */
};

static struct bpf_tc_hook hook_of(unsigned int ifindex, enum bpf_tc_attach_point point)
{
	return (struct bpf_tc_hook){
		.sz = sizeof(struct bpf_tc_hook),
		.ifindex = ifindex,
		.attach_point = point,
	};
}

static __u32 handle_of(const struct clsact *c)
{
	return (HANDLE + c->slot) | (c->made_qdisc ? HANDLE_MADE : 0);
}

/* Returns a socket that stands for the slot, or -EADDRINUSE if another process has it. */
static int slot_take(unsigned int ifindex, unsigned int slot)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd, err, n;

	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	n = snprintf(addr.sun_path + 1, sizeof(addr.sun_path) - 1, "bpf-metro/clsact/%u/%u",
		     ifindex, slot);
	if (bind(fd, (struct sockaddr *)&addr, offsetof(struct sockaddr_un, sun_path) + 1 + n)) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

/* Takes all free slots for now, so that none is given away while its leftovers are removed. */
static int slots_claim(struct clsact *c)
{
	int free_slots = 0;

	for (unsigned int slot = 0; slot < SLOTS; slot++) {
		c->slot_sockets[slot] = slot_take(c->ifindex, slot);
		if (c->slot_sockets[slot] >= 0)
			c->slot = free_slots++ ? c->slot : slot;
		else if (c->slot_sockets[slot] != -EADDRINUSE)
			return c->slot_sockets[slot];
	}
	return free_slots ? 0 : -EBUSY;
}

static void slots_release(struct clsact *c, bool all)
{
	for (unsigned int slot = 0; slot < SLOTS; slot++) {
		if (c->slot_sockets[slot] < 0 || (!all && slot == c->slot))
			continue;
		close(c->slot_sockets[slot]);
		c->slot_sockets[slot] = -1;
	}
}

static int filter_remove(unsigned int ifindex, int side, __u32 handle, __u32 priority)
{
	struct bpf_tc_hook hook = hook_of(ifindex, points[side]);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = handle, .priority = priority);

	return bpf_tc_detach(&hook, &opts);
}

/* Is this filter's program one of ours? Where we may not ask (CAP_SYS_ADMIN), its handle has to do.
 */
static bool filter_is_ours(unsigned int ifindex, int side, const struct tc_filter *filter)
{
	struct bpf_tc_hook hook = hook_of(ifindex, points[side]);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = filter->handle, .priority = filter->priority);
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);
	bool ours;
	int fd;

	if ((filter->handle & HANDLE_MASK) != (HANDLE & HANDLE_MASK) ||
	    HANDLE_SLOT(filter->handle) >= SLOTS || bpf_tc_query(&hook, &opts))
		return false;
	fd = bpf_prog_get_fd_by_id(opts.prog_id);
	if (fd < 0)
		return errno == EPERM;
	ours = bpf_obj_get_info_by_fd(fd, &info, &size) == 0 &&
	       !strncmp(info.name, PROGRAM_NAME, strlen(PROGRAM_NAME));
	close(fd);
	return ours;
}

struct survey {
	struct clsact *clsact;
	int side;
	int filters; /* anybody's */
};

/* A filter in a slot that we could take is one that a killed process left. */
static void on_filter_clean(void *arg, const struct tc_filter *filter)
{
	struct survey *s = arg;
	struct clsact *c = s->clsact;

	if (!filter_is_ours(c->ifindex, s->side, filter))
		return;
	c->made_qdisc |= (filter->handle & HANDLE_MADE) != 0;
	if (c->slot_sockets[HANDLE_SLOT(filter->handle)] < 0)
		return;
	if (!filter_remove(c->ifindex, s->side, filter->handle, filter->priority))
		log_info("removed a filter that a killed bpf-metro left on interface %u",
			 c->ifindex);
}

static int clean(struct clsact *c)
{
	int err = 0;

	for (int side = 0; side < SIDES && !err; side++) {
		struct survey survey = {.clsact = c, .side = side};

		err = tc_filters(c->ifindex, side == INGRESS, on_filter_clean, &survey);
	}
	return err;
}

static int qdisc_get(struct clsact *c)
{
	struct bpf_tc_hook hook = hook_of(c->ifindex, BPF_TC_EGRESS);
	int qdisc = tc_qdisc(c->ifindex), err;

	if (qdisc < 0)
		return qdisc;
	if (qdisc == TC_QDISC_INGRESS)
		return -EEXIST; /* it has no egress side, and there cannot be both */
	if (qdisc == TC_QDISC_CLSACT)
		return clean(c);
	err = bpf_tc_hook_create(&hook);
	c->made_qdisc = err == 0;
	return err;
}

static int filter_add(struct clsact *c, int side, int program)
{
	struct bpf_tc_hook hook = hook_of(c->ifindex, points[side]);
	int err = -EINVAL;

	for (__u32 priority = 1; priority <= PRIORITIES; priority++) {
		LIBBPF_OPTS(bpf_tc_opts, opts, .handle = handle_of(c), .priority = priority,
			    .prog_fd = program);

		err = bpf_tc_attach(&hook, &opts);
		if (!err) {
			c->priority[side] = priority;
			if (priority > 1)
				log_warning("interface %u: other filters come before ours and may "
					    "keep packets from it",
					    c->ifindex);
			return 0;
		}
		/* EINVAL, EEXIST: another kind of filter has this priority. */
		if (err != -EINVAL && err != -EEXIST)
			break;
	}
	return err;
}

static void on_filter_count(void *arg, const struct tc_filter *filter)
{
	struct survey *s = arg;

	(void)filter;
	s->filters++;
}

static void qdisc_put(unsigned int ifindex)
{
	struct bpf_tc_hook hook =
		hook_of(ifindex, (enum bpf_tc_attach_point)(BPF_TC_EGRESS | BPF_TC_INGRESS));
	struct survey survey = {};

	for (int side = 0; side < SIDES; side++)
		if (tc_filters(ifindex, side == INGRESS, on_filter_count, &survey))
			return; /* not sure that it is empty */
	if (!survey.filters)
		bpf_tc_hook_destroy(&hook);
}

int clsact_open(struct clsact **clsact, unsigned int ifindex, int egress, int ingress)
{
	struct clsact *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	c->ifindex = ifindex;
	memset(c->slot_sockets, 0xff, sizeof(c->slot_sockets));
	err = slots_claim(c);
	if (!err)
		err = qdisc_get(c);
	slots_release(c, false);
	if (!err)
		err = filter_add(c, EGRESS, egress);
	if (!err && ingress >= 0)
		err = filter_add(c, INGRESS, ingress);
	if (err) {
		clsact_close(c);
		return err;
	}
	*clsact = c;
	return 0;
}

void clsact_close(struct clsact *c)
{
	int err;

	if (!c)
		return;
	for (int side = 0; side < SIDES; side++) {
		if (!c->priority[side])
			continue;
		err = filter_remove(c->ifindex, side, handle_of(c), c->priority[side]);
		if (err && err != -ENOENT && err != -ENODEV && err != -EINVAL)
			log_warning("removing our filter from interface %u: %s", c->ifindex,
				    strerror(-err));
	}
	if (c->made_qdisc)
		qdisc_put(c->ifindex);
	slots_release(c, true);
	free(c);
}
