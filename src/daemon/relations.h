/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Interfaces that lie on others: measured by one instance, what passes both is counted twice. */
#ifndef METRO_RELATIONS_H
#define METRO_RELATIONS_H

#include "config.h"
#include "links.h"

struct relation_told;

struct relations {
	struct relation_told *told;
};

/* Warns, once for each instance and upper interface, of those that are there now. */
void relations_look(struct relations *relations, const struct config *config,
		    const struct links *links);

/* Another configuration: what was said, was of the one before. */
void relations_forget(struct relations *relations);

#endif
