/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What an interval had no room for: counted where that happens, and said at its end. */
#ifndef METRO_SERIES_LOSSES_H
#define METRO_SERIES_LOSSES_H

#include "series.h"

/* Is the text whole, from series_each? Otherwise the series is to be left out, and is counted. */
bool series_fits(struct series *series, const struct line *text);

/* To be called before series_next_interval. who begins each line of the log: "", or "NAME: ". */
void series_say_losses(struct series *series, const char *who);

#endif
