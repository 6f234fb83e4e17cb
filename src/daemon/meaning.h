/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a configuration, all instances together, says of a link. */
#ifndef METRO_MEANING_H
#define METRO_MEANING_H

#include "config.h"
#include "links.h"

/* Which ways of data do instances measure on it, all together? 0: none does. */
unsigned int meant_ways(const struct config *config, const struct link *link);

/* The link as it is reported: by its own name, or, if only an alternative one is configured, by
 * that. */
struct interface shown(const struct config *config, const struct link *link);

/* Says which other of its names are configured, too. */
void say_aliases(const struct config *config, const struct link *link, const char *name);

#endif
