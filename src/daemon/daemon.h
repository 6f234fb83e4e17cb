/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Live measurement: configuration, peers, backend and sink, held together by the event loop. */
#ifndef METRO_DAEMON_H
#define METRO_DAEMON_H

#include "config.h"
#include "options.h"

/* Measures until SIGINT, SIGTERM or SIGQUIT; if there are only capture files, until they are read.
 * Takes over the configuration. Returns 0, or -errno, reported. */
int daemon_run(const struct options *options, struct config *config);

#endif
