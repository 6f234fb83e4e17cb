/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The live view as a sink: samples in, a picture on the terminal. */
#ifndef METRO_LIVE_SINK_TOP_H
#define METRO_LIVE_SINK_TOP_H

#include "sink.h"

/* The terminal must have been prepared (screen.h). Returns 0 or -errno, reported. */
int sink_top_open(struct sink **sink, const struct peers *peers);

#endif
