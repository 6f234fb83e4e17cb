/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One question, one socket, and all the messages of the answer, each handed to the caller. */
#include "rtnl.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* Returns 1 when the answer is complete, 0 if more is to come, -errno. */
static int handle_messages(const char *bytes, ssize_t size, rtnl_handler handler, void *arg,
			   bool *whole)
{
	const struct nlmsghdr *m = (const void *)bytes;

	for (; NLMSG_OK(m, size); m = NLMSG_NEXT(m, size)) {
		*whole &= !(m->nlmsg_flags & NLM_F_DUMP_INTR);
		if (m->nlmsg_type == NLMSG_DONE)
			return 1;
		if (m->nlmsg_type == NLMSG_ERROR)
			return ((const struct nlmsgerr *)NLMSG_DATA(m))->error ?: 1;
		handler(arg, m);
		if (!(m->nlmsg_flags & NLM_F_MULTI))
			return 1;
	}
	return 0;
}

static int ask(const struct nlmsghdr *request, rtnl_handler handler, void *arg, bool *whole)
{
	char answer[32768] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct timeval patience = {.tv_sec = 1};
	int fd, status = 0;
	ssize_t n;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (send(fd, request, request->nlmsg_len, 0) < 0)
		status = -errno;
	while (status == 0) {
		n = recv(fd, answer, sizeof(answer), 0);
		status = n < 0 ? -errno : handle_messages(answer, n, handler, arg, whole);
	}
	close(fd);
	return status < 0 ? status : 0;
}

int rtnl_ask(const struct nlmsghdr *request, rtnl_handler handler, void *arg)
{
	bool whole = true;

	return ask(request, handler, arg, &whole);
}

int rtnl_dump(const struct nlmsghdr *request, rtnl_handler handler, void *arg)
{
	bool whole = true;
	int err = ask(request, handler, arg, &whole);

	return err ? err : !whole;
}

int rtnl_dump_links(rtnl_handler handler, void *arg)
{
	struct {
		struct nlmsghdr header;
		struct ifinfomsg link;
		struct rtattr mask;
		__u32 filter;
	} request = {
		.header = {.nlmsg_len = sizeof(request),
			   .nlmsg_type = RTM_GETLINK,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.mask = {.rta_len = RTA_LENGTH(sizeof(__u32)), .rta_type = IFLA_EXT_MASK},
		.filter = RTEXT_FILTER_SKIP_STATS,
	};

	return rtnl_dump(&request.header, handler, arg);
}

static const struct rtattr *find(const struct rtattr *a, int left, int type)
{
	for (; RTA_OK(a, left); a = RTA_NEXT(a, left))
		if ((a->rta_type & NLA_TYPE_MASK) == type)
			return a;
	return NULL;
}

const struct rtattr *rtnl_attribute(const struct nlmsghdr *message, size_t fixed, int type)
{
	const char *first = (const char *)NLMSG_DATA(message) + NLMSG_ALIGN(fixed);

	return find((const void *)first, (int)NLMSG_PAYLOAD(message, NLMSG_ALIGN(fixed)), type);
}

const struct rtattr *rtnl_nested(const struct rtattr *outer, int type)
{
	return outer ? find(RTA_DATA(outer), (int)RTA_PAYLOAD(outer), type) : NULL;
}

const char *rtnl_text(const struct rtattr *attribute)
{
	if (!attribute || !memchr(RTA_DATA(attribute), '\0', RTA_PAYLOAD(attribute)))
		return "";
	return RTA_DATA(attribute);
}

__u32 rtnl_number(const struct rtattr *attribute)
{
	__u32 number = 0;

	if (attribute && RTA_PAYLOAD(attribute) >= sizeof(number))
		memcpy(&number, RTA_DATA(attribute), sizeof(number));
	return number;
}
