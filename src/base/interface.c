/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Asks the kernel by ioctl(2) what an interface is, and by rtnetlink(7) of which kind. */
#include "interface.h"
#include "rtnl.h"

#include <errno.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

int interface_find(const char *name, struct interface *interface)
{
	struct ifreq request = {};
	int fd, err = 0;

	memset(interface, 0, sizeof(*interface));
	if (strlen(name) >= sizeof(interface->name))
		return -ENODEV;
	strcpy(interface->name, name);
	interface->ifindex = if_nametoindex(name);
	if (!interface->ifindex)
		return -errno;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	strcpy(request.ifr_name, name);
	if (ioctl(fd, SIOCGIFHWADDR, &request))
		err = -errno;
	close(fd);
	if (err)
		return err;
	interface->type = request.ifr_hwaddr.sa_family;
	memcpy(interface->mac, request.ifr_hwaddr.sa_data, sizeof(interface->mac));
	return 0;
}

int interface_is_bare_ip(const struct interface *interface)
{
	switch (interface->type) {
	case ARPHRD_ETHER:
	case ARPHRD_LOOPBACK:
		return 0;
	case ARPHRD_NONE: /* tun, WireGuard */
	case ARPHRD_RAWIP:
	case ARPHRD_PPP:
	case ARPHRD_TUNNEL:
	case ARPHRD_TUNNEL6:
	case ARPHRD_SIT:
	case ARPHRD_IPGRE:
	case ARPHRD_IP6GRE:
		return 1;
	default:
		return -ENOTSUP;
	}
}

struct kind_asked {
	int attribute; /* IFLA_INFO_KIND or IFLA_INFO_SLAVE_KIND */
	char *kind;
};

static void on_link(void *arg, const struct nlmsghdr *message)
{
	const struct kind_asked *asked = arg;
	const struct rtattr *info =
		rtnl_attribute(message, sizeof(struct ifinfomsg), IFLA_LINKINFO);

	snprintf(asked->kind, INTERFACE_KIND, "%s", rtnl_text(rtnl_nested(info, asked->attribute)));
}

static void ask_kind(unsigned int ifindex, int attribute, char kind[INTERFACE_KIND])
{
	struct kind_asked asked = {.attribute = attribute, .kind = kind};
	struct {
		struct nlmsghdr header;
		struct ifinfomsg link;
	} request = {
		.header = {.nlmsg_len = sizeof(request),
			   .nlmsg_type = RTM_GETLINK,
			   .nlmsg_flags = NLM_F_REQUEST},
		.link = {.ifi_index = (int)ifindex},
	};

	kind[0] = '\0';
	rtnl_ask(&request.header, on_link, &asked);
}

void interface_kind(unsigned int ifindex, char kind[INTERFACE_KIND])
{
	ask_kind(ifindex, IFLA_INFO_KIND, kind);
}

void interface_port_kind(unsigned int ifindex, char kind[INTERFACE_KIND])
{
	ask_kind(ifindex, IFLA_INFO_SLAVE_KIND, kind);
}
