/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The log of a whole test program or of each of its tests. Include after cmocka.h. */
#ifndef METRO_TEST_CAUGHT_LOG_H
#define METRO_TEST_CAUGHT_LOG_H

#include "capture.h"

static struct capture capture;

/* For cmocka: around all tests or each. */
static inline int catch_log(void **state)
{
	(void)state;
	log_capture(&capture);
	return 0;
}

static inline int release_log(void **state)
{
	(void)state;
	log_release(&capture);
	return 0;
}

#endif
