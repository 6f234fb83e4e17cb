/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Units of time in nanoseconds. Whole numbers: cast them to divide doubles. */
#ifndef METRO_UNITS_H
#define METRO_UNITS_H

#define NS_PER_S  1000000000ull
#define NS_PER_MS 1000000ull
#define NS_PER_US 1000ull

#endif
