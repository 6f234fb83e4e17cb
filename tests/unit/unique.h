/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A number that no other test program has, for names that all share. A process id is none: the
 * clean roots (tests/root.sh) have pid namespaces of their own, and share /tmp, the control groups
 * and the network, where abstract sockets live, with the programs of another compiler.
 */
#ifndef METRO_TEST_UNIQUE_H
#define METRO_TEST_UNIQUE_H

#include <sys/random.h>

/* The same in all calls, and after a fork. */
static inline unsigned long long unique_number(void)
{
	static unsigned long long number;

	while (!number)
		if (getrandom(&number, sizeof(number), 0) != sizeof(number))
			number = 0;
	return number;
}

#endif
