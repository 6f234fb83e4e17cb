/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Scenarios: tests that are played around every wrap of the numbers. Include after cmocka.h. */
#ifndef METRO_TEST_SCENARIO_H
#define METRO_TEST_SCENARIO_H

#include "segments.h"

#define SECOND 1000000ull /* microseconds */
#define DATA   (TCP_ACK | TCP_PSH)

/* Declares a test that runs a scenario around every wrap of the sequence numbers. */
#define SCENARIO(name)                                                                             \
	static void scenario_##name(struct line *l);                                               \
	static void test_##name(void **state)                                                      \
	{                                                                                          \
		(void)state;                                                                       \
		at_every_wrap(scenario_##name);                                                    \
	}                                                                                          \
	static void scenario_##name(struct line *l)

#define S(name) cmocka_unit_test(test_##name)

#endif
