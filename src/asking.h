/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whom the commands ask that ask a daemon, and what there is to say if it does not answer. */
#ifndef METRO_ASKING_H
#define METRO_ASKING_H

#include "options.h"

#define ASKING_TEXT 512

/* Returns 0 and a path to be freed ("": the configuration wants no socket), or -errno, reported. A
 * default configuration that is not there, or not for this user to read, leaves the default. */
int asking_find_path(const struct options *options, char **path);

/* Words for an error of control_ask. Returns text. */
const char *asking_failure(char text[ASKING_TEXT], const char *path, int err,
			   unsigned int timeout_ms);

#endif
