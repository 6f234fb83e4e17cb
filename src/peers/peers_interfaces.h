/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The interface of each of the configuration's instances as a number: the kernel's index, or for a
 * capture file a number of our own, so that the same hosts in two files are two pairs with two sets
 * of tags.
 */
#ifndef METRO_PEERS_INTERFACES_H
#define METRO_PEERS_INTERFACES_H

#include "config.h"

/* Numbers the capture files. Files of the previous configuration, before, keep their numbers; it
 * may be NULL. */
void peers_interfaces_number(const struct config *config, __u32 *indices,
			     const struct config *before, const __u32 *before_indices);

/* Looks up the current indices of the interfaces, 0 for one that does not exist; files keep their
 * numbers. */
void peers_interfaces_look_up(const struct config *config, __u32 *indices);

/* The number of a capture file, or 0. */
__u32 peers_interfaces_file(const struct config *config, const __u32 *indices, const char *path);

#endif
