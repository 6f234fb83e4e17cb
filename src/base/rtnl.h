/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Asks the kernel through rtnetlink(7), and reads the attributes of its answers. */
#ifndef METRO_RTNL_H
#define METRO_RTNL_H

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stddef.h>

/* Called for each message of an answer. */
typedef void (*rtnl_handler)(void *arg, const struct nlmsghdr *message);

/* Sends a request and hands over the answer: all of a dump (NLM_F_DUMP), else one message. Waits
 * for a second at most. Returns 0, or -errno, also the kernel's own. */
int rtnl_ask(const struct nlmsghdr *request, rtnl_handler handler, void *arg);

/* The same for a dump. Returns 1 if what it is about changed meanwhile, so that there may be things
 * that it does not have. */
int rtnl_dump(const struct nlmsghdr *request, rtnl_handler handler, void *arg);

/* The same for all interfaces (RTM_NEWLINK), without their statistics. */
int rtnl_dump_links(rtnl_handler handler, void *arg);

/* The attribute of that type: after a message's fixed part, of that many bytes, or inside another
 * attribute. NULL: there is none. */
const struct rtattr *rtnl_attribute(const struct nlmsghdr *message, size_t fixed, int type);
const struct rtattr *rtnl_nested(const struct rtattr *outer, int type);

/* The attribute's value as text; "" if the attribute is NULL or the text is not terminated. */
const char *rtnl_text(const struct rtattr *attribute);

/* The attribute's value as a 32-bit number, or 0. */
__u32 rtnl_number(const struct rtattr *attribute);

#endif
