/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Text of a fixed size, made in several steps. */
#ifndef METRO_APPEND_H
#define METRO_APPEND_H

#include <stddef.h>

/* Adds to the text, which is in an array of that many bytes, as far as there is room; the final
 * zero stays. */
void append(char *text, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
