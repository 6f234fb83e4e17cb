/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Numbers as decimal text, for what is written millions of times. */
#ifndef METRO_DECIMAL_H
#define METRO_DECIMAL_H

#include "types.h"

#include <string.h>

/* Of the numbers below 100. */
static const char decimal_pairs[] = "00010203040506070809"
				    "10111213141516171819"
				    "20212223242526272829"
				    "30313233343536373839"
				    "40414243444546474849"
				    "50515253545556575859"
				    "60616263646566676869"
				    "70717273747576777879"
				    "80818283848586878889"
				    "90919293949596979899";

/* Writes exactly this many digits, the last ones of the number. Returns the end. */
static inline char *decimal_fixed(char *to, unsigned int digits, __u64 number)
{
	char *at = to + digits;

	for (; at - to >= 2; number /= 100) {
		at -= 2;
		memcpy(at, decimal_pairs + 2 * (number % 100), 2);
	}
	if (at > to)
		*--at = (char)('0' + number % 10);
	return to + digits;
}

/* At most 20 digits. Returns the end; no NUL is written. */
static inline char *decimal(char *to, __u64 number)
{
	unsigned int digits = 1;

	for (__u64 power = 10; number >= power && digits < 20; power *= 10)
		digits++;
	return decimal_fixed(to, digits, number);
}

#endif
