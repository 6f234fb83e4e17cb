/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Live measurement: from a configuration to the end that a signal makes. */
#ifndef METRO_DAEMON_H
#define METRO_DAEMON_H

#include "daemon_settings.h"

/* Measures until SIGINT, SIGTERM or SIGQUIT; if there are only capture files, until they are read.
 * Takes over the configuration. Returns 0, or -errno, reported. */
int daemon_run(const struct daemon_settings *settings, struct config *config);

#endif
