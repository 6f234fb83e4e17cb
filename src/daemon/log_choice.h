/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where the daemon's log goes and how much of it: chosen from the command line and the
 * configuration. */
#ifndef METRO_LOG_CHOICE_H
#define METRO_LOG_CHOICE_H

#include "config.h"

/* What the command line says. */
struct log_choice {
	const char *path; /* of the file; NULL: as the configuration says */
	bool verbose;     /* level debug, unless the configuration says trace */
};

/* Opens a log file, as log_open does, and if it has to be with root's rights. */
int log_choice_open(const char *path);

/* Puts level and file in force; the file is opened again, which serves logrotate. If that fails, it
 * is reported, and the log stays where it was: no reason not to measure. */
void log_choice_apply(const struct log_choice *choice, const struct config *config);

#endif
