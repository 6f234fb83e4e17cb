/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Numbers as decimal text, for what is written millions of times. */
#ifndef METRO_DECIMAL_H
#define METRO_DECIMAL_H

#include "types.h"

/* Writes exactly this many digits, the last ones of the number. Returns the end. */
static inline char *decimal_fixed(char *to, unsigned int digits, __u64 number)
{
	for (char *at = to + digits; at > to; number /= 10)
		*--at = (char)('0' + number % 10);
	return to + digits;
}

/* At most 20 digits. Returns the end; no NUL is written. */
static inline char *decimal(char *to, __u64 number)
{
	unsigned int digits = 1;

	for (__u64 rest = number; rest >= 10; rest /= 10)
		digits++;
	return decimal_fixed(to, digits, number);
}

#endif
