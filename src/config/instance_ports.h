/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The ports of an instance, one by one as they were typed. */
#ifndef METRO_INSTANCE_PORTS_H
#define METRO_INSTANCE_PORTS_H

#include "config.h"
#include "mistakes.h"

#define ACCEPTED_PORT "a port from 1 to 65535, or a range such as 8000-8999"

/* What is wrong with a port, in words that follow it, from what ports_parse or ports_add returned.
 */
const char *instance_port_error(int err);

/* Checks a port or a range, reports what is wrong with it, and adds it. Returns 0, after a reported
 * mistake, too, or -ENOMEM. */
int instance_add_port(struct instance *instance, struct mistakes *mistakes, const char *text);

/* The instance gets a copy of these; none: all ports. Returns 0 or -ENOMEM. */
int instance_set_ports(struct instance *instance, const struct ports *ports);

/* When the last instance's ports are known: which list they are, and whether that is one too many.
 */
void instance_number_ports(const struct config *config, struct mistakes *mistakes);

#endif
