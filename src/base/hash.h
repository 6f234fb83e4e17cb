/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* uthash for those who handle running out of memory: by itself it would call exit(). When an entry
 * could not be added, its hh.tbl is NULL. */
#ifndef METRO_HASH_H
#define METRO_HASH_H

#ifdef UTHASH_H
#error "include this in place of uthash.h"
#endif

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#endif
