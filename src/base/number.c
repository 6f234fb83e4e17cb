/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Looks at every character first: strtoul(3) and strtod(3) take more than people mean. */
#include "number.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS "0123456789"

int number_parse_whole(const char *text, unsigned int min, unsigned int max, unsigned int *value)
{
	const char *digits = text + (*text == '-' || *text == '+');
	unsigned long number;

	if (!*digits || digits[strspn(digits, DIGITS)] || (digits[0] == '0' && digits[1]))
		return -EINVAL;
	number = strtoul(digits, NULL, 10);
	if (number < min || number > max || (*text == '-' && number))
		return -ERANGE;
	*value = (unsigned int)number;
	return 0;
}

int number_parse_decimal(const char *text, double min, double max, double *value)
{
	const char *digits = text + (*text == '-' || *text == '+');
	const char *end = digits + strspn(digits, DIGITS);
	double number;

	if (*end == '.')
		end += 1 + strspn(end + 1, DIGITS);
	if (*end || !strpbrk(digits, DIGITS))
		return -EINVAL;
	number = strtod(text, NULL);
	if (!(number >= min && number <= max))
		return -ERANGE;
	*value = number;
	return 0;
}
