/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The live view as a sink: samples in, a picture on the terminal. */
#ifndef METRO_LIVE_SINK_TOP_H
#define METRO_LIVE_SINK_TOP_H

#include "sink.h"

/* The terminal must have been prepared (screen.h). Return 0 or -errno, reported. */
int sink_top_open(struct sink **sink, const struct peers *peers);

/* Of a capture, by its own clock: each report is a picture, and ends no interval; with the first of
 * them the terminal is taken over. */
int sink_top_open_capture(struct sink **sink);

#endif
