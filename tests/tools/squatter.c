/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Takes what any user may take of what could tell that a bpf-metro is alive. Talks to the kernel
 * directly, to be independent of what is tested. */
#include "toolkit.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <stddef.h>
#include <sys/un.h>

#define SLOTS 8

static const char help[] =
	"Usage: squatter IFACE PORT\n"
	"Holds the abstract sockets that version 0.1.0 used for IFACE and the netlink port PORT,\n"
	"until SIGINT or SIGTERM come; 'holding' on standard output says that it does. 'joined'\n"
	"before that says that it may also join RTNLGRP_IPV4_MROUTE_R, which only CAP_NET_ADMIN\n"
	"should allow. Exit status: 0 done, 1 failed, 2 wrong usage.\n";

static int hold_name(unsigned int ifindex, int slot)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0), n;

	n = snprintf(addr.sun_path + 1, sizeof(addr.sun_path) - 1, "bpf-metro/clsact/%u/%d",
		     ifindex, slot);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr,
			   (socklen_t)offsetof(struct sockaddr_un, sun_path) + 1 + (socklen_t)n))
		return fail(errno, "cannot take name %d", slot);
	return 0;
}

/* Returns a descriptor or -errno. */
static int netlink(uint32_t port, uint32_t groups)
{
	struct sockaddr_nl addr = {.nl_family = AF_NETLINK, .nl_pid = port, .nl_groups = groups};
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);

	return fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ? -errno : fd;
}

int main(int argc, char *argv[])
{
	struct pollfd stop = {.events = POLLIN};
	unsigned int ifindex;
	uint32_t port;

	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		fputs(help, stdout);
		return EXIT_SUCCESS;
	}
	if (argc != 3)
		exit_usage();
	ifindex = if_nametoindex(argv[1]);
	if (!ifindex)
		return fail(errno, "interface %s", argv[1]) ? EXIT_FAILURE : EXIT_SUCCESS;
	port = (uint32_t)number_of("port", argv[2], 1, UINT32_MAX);
	for (int slot = 0; slot < SLOTS; slot++)
		if (hold_name(ifindex, slot))
			return EXIT_FAILURE;
	if (netlink(0, 1u << (RTNLGRP_IPV4_MROUTE_R - 1)) >= 0)
		puts("joined");
	if (netlink(port, 0) < 0)
		return fail(errno, "cannot take port %u", port) ? EXIT_FAILURE : EXIT_SUCCESS;
	puts("holding");
	fflush(stdout);
	stop.fd = open_stop_fd();
	while (stop.fd >= 0 && poll(&stop, 1, -1) < 0)
		;
	return EXIT_SUCCESS;
}
