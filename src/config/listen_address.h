/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where somebody may connect to us, as people write it: ADDRESS:PORT or unix:/PATH. */
#ifndef METRO_LISTEN_ADDRESS_H
#define METRO_LISTEN_ADDRESS_H

#include "prefix.h"

#define LISTEN_PATH 108 /* sizeof(sun_path), of which a final zero takes one: unix(7) */

/* For people. A macro, since a message about a mistake needs it, too. */
#define LISTEN_ACCEPTED                                                                            \
	"an address and a port, as 127.0.0.1:9747 or [::1]:9747, or a Unix socket, as "            \
	"unix:/run/bpf-metro/metrics.sock"

struct listen_address {
	char path[LISTEN_PATH]; /* of a Unix socket, from the root; "": it is the other kind */
	struct address addr;
	unsigned int port; /* 1 .. 65535 */
};

/* Returns 0, or -EINVAL: the text is none. */
int listen_address_parse(const char *text, struct listen_address *address);

/* Can others than this host connect to it? */
bool listen_address_is_exposed(const struct listen_address *address);

#endif
