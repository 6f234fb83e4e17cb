/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Plain decimal numbers from files and command lines, checked strictly. */
#ifndef METRO_NUMBER_H
#define METRO_NUMBER_H

/* Each returns 0, -EINVAL when the text is not such a number from its first character to its last,
 * or -ERANGE when it is, but out of range. *value is left alone then. */

/* Digits, no leading zeros: 0x10, 1_000 and 010 mean different things to different readers. */
int number_parse_whole(const char *text, unsigned int min, unsigned int max, unsigned int *value);

/* Digits with at most one point. */
int number_parse_decimal(const char *text, double min, double max, double *value);

#endif
