/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Interfaces that need not be there: lo is 1, eth0 is 2, eth1 is 3. */
#ifndef METRO_TEST_SOME_LINKS_H
#define METRO_TEST_SOME_LINKS_H

#include "links.h"

static struct link some_link[] = {
	{.interface = {.name = "lo", .ifindex = 1}, .flags = IFF_LOOPBACK, .altnames = ""},
	{.interface = {.name = "eth0", .ifindex = 2}, .altnames = ""},
	{.interface = {.name = "eth1", .ifindex = 3}, .altnames = ""},
};

static const struct links some_links = {.at = some_link, .count = 3, .whole = true};

#endif
