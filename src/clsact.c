/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "clsact.h"
#include "log.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SLOTS	     8	 /* bpf-metro processes on one interface */
#define PRIORITIES   8	 /* tried from the first on, since another kind of filter may have one */
#define HANDLE_FIRST 0x6d740001u /* "mt", and the slot */
#define PROGRAM_NAME "metro_"

enum { EGRESS, INGRESS, SIDES };

static const enum bpf_tc_attach_point points[SIDES] = {BPF_TC_EGRESS, BPF_TC_INGRESS};

struct clsact {
	unsigned int ifindex;
	unsigned int slot;
	int slot_socket;
	bool made_qdisc;
	unsigned int priority[SIDES]; /* 0: not attached */
};

static struct bpf_tc_hook hook_of(unsigned int ifindex, enum bpf_tc_attach_point point)
{
	return (struct bpf_tc_hook){
		.sz = sizeof(struct bpf_tc_hook),
		.ifindex = ifindex,
		.attach_point = point,
	};
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
	if (bind(fd, (struct sockaddr *) &addr, offsetof(struct sockaddr_un, sun_path) + 1 + n)) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

/* Is this program one of ours? Where we may not ask (CAP_SYS_ADMIN), its handle has to do. */
static bool program_is_ours(unsigned int id)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id);
	bool ours;

	if (fd < 0)
		return errno == EPERM;
	ours = bpf_obj_get_info_by_fd(fd, &info, &size) == 0 &&
	       !strncmp(info.name, PROGRAM_NAME, strlen(PROGRAM_NAME));
	close(fd);
	return ours;
}

static void filter_remove(unsigned int ifindex, enum bpf_tc_attach_point point, unsigned int slot,
			  unsigned int priority)
{
	struct bpf_tc_hook hook = hook_of(ifindex, point);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = HANDLE_FIRST + slot, .priority = priority);
	int err = bpf_tc_detach(&hook, &opts);

	if (err && err != -ENOENT && err != -ENODEV && err != -EINVAL)
		log_warning("removing our filter from interface %u: %s", ifindex, strerror(-err));
}

/* Removes what a dead process left in a slot that is ours now. */
static void slot_clean(unsigned int ifindex, unsigned int slot)
{
	for (int side = 0; side < SIDES; side++) {
		struct bpf_tc_hook hook = hook_of(ifindex, points[side]);

		for (unsigned int priority = 1; priority <= PRIORITIES; priority++) {
			LIBBPF_OPTS(bpf_tc_opts, opts, .handle = HANDLE_FIRST + slot,
				    .priority = priority);

			if (bpf_tc_query(&hook, &opts) || !program_is_ours(opts.prog_id))
				continue;
			filter_remove(ifindex, points[side], slot, priority);
			log_info("removed a filter that a killed bpf-metro left on interface %u",
				 ifindex);
		}
	}
}

/* Takes the first free slot and cleans every free one. */
static int slots_claim(struct clsact *c)
{
	for (unsigned int slot = 0; slot < SLOTS; slot++) {
		int fd = slot_take(c->ifindex, slot);

		if (fd == -EADDRINUSE)
			continue;
		if (fd < 0)
			return fd;
		slot_clean(c->ifindex, slot);
		if (c->slot_socket < 0) {
			c->slot_socket = fd;
			c->slot = slot;
		} else {
			close(fd);
		}
	}
	return c->slot_socket < 0 ? -EBUSY : 0;
}

static int filter_add(struct clsact *c, int side, int program)
{
	struct bpf_tc_hook hook = hook_of(c->ifindex, points[side]);
	int err = -EINVAL;

	for (unsigned int priority = 1; priority <= PRIORITIES; priority++) {
		LIBBPF_OPTS(bpf_tc_opts, opts, .handle = HANDLE_FIRST + c->slot,
			    .priority = priority, .prog_fd = program);

		err = bpf_tc_attach(&hook, &opts);
		if (!err) {
			c->priority[side] = priority;
			return 0;
		}
		/* EINVAL, EEXIST: another kind of filter has this priority. */
		if (err != -EINVAL && err != -EEXIST)
			break;
	}
	return err;
}

/* Asks the kernel for the filters of one side. Returns true unless it is sure there are none. */
static bool filters_remain(unsigned int ifindex, __u32 parent)
{
	struct {
		struct nlmsghdr header;
		struct tcmsg tc;
	} request = {
		.header = {.nlmsg_len = sizeof(request), .nlmsg_type = RTM_GETTFILTER,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.tc = {.tcm_ifindex = (int) ifindex, .tcm_parent = parent},
	};
	struct timeval patience = {.tv_sec = 1};
	char answer[16384];
	bool remain = true;
	ssize_t n;
	int fd;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd < 0)
		return true;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (send(fd, &request, sizeof(request), 0) == sizeof(request)) {
		n = recv(fd, answer, sizeof(answer), 0);
		remain = n < (ssize_t) sizeof(struct nlmsghdr) ||
			 ((struct nlmsghdr *) answer)->nlmsg_type != NLMSG_DONE;
	}
	close(fd);
	return remain;
}

static void qdisc_remove(unsigned int ifindex)
{
	struct bpf_tc_hook hook =
		hook_of(ifindex, (enum bpf_tc_attach_point)(BPF_TC_EGRESS | BPF_TC_INGRESS));

	if (filters_remain(ifindex, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)) ||
	    filters_remain(ifindex, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS)))
		return;
	bpf_tc_hook_destroy(&hook);
}

int clsact_open(struct clsact **clsact, unsigned int ifindex, int egress, int ingress)
{
	struct bpf_tc_hook hook = hook_of(ifindex, BPF_TC_EGRESS);
	struct clsact *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	c->ifindex = ifindex;
	c->slot_socket = -1;
	err = slots_claim(c);
	if (err)
		goto fail;
	err = bpf_tc_hook_create(&hook);
	c->made_qdisc = err == 0;
	if (err && err != -EEXIST)
		goto fail;
	err = filter_add(c, EGRESS, egress);
	if (!err && ingress >= 0)
		err = filter_add(c, INGRESS, ingress);
	if (err)
		goto fail;
	*clsact = c;
	return 0;
fail:
	clsact_close(c);
	return err;
}

void clsact_close(struct clsact *c)
{
	if (!c)
		return;
	for (int side = 0; side < SIDES; side++)
		if (c->priority[side])
			filter_remove(c->ifindex, points[side], c->slot, c->priority[side]);
	if (c->made_qdisc)
		qdisc_remove(c->ifindex);
	if (c->slot_socket >= 0)
		close(c->slot_socket);
	free(c);
}
