/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Two dumps by rtnetlink: which qdisc holds the hook, and which filters are there. */
#include "tc_dump.h"
#include "rtnl.h"

#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <string.h>

#ifndef TC_H_CLSACT
#define TC_H_CLSACT TC_H_INGRESS
#endif

static int dump(unsigned short type, unsigned int ifindex, __u32 parent, rtnl_handler handler,
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

	return rtnl_ask(&request.header, handler, arg);
}

struct qdisc_search {
	unsigned int ifindex;
	enum tc_qdisc found;
};

static void on_qdisc(void *arg, const struct nlmsghdr *message)
{
	const struct tcmsg *tc = NLMSG_DATA(message);
	struct qdisc_search *search = arg;
	const char *kind = rtnl_text(rtnl_attribute(message, sizeof(*tc), TCA_KIND));

	if (tc->tcm_ifindex != (int)search->ifindex || tc->tcm_parent != TC_H_CLSACT)
		return;
	search->found = strcmp(kind, "clsact") ? TC_QDISC_INGRESS : TC_QDISC_CLSACT;
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
	const struct rtattr *options = rtnl_attribute(message, sizeof(*tc), TCA_OPTIONS);
	const struct filter_search *search = arg;
	struct tc_filter filter = {.handle = tc->tcm_handle, .priority = tc->tcm_info >> 16};

	/* A message with handle 0 is about the priority, not about a filter. */
	if (tc->tcm_ifindex != (int)search->ifindex || !filter.handle)
		return;
	filter.name = "";
	if (!strcmp(rtnl_text(rtnl_attribute(message, sizeof(*tc), TCA_KIND)), "bpf")) {
		filter.program = rtnl_number(rtnl_nested(options, TCA_BPF_ID));
		filter.name = rtnl_text(rtnl_nested(options, TCA_BPF_NAME));
	}
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
