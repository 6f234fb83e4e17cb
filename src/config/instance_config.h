/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The keys of an entry of `instances`. */
#ifndef METRO_INSTANCE_CONFIG_H
#define METRO_INSTANCE_CONFIG_H

#include "config.h"
#include "yaml_reader.h"

/* Reads one entry into the next of the instances of the struct config at target, which has room for
 * it. Checks each value and their combinations. As any yaml_read_fn, returns 0 or -ENOMEM. */
yaml_read_fn read_instance;

#endif
