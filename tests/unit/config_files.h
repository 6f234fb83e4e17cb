/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A configuration's file in a directory of the test's own, what is logged about it, and the
 * defaults. Include after cmocka.h. */
#ifndef METRO_TEST_CONFIG_FILES_H
#define METRO_TEST_CONFIG_FILES_H

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "array.h"
#include "caught_log.h"
#include "config.h"

static char directory[] = "/tmp/metro-config-XXXXXX";
static char path[64];

static inline int setup(void **state)
{
	(void)state;
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/c.yaml", directory);
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(directory);
}

/* Each test has a log of its own. */
#define LOGGED_TEST(name) cmocka_unit_test_setup_teardown(name, catch_log, release_log)

/* What was logged, without "TIME ERROR " (or "TIME ", before a warning) and without the file's name
 * in front: a line each. */
static inline const char *logged(const char *file)
{
	static char out[65536];
	char *line, *text = strdup(capture_read(&capture)), *rest = text;
	size_t length = 0;

	out[0] = '\0';
	while ((line = strsep(&rest, "\n")) && rest) {
		char *message = strstr(line, " ERROR "), *warning = strstr(line, " WARNING ");

		assert_true(message || warning);
		message = warning ? warning + strlen(" WARNING ") : message + strlen(" ERROR ");
		if (file && strncmp(message, file, strlen(file)) == 0)
			message += strlen(file) + 1;
		length += (size_t)snprintf(out + length, sizeof(out) - length, "%s%s\n",
					   warning ? "WARNING " : "", message);
	}
	free(text);
	return out;
}

static inline void write_bytes(const char *bytes, size_t length)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

static inline void assert_defaults(const struct config *c)
{
	assert_int_equal(c->snaplen, 512);
	assert_int_equal(c->idle_ttl_s, 300);
	assert_int_equal(c->exp_ttl_s, 60);
	if (c->statsd_ip) /* "not given" differs from the default, but means the same here */
		assert_string_equal(c->statsd_ip, "127.0.0.1");
	if (c->statsd_port)
		assert_int_equal(c->statsd_port, 8125);
	assert_null(c->statsd_socket);
	assert_null(c->prefix);
	assert_int_equal(c->dialect, DIALECT_DOGSTATSD);
	assert_int_equal(c->metrics, METRICS_DEFAULT);
	assert_false(c->distribution || c->telemetry || c->soften);
	assert_int_equal(c->aggregate.by, AGGREGATE_ADDRESS);
	assert_int_equal(c->max_series, 0);
	assert_int_equal(c->resolve_interval_s, 300);
	assert_true(c->reverse_names);
	assert_null(c->openmetrics_listen);
	assert_int_equal(c->openmetrics_buckets.count, 21);
	assert_int_equal(c->openmetrics_buckets.ns[20], 60000000000);
	if (c->control_socket && *c->control_socket) /* the command line has none */
		assert_string_equal(c->control_socket, "/run/bpf-metro/bpf-metro.sock");
	assert_int_equal(c->log_level, LEVEL_INFO);
	assert_true(c->report_interval_s == 10);
	assert_int_equal(c->max_flows, 32768);
	assert_int_equal(c->marks, 32);
}

#endif
