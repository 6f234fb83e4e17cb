/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A network namespace for a test's own interfaces, where root is there. Include after cmocka.h. */
#ifndef METRO_TEST_NAMESPACE_H
#define METRO_TEST_NAMESPACE_H

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Runs ip(8) or tc(8). Returns whether it did what it was asked to. */
static inline bool run_tool(const char *command)
{
	char line[256];

	snprintf(line, sizeof(line), "%s >/dev/null 2>&1", command);
	return system(line) == 0;
}

/* Enters a new namespace, in which there is lo alone, for a test of this program. Skips the test
 * where that is not allowed. */
static inline void enter_namespace(void)
{
	if (unshare(CLONE_NEWNET)) {
		print_message("# needs root: no network namespace of its own\n");
		skip();
	}
	assert_true(run_tool("ip link set lo up"));
}

/* A pair of ends of one line, of which NAME has the index. */
static inline void add_link(const char *name, unsigned int ifindex)
{
	char command[128];

	snprintf(command, sizeof(command),
		 "ip link add index %u name %s type veth peer name %s-end", ifindex, name, name);
	assert_true(run_tool(command));
}

#endif
