/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Adds, finds and removes our filters at clsact, beside those of others and of our own dead
 * processes. */
#include "clsact.h"
#include "array.h"
#include "clsact_owner.h"
#include "descriptor.h"
#include "log.h"
#include "tc_dump.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PRIORITIES   8 /* tried in order, since another kind of filter may hold one */
#define PROGRAM_NAME "metro_"

/* A filter's handle is its owner's number, plus this bit (which no number has) if a bpf-metro made
 * the qdisc. */
#define HANDLE_MADE 0x00800000u
_Static_assert(HANDLE_MADE &OWNERS_MASK && !(HANDLE_MADE & OWNERS_PREFIX), "a bit of its own");

enum { EGRESS, INGRESS, SIDES };

static const enum bpf_tc_attach_point points[SIDES] = {BPF_TC_EGRESS, BPF_TC_INGRESS};

/* One of our filters. */
struct filter {
	__u32 handle;
	__u32 priority; /* 0: not attached */
	__u32 program;  /* its id */
};

struct clsact {
	unsigned int ifindex;
	int owner_fd;
	__u32 owner;
	bool made_qdisc;      /* a bpf-metro made it, so the last one removes it */
	unsigned int removed; /* filters that dead processes left */
	struct filter filters[SIDES];
};

/* libbpf refuses a hook with anything in its padding, and clang leaves there what it finds. */
static void hook_init(struct bpf_tc_hook *hook, unsigned int ifindex,
		      enum bpf_tc_attach_point point)
{
	memset(hook, 0, sizeof(*hook));
	hook->sz = sizeof(*hook);
	hook->ifindex = ifindex;
	hook->attach_point = point;
}

static int filter_remove(unsigned int ifindex, int side, __u32 handle, __u32 priority)
{
	struct bpf_tc_hook hook;
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = handle, .priority = priority);

	hook_init(&hook, ifindex, points[side]);
	return bpf_tc_detach(&hook, &opts);
}

/* Does this belong to a bpf-metro, this one or another? */
static bool filter_is_ours(const struct tc_filter *filter)
{
	return (filter->handle & ~HANDLE_MADE & OWNERS_MASK) == OWNERS_PREFIX &&
	       !strncmp(filter->name, PROGRAM_NAME, strlen(PROGRAM_NAME));
}

/* ---- what dead processes left ---- */

struct leftovers {
	struct tc_filter *filters;
	size_t count;
	bool made_qdisc; /* according to one of us */
	int error;
};

static void on_filter_gather(void *arg, const struct tc_filter *filter)
{
	struct leftovers *l = arg;
	struct tc_filter *more;

	if (!filter_is_ours(filter) || l->error)
		return;
	l->made_qdisc |= (filter->handle & HANDLE_MADE) != 0;
	more = array_grow(l->filters, l->count, sizeof(*more));
	if (!more) {
		l->error = -ENOMEM;
		return;
	}
	l->filters = more;
	l->filters[l->count] = *filter;
	l->filters[l->count++].name = NULL;
}

/* The owners are read after the filters: an owner comes before its filters and goes after them. */
static void leftovers_remove(struct clsact *c, const struct leftovers *l, int side)
{
	unsigned int ifindex = c->ifindex;
	struct owners owners;
	int err = owners_read(&owners);

	if (err) {
		log_warning("interface %u: cannot remove filters that a killed bpf-metro may have "
			    "left: cannot read from /proc/net/netlink who is alive: %s",
			    ifindex, strerror(-err));
		return;
	}
	for (size_t i = 0; i < l->count; i++) {
		const struct tc_filter *filter = &l->filters[i];

		if (!owners_have(&owners, filter->handle & ~HANDLE_MADE) &&
		    !filter_remove(ifindex, side, filter->handle, filter->priority))
			c->removed++;
	}
	owners_free(&owners);
}

static int clean(struct clsact *c)
{
	int err = 0;

	for (int side = 0; side < SIDES && !err; side++) {
		struct leftovers l = {};

		err = tc_filters(c->ifindex, side == INGRESS, on_filter_gather, &l);
		err = err ? err : l.error;
		if (!err && l.count)
			leftovers_remove(c, &l, side);
		c->made_qdisc |= l.made_qdisc;
		free(l.filters);
	}
	return err;
}

/* ---- the qdisc ---- */

static int qdisc_get(struct clsact *c)
{
	struct bpf_tc_hook hook;
	int qdisc = tc_qdisc(c->ifindex), err;

	hook_init(&hook, c->ifindex, BPF_TC_EGRESS);
	if (qdisc == TC_QDISC_NONE) {
		err = bpf_tc_hook_create(&hook); /* or fails, if there is one */
		c->made_qdisc = err == 0;
		if (err != -EEXIST)
			return err;
		qdisc = tc_qdisc(c->ifindex); /* somebody else made one first */
	}
	if (qdisc < 0)
		return qdisc;
	if (qdisc == TC_QDISC_INGRESS)
		return -EEXIST; /* it has no egress side, and there cannot be both */
	return clean(c);
}

