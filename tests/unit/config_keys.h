/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A configuration of some keys under init_config or in an instance: loaded, and the messages about
 * it. Include after cmocka.h. */
#ifndef METRO_TEST_CONFIG_KEYS_H
#define METRO_TEST_CONFIG_KEYS_H

#include <errno.h>

#include "array.h"
#include "caught_log.h"
#include "config.h"

/* Loads a file that has these lines under init_config, or under the only instance. */
static inline int load(const char *init, const char *instance, struct config **config)
{
	struct capture file;
	FILE *out = fdopen(capture_file(&file), "w");
	int err;

	fprintf(out, "init_config: {%s}\ninstances:\n- %s\n", init, instance);
	fclose(out);
	err = config_load(file.path, config);
	capture_free(&file);
	return err;
}

/* The messages of the last load, from behind the file's name and line, one a line. */
static inline const char *messages(void)
{
	static char out[4096];
	const char *at = capture_read(&capture);
	size_t length = 0;

	out[0] = '\0';
	while ((at = strstr(at, " ERROR "))) {
		const char *message = strstr(strchr(at, ':') + 1, ": ") + 2;

		length += (size_t)snprintf(out + length, sizeof(out) - length, "%.*s\n",
					   (int)strcspn(message, "\n"), message);
		at = message;
	}
	return out;
}

#endif
