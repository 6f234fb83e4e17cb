/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The room of an array doubles at powers of two, so its size follows from the count. */
#include "array.h"

#include <stdlib.h>
#include <string.h>

void *array_grow(void *array, size_t count, size_t size)
{
	if (count & (count - 1)) /* there is room up to the next power of two */
		return array;
	return reallocarray(array, count ? 2 * count : 1, size);
}

size_t array_merge_equal(void *array, size_t count, size_t size, array_order order)
{
	char *kept = array; /* after the last one kept */

	for (const char *at = array; count--; at += size) {
		if (kept != array && order(kept - size, at) == 0)
			continue;
		if (kept != at)
			memcpy(kept, at, size);
		kept += size;
	}
	return (size_t)(kept - (char *)array) / size;
}

size_t array_make_set(void *array, size_t count, size_t size, array_order order)
{
	if (count)
		qsort(array, count, size, order); /* which does not take NULL */
	return array_merge_equal(array, count, size, order);
}