static void on_filter_count(void *arg, const struct tc_filter *filter)
{
	(void)filter;
	++*(unsigned int *)arg;
}

static void qdisc_put(unsigned int ifindex)
{
	struct bpf_tc_hook hook;
	unsigned int filters = 0; /* anybody's */

	hook_init(&hook, ifindex, (enum bpf_tc_attach_point)(BPF_TC_EGRESS | BPF_TC_INGRESS));
	for (int side = 0; side < SIDES; side++)
		if (tc_filters(ifindex, side == INGRESS, on_filter_count, &filters))
			return; /* not sure that it is empty */
	if (!filters)
		bpf_tc_hook_destroy(&hook);
}

/* ---- our filters ---- */

static int program_id(int program, __u32 *id)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(program, &info, &size))
		return -errno;
	*id = info.id;
	return 0;
}

static int filter_add(struct clsact *c, int side, int program)
{
	struct bpf_tc_hook hook;
	struct filter *f = &c->filters[side];
	int err = program_id(program, &f->program);

	hook_init(&hook, c->ifindex, points[side]);
	if (err)
		return err;
	f->handle = c->owner | (c->made_qdisc ? HANDLE_MADE : 0);
	for (__u32 priority = 1; priority <= PRIORITIES; priority++) {
		LIBBPF_OPTS(bpf_tc_opts, opts, .handle = f->handle, .priority = priority,
			    .prog_fd = program);

		err = bpf_tc_attach(&hook, &opts);
		if (!err) {
			f->priority = priority;
			if (priority > 1)
				log_warning("interface %u: other filters come before ours and may "
					    "keep packets from ours",
					    c->ifindex);
			return 0;
		}
		/* EINVAL, EEXIST: another kind of filter has this priority. */
		if (err != -EINVAL && err != -EEXIST)
			break;
	}
	return err;
}

struct sighting {
	const struct filter *wanted;
	bool found;
	bool made_qdisc; /* according to one of us */
};

static void on_filter_look(void *arg, const struct tc_filter *filter)
{
	struct sighting *s = arg;

	s->found |= filter->handle == s->wanted->handle &&
		    filter->priority == s->wanted->priority &&
		    filter->program == s->wanted->program;
	s->made_qdisc |= filter_is_ours(filter) && filter->handle & HANDLE_MADE;
}

/* Is our filter there? Returns 1, 0 or -errno. The bpf-metro that made the qdisc may have attached
 * only after us, so this is the time to see it. */
static int filter_look(struct clsact *c, int side)
{
	struct sighting s = {.wanted = &c->filters[side]};
	int err = tc_filters(c->ifindex, side == INGRESS, on_filter_look, &s);

	if (err)
		return err;
	c->made_qdisc |= s.found && s.made_qdisc;
	return s.found;
}

/* ---- life ---- */

int clsact_open(struct clsact **clsact, unsigned int ifindex, int egress, int ingress)
{
	struct clsact *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	c->ifindex = ifindex;
	c->owner_fd = owner_become(&c->owner);
	err = c->owner_fd < 0 ? c->owner_fd : qdisc_get(c);
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

unsigned int clsact_removed(const struct clsact *c)
{
	return c->removed;
}

int clsact_check(struct clsact *c)
{
	for (int side = 0; side < SIDES; side++) {
		int there = c->filters[side].priority ? filter_look(c, side) : 1;

		if (there <= 0)
			return there ? there : -ENOENT;
	}
	return 0;
}

/* Returns whether it was there. If the kernel does not say, the filter counts as ours: our owner's
 * socket is open, so nobody else has the handle. */
static bool filter_withdraw(struct clsact *c, int side)
{
	const struct filter *f = &c->filters[side];
	int there = f->priority ? filter_look(c, side) : 0, err;

	if (!there)
		return false;
	err = filter_remove(c->ifindex, side, f->handle, f->priority);
	if (err && err != -ENOENT && err != -ENODEV && err != -EINVAL) /* or it has just gone */
		log_warning("interface %u: cannot remove our filter: %s; it stays until the next "
			    "bpf-metro measures there",
			    c->ifindex, strerror(-err));
	return there == 1 || !err;
}

void clsact_close(struct clsact *c)
{
	bool attached = false, complete;

	if (!c)
		return;
	complete = c->filters[EGRESS].priority;
	for (int side = 0; side < SIDES; side++)
		attached |= filter_withdraw(c, side);
	/* If we had filters and none of them is left, this is another qdisc than the one we used.
	 */
	if (c->made_qdisc && (attached || !complete))
		qdisc_put(c->ifindex);
	descriptor_close(&c->owner_fd);
	free(c);
}
