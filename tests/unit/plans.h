/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Plans from configurations that a test writes. Include after cmocka.h. */
#ifndef METRO_TEST_PLANS_H
#define METRO_TEST_PLANS_H

#include "capture.h"
#include "plan.h"

static inline void write_text(const char *path, const char *text)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	fputs(text, out);
	assert_int_equal(fclose(out), 0);
}

/* The configuration that a text is. */
static inline struct config *config_of(const char *text)
{
	struct config *config = NULL;
	struct capture file;

	close(capture_file(&file));
	write_text(file.path, text);
	assert_int_equal(config_load(file.path, &config), 0);
	capture_free(&file);
	return config;
}

/* One that has these instances, and defaults else. */
static inline struct config *config_of_instances(const char *instances)
{
	char text[1024];

	assert_true(snprintf(text, sizeof(text), "instances:\n%s", instances) < (int)sizeof(text));
	return config_of(text);
}

static inline struct plan plan_of(const char *text)
{
	const struct plan_overrides none = {};
	struct plan plan;

	assert_int_equal(plan_make(&plan, config_of(text), &none), 0);
	return plan;
}

#endif
