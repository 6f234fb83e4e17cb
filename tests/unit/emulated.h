/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What qemu-user does not pass on to the kernel. Include after cmocka.h. */
#ifndef METRO_TEST_EMULATED_H
#define METRO_TEST_EMULATED_H

#include <stdbool.h>
#include <stdlib.h>

/* tests/run.sh says so. */
static inline bool is_emulated(void)
{
	const char *emulator = getenv("METRO_EMULATOR");

	return emulator && *emulator;
}

/* Skips the test that needs that under an emulator. */
static inline void skip_emulated(const char *what)
{
	if (!is_emulated())
		return;
	print_message("# emulated: %s\n", what);
	skip();
}

#endif
