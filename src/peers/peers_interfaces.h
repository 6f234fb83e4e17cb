/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What interfaces the configuration's instances are for, as numbers, one for each instance: the
 * kernel's index, or for a capture file one of our own, so that the same hosts in two files are two
 * pairs with two sets of tags.
 */
#ifndef METRO_PEERS_INTERFACES_H
#define METRO_PEERS_INTERFACES_H

#include "config.h"

/* Numbers the capture files. Those that a configuration before had keep their number; before may be
 * NULL. */
void peers_interfaces_number(const struct config *config, __u32 *indices,
			     const struct config *before, const __u32 *before_indices);

/* Looks up the present indices of the interfaces, 0 if there is none; files keep their number. */
void peers_interfaces_look_up(const struct config *config, __u32 *indices);

/* The number of a capture file, or 0. */
__u32 peers_interfaces_file(const struct config *config, const __u32 *indices, const char *path);

#endif
