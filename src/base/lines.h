/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Small files of the kernel, line by line. */
#ifndef METRO_LINES_H
#define METRO_LINES_H

#include <stdbool.h>

/* Calls take for each line, without its newline, until it returns true, and returns that. take may
 * change the line, which is gone after the call. A file that cannot be read has no lines. */
bool lines_each(const char *path, bool (*take)(void *arg, char *line), void *arg);

#endif
