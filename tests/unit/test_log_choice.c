/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which level and which file the daemon's log has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "capture.h"
#include "log_choice.h"

static enum log_level level_of(bool verbose, enum log_level configured)
{
	const struct log_choice choice = {.verbose = verbose};
	const struct config config = {.log_level = configured};

	log_choice_apply(&choice, &config);
	return log_get_level();
}

static void test_level(void **state)
{
	(void)state;
	assert_int_equal(level_of(false, LEVEL_ERROR), LEVEL_ERROR);
	assert_int_equal(level_of(true, LEVEL_ERROR), LEVEL_DEBUG);
	assert_int_equal(level_of(true, LEVEL_DEBUG), LEVEL_DEBUG);
	assert_int_equal(level_of(true, LEVEL_TRACE), LEVEL_TRACE);
	assert_int_equal(level_of(false, LEVEL_TRACE), LEVEL_TRACE);
	log_set_level(LEVEL_INFO);
}

/* Opened anew under the same name, as after logrotate; none, and it is standard error again. */
static void test_file(void **state)
{
	struct config config = {.log_level = LEVEL_INFO, .log_to_file = true};
	struct capture file;
	struct log_choice choice = {.path = file.path};

	(void)state;
	close(capture_file(&file));
	log_choice_apply(&choice, &config);
	assert_true(log_is_file());
	unlink(file.path);
	log_choice_apply(&choice, &config);
	log_info("here");
	assert_int_equal(count_of(capture_read(&file), "INFO here\n"), 1);
	choice.path = NULL;
	config.log_to_file = false;
	log_choice_apply(&choice, &config);
	assert_false(log_is_file());
	capture_free(&file);
}

/* One that cannot be opened changes nothing, and the old log says so. */
static void test_no_file(void **state)
{
	const struct config config = {.log_level = LEVEL_INFO};
	const struct log_choice choice = {.path = "/proc/nowhere/metro.log"};
	struct capture capture;

	(void)state;
	log_capture(&capture);
	log_choice_apply(&choice, &config);
	assert_true(log_is_file());
	assert_int_equal(count_of(capture_read(&capture),
				  "WARNING cannot open log file /proc/nowhere/metro.log: "),
			 1);
	assert_int_equal(count_of(capture_read(&capture), "; still logging to the old file\n"), 1);
	log_release(&capture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_level),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_no_file),
	};

	return cmocka_run_group_tests_name("log choice", tests, NULL, NULL);
}
