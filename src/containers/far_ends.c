/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Asks the kernel by rtnetlink(7) what is behind interfaces and where processes are. */
#include "far_ends.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/net_namespace.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "rtnl.h"

/* ---- interfaces ---- */

struct ends {
	struct far_end *at;
	size_t count;
};

static int compare(const void *a, const void *b)
{
	const struct far_end *x = a, *y = b;

	return x->ifindex < y->ifindex ? -1 : x->ifindex > y->ifindex;
}

/* Others have a namespace they were made from (WireGuard, tunnels), which is not where their
 * packets come from. */
static bool is_pair(const struct nlmsghdr *message)
{
	const struct rtattr *info =
		rtnl_attribute(message, sizeof(struct ifinfomsg), IFLA_LINKINFO);
	const char *kind = rtnl_text(rtnl_nested(info, IFLA_INFO_KIND));

	return !strcmp(kind, "veth") || !strcmp(kind, "netkit");
}

static void on_link(void *arg, const struct nlmsghdr *message)
{
	const struct ends *ends = arg;
	const struct ifinfomsg *link = NLMSG_DATA(message);
	const struct rtattr *nsid = rtnl_attribute(message, sizeof(*link), IFLA_LINK_NETNSID);
	struct far_end key = {.ifindex = (__u32)link->ifi_index}, *end;
	const struct rtattr *mac;

	if (message->nlmsg_type != RTM_NEWLINK)
		return;
	end = bsearch(&key, ends->at, ends->count, sizeof(key), compare);
	if (!end)
		return;
	end->nsid = nsid && is_pair(message) ? (int)rtnl_number(nsid) : NSID_NONE;
	end->other = rtnl_number(rtnl_attribute(message, sizeof(*link), IFLA_LINK));
	mac = rtnl_attribute(message, sizeof(*link), IFLA_ADDRESS);
	if (mac && RTA_PAYLOAD(mac) == sizeof(end->mac))
		memcpy(end->mac, RTA_DATA(mac), sizeof(end->mac));
}

bool far_end_is_same(const struct far_end *end, const struct far_end *now)
{
	return end->nsid == now->nsid && end->other == now->other &&
	       !memcmp(end->mac, now->mac, sizeof(end->mac));
}

int far_ends_read(struct far_end *ends, size_t count)
{
	struct ends all = {ends, count};
	int status;

	for (size_t i = 0; i < count; i++)
		ends[i] = (struct far_end){.ifindex = ends[i].ifindex, .nsid = NSID_UNKNOWN};
	status = rtnl_dump_links(on_link, &all);
	return status < 0 ? status : 0; /* what is missing now is found in the next walk */
}

/* ---- processes ---- */

struct question {
	struct nlmsghdr header;
	struct rtgenmsg family;
	char padding[NLMSG_ALIGNTO - sizeof(struct rtgenmsg)];
	struct rtattr attribute;
	__u32 pid;
};

int namespaces_open(void)
{
	struct timeval patience = {.tv_sec = 1};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

/* Every question has one answer; that of a process that has ended is an error. */
static int take_answer(int fd, size_t count, int *nsids)
{
	char answer[1024] __attribute__((aligned(NLMSG_ALIGNTO)));
	ssize_t size = recv(fd, answer, sizeof(answer), 0);
	const struct nlmsghdr *m = (const void *)answer;
	const struct rtattr *nsid;

	if (size < 0)
		return -errno;
	if (!NLMSG_OK(m, size) || m->nlmsg_seq >= count)
		return -EPROTO;
	if (m->nlmsg_type != RTM_NEWNSID)
		return 0;
	nsid = rtnl_attribute(m, sizeof(struct rtgenmsg), NETNSA_NSID);
	nsids[m->nlmsg_seq] = nsid ? (int)rtnl_number(nsid) : NSID_NONE;
	return 0;
}

int namespaces_of(int fd, const pid_t *pids, size_t count, int *nsids)
{
	struct question questions[PIDS_MAX];
	int err = 0;

	memset(questions, 0, sizeof(questions));
	for (size_t i = 0; i < count; i++) {
		questions[i].header = (struct nlmsghdr){.nlmsg_len = sizeof(*questions),
							.nlmsg_type = RTM_GETNSID,
							.nlmsg_flags = NLM_F_REQUEST,
							.nlmsg_seq = (__u32)i};
		questions[i].attribute = (struct rtattr){RTA_LENGTH(sizeof(__u32)), NETNSA_PID};
		questions[i].pid = (__u32)pids[i];
		nsids[i] = NSID_UNKNOWN;
	}
	if (send(fd, questions, count * sizeof(*questions), 0) < 0)
		return -errno;
	for (size_t i = 0; i < count && !err; i++)
		err = take_answer(fd, count, nsids);
	return err;
}
