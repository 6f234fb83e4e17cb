/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Capture files count as interfaces, each under a number that no real one has: so the same hosts in
 * two files are two pairs with two sets of tags.
 */
#ifndef METRO_PEERS_FILES_H
#define METRO_PEERS_FILES_H

#include "config.h"

/* Numbers the files, one number for each instance, 0 where it reads none. Those that a
 * configuration before had keep their number; before may be NULL. */
void peers_files_number(const struct config *config, __u32 *numbers, const struct config *before,
			const __u32 *before_numbers);

/* The number of a capture file, or 0. */
__u32 peers_files_find(const struct config *config, const __u32 *numbers, const char *path);

#endif
