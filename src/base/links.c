/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Asks the kernel for all links in one go, and for the routes that lead everywhere. */
#include "links.h"
#include "array.h"
#include "rtnl.h"

#include <errno.h>
#include <linux/if_link.h>
#include <stdlib.h>
#include <string.h>

#define TRIES 4 /* while interfaces come by the hundred, one answer in a few is torn */

/* The answer as it comes. Names move while they grow, so links refer to them at the end. */
struct reading {
	struct links *links;
	size_t *names_at; /* by link: where its alternative names begin */
	size_t names_size;
	int error;
};

/* ---- one link ---- */

static int add_name(struct reading *r, const char *name)
{
	size_t size = strlen(name) + 1;
	char *names = realloc(r->links->names, r->names_size + size);

	if (!names)
		return -ENOMEM;
	memcpy(names + r->names_size, name, size);
	r->links->names = names;
	r->names_size += size;
	return 0;
}

static int add_altnames(struct reading *r, const struct nlmsghdr *message)
{
	const struct rtattr *list =
		rtnl_attribute(message, sizeof(struct ifinfomsg), IFLA_PROP_LIST);
	const struct rtattr *name = list ? RTA_DATA(list) : NULL;
	int left = list ? (int)RTA_PAYLOAD(list) : 0, err = 0;

	for (; list && RTA_OK(name, left) && !err; name = RTA_NEXT(name, left))
		if ((name->rta_type & NLA_TYPE_MASK) == IFLA_ALT_IFNAME && *rtnl_text(name))
			err = add_name(r, rtnl_text(name));
	return err ? err : add_name(r, "");
}

static void copy_text(char *to, size_t size, const struct rtattr *from)
{
	strncpy(to, rtnl_text(from), size - 1);
}

static __u32 number(const struct nlmsghdr *message, int type)
{
	return rtnl_number(rtnl_attribute(message, sizeof(struct ifinfomsg), type));
}

/* VXLAN says in its own part what it lies on. */
static unsigned int lower_of(const struct nlmsghdr *message, const struct link *link,
			     const struct rtattr *info)
{
	unsigned int lower = number(message, IFLA_LINK);

	if (!lower && !strcmp(link->kind, "vxlan"))
		lower = rtnl_number(
			rtnl_nested(rtnl_nested(info, IFLA_INFO_DATA), IFLA_VXLAN_LINK));
	return lower == link->interface.ifindex ? 0 : lower;
}

static void link_fill(struct link *link, const struct nlmsghdr *message)
{
	const struct ifinfomsg *fixed = NLMSG_DATA(message);
	const struct rtattr *info = rtnl_attribute(message, sizeof(*fixed), IFLA_LINKINFO);
	const struct rtattr *mac = rtnl_attribute(message, sizeof(*fixed), IFLA_ADDRESS);
	const struct rtattr *netns = rtnl_attribute(message, sizeof(*fixed), IFLA_LINK_NETNSID);

	*link = (struct link){.flags = fixed->ifi_flags,
			      .master = number(message, IFLA_MASTER),
			      .lower_netns = netns ? (int)rtnl_number(netns) : -1};
	link->interface.ifindex = (unsigned int)fixed->ifi_index;
	link->interface.type = fixed->ifi_type;
	copy_text(link->interface.name, sizeof(link->interface.name),
		  rtnl_attribute(message, sizeof(*fixed), IFLA_IFNAME));
	copy_text(link->kind, sizeof(link->kind), rtnl_nested(info, IFLA_INFO_KIND));
	if (mac && RTA_PAYLOAD(mac) == sizeof(link->interface.mac))
		memcpy(link->interface.mac, RTA_DATA(mac), sizeof(link->interface.mac));
	link->lower = lower_of(message, link, info);
}

