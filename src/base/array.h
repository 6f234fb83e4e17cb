/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Arrays: how long they are, how they grow, and how they become sets. */
#ifndef METRO_ARRAY_H
#define METRO_ARRAY_H

#include <stddef.h>

/* Of an array, not of a pointer to one. */
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

typedef int (*array_order)(const void *a, const void *b); /* as qsort(3) has it */

/* Makes room for one more element after the first count, for an array that has only grown by this.
 * Returns the array, perhaps moved, or NULL when out of memory: then it is as it was. */
void *array_grow(void *array, size_t count, size_t size);

/* Keeps the first of equal elements that follow each other. Returns how many are left. */
size_t array_merge_equal(void *array, size_t count, size_t size, array_order order);

/* Sorts the elements and keeps each once. Returns how many are left. */
size_t array_make_set(void *array, size_t count, size_t size, array_order order);

#endif
