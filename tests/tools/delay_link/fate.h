/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What chance has in store for a frame. */
#ifndef DELAY_LINK_FATE_H
#define DELAY_LINK_FATE_H

#include "options.h"

struct fate {
	bool lost, duplicated, late;
	uint64_t delay;
};

/* Draws the same number of times whatever the options: turning one on leaves the others as is. */
struct fate draw_fate(uint64_t *random, const struct options *options);

/* How much longer a late frame waits. */
uint64_t lateness(const struct options *options);

#endif
