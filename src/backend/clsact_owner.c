/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Netlink ports as signs of life: taken by bind(2), and read from the table that /proc has of them.
 */
#include "clsact_owner.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "array.h"
#include "clock.h"

#define PRIVILEGED_GROUP (1u << (RTNLGRP_IPV4_MROUTE_R - 1))
#define ATTEMPTS         100
#define TABLE            "/proc/net/netlink"

static __u32 draw_number(void)
{
	__u32 number;

	if (getrandom(&number, sizeof(number), GRND_NONBLOCK) != sizeof(number))
		number = (__u32)(monotonic_ns() ^ (__u64)getpid() << 12);
	return OWNERS_PREFIX | (number & ~OWNERS_MASK);
}

int owner_become(__u32 *number)
{
	struct sockaddr_nl addr = {.nl_family = AF_NETLINK, .nl_groups = PRIVILEGED_GROUP};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), err = -EADDRINUSE;
	int least = 0;

	if (fd < 0)
		return -errno;
	/* Nobody reads the group's messages: keep no room for them. */
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof(least));
	for (int i = 0; i < ATTEMPTS && err == -EADDRINUSE; i++) {
		addr.nl_pid = draw_number();
		err = bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ? -errno : 0;
	}
	if (err) {
		close(fd);
		return err;
	}
	*number = addr.nl_pid;
	return fd;
}

/* The table's columns: address, protocol, port, groups (the first 32) in hexadecimal, ... */
static bool parse_owner(const char *line, __u32 *number)
{
	unsigned int protocol, port, groups;

	if (sscanf(line, "%*s %u %u %x", &protocol, &port, &groups) != 3)
		return false;
	*number = port;
	return protocol == NETLINK_ROUTE && groups & PRIVILEGED_GROUP &&
	       (port & OWNERS_MASK) == OWNERS_PREFIX;
}

static int add(struct owners *owners, __u32 number)
{
	__u32 *more = array_grow(owners->numbers, owners->count, sizeof(*more));

	if (!more)
		return -ENOMEM;
	owners->numbers = more;
	owners->numbers[owners->count++] = number;
	return 0;
}

int owners_read(struct owners *owners)
{
	FILE *table = fopen(TABLE, "re");
	char line[256];
	__u32 number;
	int err = 0;

	*owners = (struct owners){};
	if (!table)
		return -errno;
	while (!err && fgets(line, sizeof(line), table))
		if (parse_owner(line, &number))
			err = add(owners, number);
	if (!err && ferror(table))
		err = -EIO;
	fclose(table);
	if (err)
		owners_free(owners);
	return err;
}

void owners_free(struct owners *owners)
{
	free(owners->numbers);
	*owners = (struct owners){};
}

bool owners_have(const struct owners *owners, __u32 number)
{
	for (size_t i = 0; i < owners->count; i++)
		if (owners->numbers[i] == number)
			return true;
	return false;
}
