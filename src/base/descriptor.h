/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* File descriptors that may not be open: a negative number stands for none. */
#ifndef METRO_DESCRIPTOR_H
#define METRO_DESCRIPTOR_H

#include <unistd.h>

/* Closes the descriptor if it is open, and sets it to -1. */
static inline void descriptor_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

#endif
