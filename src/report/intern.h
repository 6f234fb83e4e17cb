/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Texts, each kept once, so that the same text is the same pointer. */
#ifndef METRO_INTERN_H
#define METRO_INTERN_H

#include "types.h"

struct interned;

struct intern_pool {
	struct interned *first; /* zeroed memory is empty */
};

/* The pool's copy of the text, valid until a sweep finds it unused. NULL: out of memory. */
const char *intern_text(struct intern_pool *pool, const char *text);

/* Marks such a copy as used; ignores NULL. The sweep frees all copies not used since the last one.
 */
void intern_use(const char *text);
void intern_sweep(struct intern_pool *pool);

#endif
