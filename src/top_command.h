/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* bpf-metro --top: the live view of what a daemon measures that runs. */
#ifndef METRO_TOP_COMMAND_H
#define METRO_TOP_COMMAND_H

#include "options.h"

/* Returns the exit status: as --health's, and 1 without a terminal. */
int top_command(const struct options *options);

#endif
