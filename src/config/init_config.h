/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The keys of `init_config`: go-metro's, and ours. */
#ifndef METRO_INIT_CONFIG_H
#define METRO_INIT_CONFIG_H

#include "config.h"
#include "yaml_reader.h"

/* Reads the mapping into the struct config at target, which holds the defaults; exp_ttl_s is 0
 * before, and stays 0 if neither of its keys is there. Checks each value and their combinations. As
 * any yaml_read_fn, returns 0 or -ENOMEM. */
yaml_read_fn read_init_config;

#endif
