/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a configuration needs of memory, held against the limit that this process is under. */
#ifndef METRO_MEMORY_ADVICE_H
#define METRO_MEMORY_ADVICE_H

#include "backend.h"
#include "config.h"
#include "links.h"
#include "memory_limit.h"
#include "memory_need.h"

/* BPF could not be loaded because of err, as reason says: adds need and limit, if they may be why.
 * charged: maps count against the container's limit, else (before Linux 5.11) against locked. */
void memory_explain(const struct memory_need *bpf, int err, bool charged,
		    const struct memory_limit *limit, const struct memory_limit *locked,
		    char reason[BACKEND_REASON]);

/* One warning if what is measured with the backend may come to need more than the limit. */
void memory_warn(const struct memory_need *need, bool bpf, const struct memory_limit *limit);

#define MEMORY_SUM 512

/* The need at most by part and the limit, in one line, for the backends of the choice. */
void memory_sum(char text[MEMORY_SUM], const struct config *config, const struct links *links,
		unsigned int marks, enum backend_choice choice, const struct memory_limit *limit);

/* All of it for this process. memory_check returns false, and there is no text, if only capture
 * files are measured: what they take is found when they are read. */
bool memory_check(char text[MEMORY_SUM], const struct config *config, unsigned int marks,
		  enum backend_choice choice);
void memory_after_failure(const struct config *config, unsigned int marks, int err,
			  char reason[BACKEND_REASON]);
void memory_when_measuring(const struct config *config, unsigned int marks, bool bpf);

#endif
