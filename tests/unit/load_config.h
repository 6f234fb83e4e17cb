/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Configurations as text: loaded, and what is logged meanwhile. Include after cmocka.h. */
#ifndef METRO_TEST_LOAD_CONFIG_H
#define METRO_TEST_LOAD_CONFIG_H

#include <errno.h>

#include "caught_log.h"
#include "config.h"

#define INSTANCE "instances:\n- interface: lo\n  ips: [127.0.0.1]\n"

/* Loads the text; what is logged meanwhile is in capture until the next call. */
static inline int load(const char *text, size_t length, struct config **config)
{
	struct capture file;
	int err, fd = capture_file(&file);

	log_release(&capture);
	log_capture(&capture);
	*config = NULL;
	assert_int_equal(write(fd, text, length), length);
	close(fd);
	err = config_load(file.path, config);
	capture_free(&file);
	return err;
}

static inline struct config *load_good(const char *text)
{
	struct config *config;

	assert_int_equal(load(text, strlen(text), &config), 0);
	return config;
}

/* What was logged from behind "TIME ", and without the file's name: "ERROR 3: ..." a line. */
static inline const char *logged(void)
{
	static char out[65536];
	const char *line = capture_read(&capture);
	size_t length = 0;

	for (out[0] = '\0'; *line; line = strchr(line, '\n') + 1) {
		const char *level = strchr(line, ' ') + 1, *path = strchr(level, ' ') + 1;
		const char *message = strchr(path, ':') + 1;

		length += (size_t)snprintf(out + length, sizeof(out) - length, "%.*s%.*s\n",
					   (int)(path - level), level, (int)strcspn(message, "\n"),
					   message);
	}
	return out;
}

static inline void assert_refused(const char *text, const char *message)
{
	struct config *config;

	assert_int_equal(load(text, strlen(text), &config), -EINVAL);
	assert_null(config);
	assert_string_equal(logged(), message);
}

#endif
