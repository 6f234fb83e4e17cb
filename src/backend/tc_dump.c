/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tc_dump.h"

#include <errno.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#ifndef TC_H_CLSACT
#define TC_H_CLSACT TC_H_INGRESS
#endif

typedef void (*message_handler)(void *arg, const struct nlmsghdr *message);

/* Returns 1 when the dump is complete, 0 if more is to come, -errno. */
static int handle_messages(const char *bytes, ssize_t size, message_handler handler, void *arg)
{
	const struct nlmsghdr *m = (const void *)bytes;

	for (; NLMSG_OK(m, size); m = NLMSG_NEXT(m, size)) {
		if (m->nlmsg_type == NLMSG_DONE)
			return 1;
		if (m->nlmsg_type == NLMSG_ERROR)
			return ((const struct nlmsgerr *)NLMSG_DATA(m))->error ?: 1;
		handler(arg, m);
	}
	return 0;
}

static int dump(unsigned short type, unsigned int ifindex, __u32 parent, message_handler handler,
		void *arg)
{
	struct {
		struct nlmsghdr header;
		struct tcmsg tc;
	} request = {
		.header = {.nlmsg_len = sizeof(request),
			   .nlmsg_type = type,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.tc = {.tcm_ifindex = (int)ifindex, .tcm_parent = parent},
	};
	struct timeval patience = {.tv_sec = 1};
	char answer[32768] __attribute__((aligned(NLMSG_ALIGNTO)));
	int fd, status = 0;
	ssize_t n;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (send(fd, &request, sizeof(request), 0) < 0)
		status = -errno;
	while (status == 0) {
		n = recv(fd, answer, sizeof(answer), 0);
		status = n < 0 ? -errno : handle_messages(answer, n, handler, arg);
	}
	close(fd);
	return status < 0 ? status : 0;
}

struct qdisc_search {
	unsigned int ifindex;
	enum tc_qdisc found;
};

static const char *qdisc_kind(const struct nlmsghdr *message)
{
	const struct tcmsg *tc = NLMSG_DATA(message);
	const struct rtattr *a = (const void *)(tc + 1);
	int left = (int)NLMSG_PAYLOAD(message, sizeof(*tc));

	for (; RTA_OK(a, left); a = RTA_NEXT(a, left))
		if (a->rta_type == TCA_KIND)
			return RTA_DATA(a);
	return "";
}

static void on_qdisc(void *arg, const struct nlmsghdr *message)
{
	const struct tcmsg *tc = NLMSG_DATA(message);
	struct qdisc_search *search = arg;

	if (tc->tcm_ifindex != (int)search->ifindex || tc->tcm_parent != TC_H_CLSACT)
		return;
	search->found = strcmp(qdisc_kind(message), "clsact") ? TC_QDISC_INGRESS : TC_QDISC_CLSACT;
}

int tc_qdisc(unsigned int ifindex)
{
	struct qdisc_search search = {.ifindex = ifindex};
	int err = dump(RTM_GETQDISC, ifindex, 0, on_qdisc, &search);

	return err ? err : (int)search.found;
}

struct filter_search {
	unsigned int ifindex;
	void (*fn)(void *arg, const struct tc_filter *filter);
	void *arg;
};

static void on_filter(void *arg, const struct nlmsghdr *message)
{
	const struct tcmsg *tc = NLMSG_DATA(message);
	const struct filter_search *search = arg;
	struct tc_filter filter = {.handle = tc->tcm_handle, .priority = tc->tcm_info >> 16};

	/* With handle 0, a message is about the priority as such. */
	if (tc->tcm_ifindex == (int)search->ifindex && filter.handle)
		search->fn(search->arg, &filter);
}

int tc_filters(unsigned int ifindex, bool ingress,
	       void (*fn)(void *arg, const struct tc_filter *filter), void *arg)
{
	struct filter_search search = {.ifindex = ifindex, .fn = fn, .arg = arg};

	return dump(RTM_GETTFILTER, ifindex,
		    TC_H_MAKE(TC_H_CLSACT, ingress ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS), on_filter,
		    &search);
}
