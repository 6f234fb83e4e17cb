/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Measurement of a capture file. */
#ifndef METRO_OFFLINE_H
#define METRO_OFFLINE_H

#include "options.h"

/* Reads the file to its end. Returns 0, or -errno, reported, after what could be read. */
int offline_run(const struct options *options);

#endif
