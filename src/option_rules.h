/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Options that exclude or need each other. */
#ifndef METRO_OPTION_RULES_H
#define METRO_OPTION_RULES_H

#include "options.h"

/* The rule that these options break, in words, or NULL. */
const char *option_rules_broken(const struct options *options);

#endif
