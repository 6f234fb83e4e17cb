/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How far a capture file has been read, for who sits at a terminal and waits. */
#ifndef METRO_PROGRESS_H
#define METRO_PROGRESS_H

#include "backend.h"

struct progress {
	bool wanted; /* standard error is a terminal, and standard output, which would be mixed with
			it, is not */
	__u64 begun_ms;
	__u64 told_ms;
};

/* To be called before the privileges go: it asks about terminals. */
void progress_begin(struct progress *progress);

/* Shows a line after a second, and then a few times a second. Costs the time of day
 * otherwise. */
void progress_tell(struct progress *progress, const char *name, struct backend *backend);

/* Takes it away. */
void progress_end(struct progress *progress);

#endif
