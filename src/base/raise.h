/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Capabilities that this process has been permitted, but that are not in effect. */
#ifndef METRO_RAISE_H
#define METRO_RAISE_H

/*
 * Puts all permitted capabilities into effect. Returns 0 or -errno.
 *
 * A file with capabilities has them permitted (setcap ..+p) and not in effect (+ep) where it has to
 * run with fewer, too: of a file with +ep, execve(2) fails with EPERM if the bounding set lacks one
 * of them (capabilities(7), "Safety checking for capability-dumb binaries").
 */
int raise_capabilities(void);

#endif