static int add_link(struct reading *r, const struct nlmsghdr *message)
{
	struct links *links = r->links;
	size_t *names_at = array_grow(r->names_at, links->count, sizeof(*names_at));
	struct link *grown;

	if (!names_at)
		return -ENOMEM;
	r->names_at = names_at;
	grown = array_grow(links->at, links->count, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	links->at = grown;
	names_at[links->count] = r->names_size;
	link_fill(&grown[links->count], message);
	links->count++;
	return add_altnames(r, message);
}

/* ---- all of them ---- */

static void on_link(void *arg, const struct nlmsghdr *message)
{
	struct reading *r = arg;

	if (!r->error && message->nlmsg_type == RTM_NEWLINK)
		r->error = add_link(r, message);
}

static int compare(const void *a, const void *b)
{
	const struct link *x = a, *y = b;

	return (x->interface.ifindex > y->interface.ifindex) -
	       (x->interface.ifindex < y->interface.ifindex);
}

/* Newer kernels list them by index anyway. */
static void finish(struct reading *r)
{
	struct links *links = r->links;

	for (size_t i = 0; i < links->count; i++)
		links->at[i].altnames = links->names + r->names_at[i];
	links->count = array_make_set(links->at, links->count, sizeof(*links->at), compare);
}

/* Returns 0, 1 if it is torn, or -errno. */
static int read_links(struct links *links)
{
	struct reading r = {.links = links};
	int status = rtnl_dump_links(on_link, &r);

	if (r.error)
		status = r.error;
	if (status >= 0)
		finish(&r);
	free(r.names_at);
	return status;
}

/* ---- default routes ---- */

static struct link *find(const struct links *links, unsigned int ifindex)
{
	const struct link key = {.interface.ifindex = ifindex};

	return links->count ? bsearch(&key, links->at, links->count, sizeof(key), compare) : NULL;
}

static void note_default(const struct links *links, unsigned int ifindex)
{
	struct link *link = find(links, ifindex);

	if (link)
		link->is_default = true;
}

static void note_hops(const struct links *links, const struct rtattr *hops)
{
	const struct rtnexthop *hop = RTA_DATA(hops);
	int left = (int)RTA_PAYLOAD(hops);

	while (RTNH_OK(hop, left)) {
		note_default(links, (unsigned int)hop->rtnh_ifindex);
		left -= (int)RTNH_ALIGN(hop->rtnh_len);
		hop = RTNH_NEXT(hop);
	}
}

static void on_route(void *arg, const struct nlmsghdr *message)
{
	const struct rtmsg *route = NLMSG_DATA(message);
	const struct rtattr *hops, *table;

	if (route->rtm_dst_len || route->rtm_type != RTN_UNICAST)
		return;
	table = rtnl_attribute(message, sizeof(*route), RTA_TABLE);
	if ((table ? rtnl_number(table) : route->rtm_table) != RT_TABLE_MAIN)
		return;
	note_default(arg, rtnl_number(rtnl_attribute(message, sizeof(*route), RTA_OIF)));
	hops = rtnl_attribute(message, sizeof(*route), RTA_MULTIPATH);
	if (hops)
		note_hops(arg, hops);
}

/* A family that the kernel does not have has no routes. Returns 0, 1 if it is torn, or -errno. */
static int read_routes(struct links *links, unsigned char family)
{
	struct {
		struct nlmsghdr header;
		struct rtmsg route;
	} request = {
		.header = {.nlmsg_len = sizeof(request),
			   .nlmsg_type = RTM_GETROUTE,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.route = {.rtm_family = family, .rtm_table = RT_TABLE_MAIN},
	};
	int status = rtnl_dump(&request.header, on_route, links);

	return status == -EOPNOTSUPP || status == -EAFNOSUPPORT ? 0 : status;
}

/* ---- life ---- */

static int read_all(struct links *links, bool default_routes)
{
	static const unsigned char families[] = {AF_INET, AF_INET6};
	int torn = read_links(links), status;

	for (size_t i = 0; default_routes && torn >= 0 && i < ARRAY_SIZE(families); i++) {
		status = read_routes(links, families[i]);
		torn = status < 0 ? status : torn | status;
	}
	return torn;
}

int links_read(struct links *links, bool default_routes)
{
	int status = 1;

	*links = (struct links){};
	for (int i = 0; i < TRIES && status == 1; i++) {
		links_free(links);
		status = read_all(links, default_routes);
	}
	links->whole = status == 0;
	if (status < 0)
		links_free(links);
	return status < 0 ? status : 0;
}

void links_free(struct links *links)
{
	free(links->at);
	free(links->names);
	*links = (struct links){};
}

/* ---- questions ---- */

const struct link *links_find(const struct links *links, unsigned int ifindex)
{
	return find(links, ifindex);
}

const char *link_next_name(const struct link *link, const char *name)
{
	const char *next = name == link->interface.name ? link->altnames
			   : name                       ? name + strlen(name) + 1
							: link->interface.name;

	return *next ? next : NULL;
}

const struct link *links_named(const struct links *links, const char *name)
{
	for (size_t i = 0; i < links->count; i++)
		for (const char *n = NULL; (n = link_next_name(&links->at[i], n));)
			if (!strcmp(n, name))
				return &links->at[i];
	return NULL;
}
