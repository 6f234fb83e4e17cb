/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* An environment that says nothing about a StatsD server, whatever that of the tests says. */
#ifndef METRO_TEST_PLAIN_ENVIRONMENT_H
#define METRO_TEST_PLAIN_ENVIRONMENT_H

#include "array.h"

#include <stdlib.h>

/* Lines are the same wherever the tests run: in a container, or where Datadog's variables are set.
 */
static inline void plain_environment(void)
{
	static const char *const names[] = {
		"DD_DOGSTATSD_URL", "DD_AGENT_HOST", "DD_DOGSTATSD_PORT", "DD_ENTITY_ID",
		"DD_ENV",           "DD_SERVICE",    "DD_VERSION"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unsetenv(names[i]);
	setenv("DD_ORIGIN_DETECTION_ENABLED", "false", 1);
}

#endif
