/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a configuration wants looked up, each once and in order. */
#ifndef METRO_RESOLVER_LIST_H
#define METRO_RESOLVER_LIST_H

#include "resolver_tasks.h"

struct wanted {
	enum resolved kind;
	const char *host; /* borrowed; NULL for an address */
	struct address address;
	struct task *task; /* that looks it up already, or NULL */
};

struct wanted_list {
	struct wanted *at; /* sorted, each once */
	size_t count;
	size_t count_of[LANES]; /* by kind */
};

/* Returns 0 or -ENOMEM. The tasks are those of the previous list, in the same order. */
int wanted_list_make(struct wanted_list *list, const struct config *config, const char *server,
		     struct task *const *tasks, size_t count);

#endif
