/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the need of memory depends on, as a configuration has it. */
#ifndef METRO_MEMORY_TERMS_H
#define METRO_MEMORY_TERMS_H

#include "config.h"
#include "links.h"
#include "memory_need.h"

/* Of the interfaces that are there, and one for each selection that has none yet. Marks: a flow, as
 * the backends are told. */
struct memory_terms memory_terms_of(const struct config *config, const struct links *links,
				    unsigned int marks, bool bpf);

#endif
