/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the tags src and dst say in place of an address. */
#ifndef METRO_LABEL_H
#define METRO_LABEL_H

#include "config.h"
#include "peers.h"

/* What stands for the flow's peer: its name, its network, or the entry by which it was configured;
 * NULL if there is only the address. peers may be NULL. Valid as long as peers and text are. */
const char *label_of(const struct aggregate *aggregate, const struct peers *peers,
		     const struct flow_key *flow, char text[PREFIX_TEXT]);

/* The address, which as a tag must not end with a colon: 2001:db8:: is 2001:db8::0. */
const char *label_address(const struct address *addr, char text[PREFIX_TEXT]);

#endif
