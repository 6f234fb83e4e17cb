/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Joins rtnetlink's groups, and tells from the messages no more than whether to look again. */
#include "link_watch.h"
#include "array.h"
#include "rtnl.h"

#include <errno.h>
#include <linux/pkt_sched.h>
#include <sys/socket.h>
#include <unistd.h>

#define GROUP(name) (1u << (RTNLGRP_##name - 1))

#ifndef TC_H_CLSACT
#define TC_H_CLSACT TC_H_INGRESS
#endif

int link_watch_open(void)
{
	struct sockaddr_nl addr = {
		.nl_family = AF_NETLINK,
		.nl_groups = GROUP(LINK) | GROUP(IPV4_IFADDR) | GROUP(IPV6_IFADDR) | GROUP(TC),
	};
	int fd, err;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

void link_watch_routes(int fd, bool on)
{
	static const int groups[] = {RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE};

	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		setsockopt(fd, SOL_NETLINK, on ? NETLINK_ADD_MEMBERSHIP : NETLINK_DROP_MEMBERSHIP,
			   &groups[i], sizeof(groups[i]));
}

/* Filters at clsact hang below one of its two classes. */
static bool is_at_clsact(const struct nlmsghdr *message)
{
	const struct tcmsg *tc = NLMSG_DATA(message);

	return TC_H_MAJ(tc->tcm_parent) == TC_H_MAJ(TC_H_CLSACT);
}

static bool is_default_route(const struct nlmsghdr *message)
{
	return !((const struct rtmsg *)NLMSG_DATA(message))->rtm_dst_len;
}

static unsigned int news_of(const struct nlmsghdr *message)
{
	switch (message->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK: /* with its filters; and another of its index may have come */
		return NEWS_LINKS | NEWS_FILTERS;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		return NEWS_LINKS;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		return is_default_route(message) ? NEWS_LINKS : 0;
	case RTM_DELQDISC:
	case RTM_NEWTFILTER:
	case RTM_DELTFILTER:
		return is_at_clsact(message) ? NEWS_FILTERS : 0;
	default:
		return 0;
	}
}

unsigned int link_watch_take(int fd)
{
	char buffer[32768] __attribute__((aligned(NLMSG_ALIGNTO)));
	unsigned int news = 0;
	ssize_t n;

	/* ENOBUFS says that messages were lost: of anything. */
	while ((n = recv(fd, buffer, sizeof(buffer), 0)) > 0 || errno == ENOBUFS) {
		const struct nlmsghdr *m = (const void *)buffer;

		if (n < 0)
			news |= NEWS_LINKS | NEWS_FILTERS;
		for (; n > 0 && NLMSG_OK(m, n); m = NLMSG_NEXT(m, n))
			news |= news_of(m);
	}
	return news;
}
